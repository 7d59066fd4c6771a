/**
 * Frames of a stream of server-sent events: the five events of "Real-Time Signals", and the ones that
 * CONTRACT section 5 adds.
 */
import * as v from "valibot";
import type { EventBody } from "./down.ts";
import { ENCRYPTED } from "./http.ts";
import { eventIdOf } from "./ids.ts";

const id = v.string();
const time = v.pipe(v.string(), v.isoTimestamp());
const whole = v.pipe(v.number(), v.safeInteger(), v.minValue(0));

const event = <const T extends string, const E extends v.ObjectEntries>(name: T, data: E) =>
  v.object({ event: v.literal(name), data: v.object(data) });

/** A message: `msg-` and its id, its Matrix event id, and the user of the event. */
const message = { id, event_id: id, sender_user_id: id };
/** A reaction: its own id, the event id of its message, and the user of the event. */
const reaction = { id, event_id: id, sender_user_id: id };

/** Every event of a stream, by name, with its data. */
export const SseEvent = v.variant("event", [
  event("message", {
    ...message,
    message_type: v.string(),
    preview: v.nullable(v.string()),
    sent_at: time,
    has_attachment: v.boolean(),
    is_encrypted: v.boolean(),
    thread_metadata: v.nullable(v.object({ is_thread_reply: v.literal(true), thread_root_event_id: id })),
  }),
  event("message_edited", { ...message, preview: v.nullable(v.string()), edited_at: time }),
  event("message_deleted", { ...message, deleted_at: time }),
  event("reaction_added", { ...reaction, reaction: v.string(), sent_at: time }),
  event("reaction_removed", reaction),
  event("member_joined", { user_id: id, name: v.string(), sender_user_id: id }),
  event("member_left", { user_id: id, left_at: time }),
  event("conversation_created", { conversation_id: id, name: v.string(), sender_user_id: id, created_at: time }),
  event("conversation_updated", { conversation_id: id, changed: v.array(v.string()) }),
  event("conversation_deleted", { conversation_id: id, sender_user_id: id }),
  event("typing", { user_id: id, typing: v.boolean(), expires_in_ms: whole }),
  event("presence", {
    user_id: id,
    status: v.picklist(["online", "offline", "unavailable"]),
    last_active_at: v.nullable(time),
  }),
  event("receipt", { user_id: id, event_id: id, read_at: time }),
  event("notification", {
    kind: v.picklist(["mention", "unread"]),
    event_id: id,
    unread_count: whole,
    mention_count: whole,
  }),
  /** The missed events cannot be replayed: the client loads a snapshot, and the stream goes on after `cursor`. */
  event("reset", { reason: v.picklist(["too_old", "not_member", "diverged"]), cursor: v.string() }),
]);
export type SseEvent = v.InferOutput<typeof SseEvent>;

/** The dependencies of `sseOf`. */
export interface Print {
  /** `SERVER_NAME`: the domain in event ids of messages that did not come from Matrix. */
  readonly serverName: string;
  /** The beginning of a message on one line. */
  readonly preview: (content: string) => string;
}

/** A durable event in the form of a stream. */
export function sseOf(body: EventBody, print: Print): SseEvent {
  const { serverName } = print;
  switch (body.type) {
    case "SEND_MSG":
    case "REPLY":
      return { event: "message", data: sentIn(body, print) };
    case "EDIT_MSG":
      return {
        event: "message_edited",
        data: { ...messageIn(body, serverName), preview: previewOf(body, print), edited_at: body.editedAt },
      };
    case "DELETE_MSG":
      return { event: "message_deleted", data: { ...messageIn(body, serverName), deleted_at: body.timeStamp } };
    case "REACT":
      return {
        event: "reaction_added",
        data: { ...reactionIn(body, serverName), reaction: body.message, sent_at: body.timeStamp },
      };
    case "DELETE_REACT":
      return { event: "reaction_removed", data: reactionIn(body, serverName) };
    default:
      return sseOfRoom(body);
  }
}

type MessageBody = Extract<EventBody, { messageId: string }>;
type TextBody = Extract<EventBody, { type: "SEND_MSG" | "REPLY" | "EDIT_MSG" }>;
type RoomBody = Exclude<EventBody, MessageBody>;

/** An event about the conversation itself, or about its members. */
function sseOfRoom(body: RoomBody): SseEvent {
  const { chatId: conversation_id } = body;
  switch (body.type) {
    case "USER_JOIN":
      return {
        event: "member_joined",
        data: { user_id: body.message, name: body.username, sender_user_id: body.senderId },
      };
    case "USER_LEAVE":
      return { event: "member_left", data: { user_id: body.senderId, left_at: body.timeStamp } };
    case "NEW_CHAT":
      return {
        event: "conversation_created",
        data: { conversation_id, name: body.message, sender_user_id: body.senderId, created_at: body.timeStamp },
      };
    case "ROOM_STATE":
      return { event: "conversation_updated", data: { conversation_id, changed: body.changed } };
    case "DELETE_CHAT":
      return { event: "conversation_deleted", data: { conversation_id, sender_user_id: body.senderId } };
  }
}

function sentIn(body: Extract<TextBody, { timeStamp: string }>, print: Print) {
  const { threadRootEventId: root, timeStamp: sent_at } = body;
  return {
    ...messageIn(body, print.serverName),
    message_type: body.messageType ?? "m.text",
    preview: previewOf(body, print),
    sent_at,
    has_attachment: body.file !== undefined,
    is_encrypted: isEncrypted(body),
    thread_metadata: root === undefined ? null : { is_thread_reply: true as const, thread_root_event_id: root },
  };
}

const isEncrypted = ({ messageType }: TextBody): boolean => messageType === ENCRYPTED;

const previewOf = (body: TextBody, { preview }: Print): string | null =>
  isEncrypted(body) ? null : preview(body.message);

const messageIn = ({ senderId, ...message }: MessageBody, serverName: string) => ({
  id: `msg-${message.messageId}`,
  event_id: eventIdOf(message, serverName),
  sender_user_id: senderId,
});

function reactionIn(body: Extract<EventBody, { parentMessageId: string }>, serverName: string) {
  const { messageId, parentMessageId, senderId, eventId } = body;
  return {
    id: messageId,
    event_id: eventIdOf({ messageId: parentMessageId, eventId }, serverName),
    sender_user_id: senderId,
  };
}

/** The line ends of a stream. */
const LINE_END = /\r\n|\r|\n/;

/**
 * Encodes an event as `text/event-stream`. `id` is the cursor of a durable event, which a client sends back as
 * `Last-Event-ID`. A reader gets `data` unchanged: JSON has no line end outside its escapes, other text has a field
 * per line.
 */
export function encodeSse(name: string, data: string, id?: string): string {
  const idLine = id === undefined ? "" : `id: ${id}\n`;
  const lines = data.split(LINE_END).map((line) => `data: ${line}\n`);
  return `${idLine}event: ${name}\n${lines.join("")}\n`;
}

/** The delay before a client connects again, in milliseconds. */
export const encodeRetry = (ms: number): string => `retry: ${Math.round(ms)}\n\n`;

/** A comment that keeps the connection alive: proxies close a stream without bytes. */
export const SSE_COMMENT = ":\n\n";
