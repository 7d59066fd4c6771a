/**
 * Frames to a session. The twelve events have exactly the fields of the document "Realtime" and the ones that
 * CONTRACT section 4 adds.
 */
import * as v from "valibot";
import { PROBLEMS } from "./errors.ts";
import { Status } from "./presence.ts";
import { Ref } from "./up.ts";

const id = v.string();
const time = v.pipe(v.string(), v.isoTimestamp());
const seq = v.pipe(v.number(), v.safeInteger(), v.minValue(1));
/**
 * The mark of the event, with which its cursor is `<seq>-<mark>` (cursor.ts). Absent in an event of a server before
 * there were marks.
 */
const mark = v.optional(v.pipe(v.string(), v.regex(/^[0-7][0-9a-f]{7}$/, "8 hex digits below 80000000")));
/** A place in a room; a bare seq from a server before there were marks. */
const cursor = v.pipe(v.string(), v.regex(/^\d{1,16}(-[0-7][0-9a-f]{7})?$/, "a cursor: <seq>-<mark>"));
const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0));

/** The recipient of an event: the only field that differs per recipient. */
const recipientId = id;
const sent = { recipientId, chatId: id, senderId: id, seq, mark };
const mentions = v.optional(v.array(id));
const clientMessageId = v.optional(v.string());
/** Marks a replayed message that was deleted meanwhile: its text is empty, and its DELETE_MSG comes later. */
const deleted = v.optional(v.literal(true));

export const Original = v.object({
  chatId: id,
  timeStamp: time,
  messageId: id,
  senderId: id,
  content: v.string(),
  edited: v.boolean(),
  editedAt: v.nullable(time),
});

/** The file of a message. `size` is in bytes. */
export const Attachment = v.object({
  filename: v.nullable(v.string()),
  mime_type: v.nullable(v.string()),
  size: v.nullable(v.number()),
  mxc_uri: v.nullable(v.string()),
});
export type Attachment = Readonly<v.InferOutput<typeof Attachment>>;

/** The fields of a message besides its text. Absent fields mean "m.text", no file, and no thread. */
const kinds = {
  messageType: v.optional(v.string()),
  file: v.optional(Attachment),
  threadRootEventId: v.optional(id),
};
/** The Matrix event id of the message, or of the message that a reaction is to. Absent when it is made of `messageId`. */
const eventId = v.optional(id);

const type = <const T extends string>(name: T) => v.literal(name);

/** Durable events, each with the next seq of its room. */
export const DurableEvent = v.variant("type", [
  v.object({
    type: type("SEND_MSG"),
    ...sent,
    timeStamp: time,
    message: v.string(),
    messageId: id,
    clientMessageId,
    mentions,
    deleted,
    eventId,
    ...kinds,
  }),
  v.object({ type: type("EDIT_MSG"), ...sent, message: v.string(), messageId: id, editedAt: time, eventId, ...kinds }),
  v.object({ type: type("DELETE_MSG"), ...sent, messageId: id, timeStamp: time, eventId }),
  v.object({
    type: type("REPLY"),
    ...sent,
    messageId: id,
    message: v.string(),
    replyTo: Original,
    timeStamp: time,
    clientMessageId,
    mentions,
    deleted,
    eventId,
    ...kinds,
  }),
  v.object({
    type: type("REACT"),
    ...sent,
    messageId: id,
    message: v.string(),
    parentMessageId: id,
    timeStamp: time,
    eventId,
  }),
  v.object({ type: type("DELETE_REACT"), ...sent, messageId: id, parentMessageId: id, eventId }),
  v.object({ type: type("USER_JOIN"), ...sent, message: id, username: v.string() }),
  v.object({ type: type("USER_LEAVE"), ...sent, message: v.string(), timeStamp: time }),
  v.object({ type: type("NEW_CHAT"), ...sent, timeStamp: time, message: v.string() }),
  v.object({ type: type("DELETE_CHAT"), ...sent }),
  v.object({ type: type("ROOM_STATE"), chatId: id, changed: v.array(v.string()), seq, mark }),
]);

/** Signals: the present or newest state, without a seq, never replayed (except receipts, CONTRACT section 2). */
export const Signal = v.variant("type", [
  v.object({ type: type("TYPING"), recipientId, chatId: id, senderId: id }),
  v.object({ type: type("STOP_TYPING"), chatId: id, senderId: id }),
  v.object({ type: type("READ_MSG"), recipientId, chatId: id, senderId: id, messageId: id, timeStamp: time, eventId }),
  /** Many receipts at once: a READ_MSG each would make as many frames as readers times sessions. */
  v.object({
    type: type("RECEIPTS"),
    chatId: id,
    receipts: v.array(v.object({ senderId: id, messageId: id, timeStamp: time })),
  }),
  v.object({ type: type("PRESENCE"), userId: id, status: Status, lastActiveAt: v.nullable(time) }),
  v.object({
    type: type("NOTIFICATION"),
    kind: v.picklist(["mention", "unread"]),
    chatId: id,
    messageId: id,
    unreadCount: count,
    mentionCount: count,
  }),
  v.object({ type: type("MARKER"), chatId: id, messageId: id }),
]);

/** Frames about the connection. */
export const SessionFrame = v.variant("type", [
  v.object({
    type: type("READY"),
    sessionId: id,
    userId: id,
    heartbeatMs: v.number(),
    /** The cursor of each room's last event. */
    rooms: v.record(id, cursor),
  }),
  v.object({ type: type("RESUMED") }),
  v.object({
    type: type("RESET"),
    chatId: id,
    reason: v.picklist(["too_old", "not_member", "diverged"]),
    seq: v.number(),
    cursor,
  }),
  v.object({ type: type("ACK"), ref: Ref, data: v.unknown() }),
  v.object({
    type: type("ERROR"),
    ref: Ref,
    code: v.picklist(Object.keys(PROBLEMS) as (keyof typeof PROBLEMS)[]),
    detail: v.string(),
    retryAfterMs: v.optional(v.number()),
  }),
  v.object({ type: type("PONG"), ref: Ref }),
]);

export type DurableEvent = v.InferOutput<typeof DurableEvent>;
export type Signal = v.InferOutput<typeof Signal>;
export type SessionFrame = v.InferOutput<typeof SessionFrame>;
export type Original = v.InferOutput<typeof Original>;

type Unaddressed<T> = T extends unknown ? Omit<T, "recipientId"> : never;
/** A durable event without its recipient. */
export type EventBody = Unaddressed<DurableEvent>;
export type SignalBody = Unaddressed<Signal>;
export type EventType = DurableEvent["type"];

/** The types in the order of the wire: the header of a frame holds the index of its type. Append only. */
export const EVENT_TYPES = [
  "SEND_MSG",
  "EDIT_MSG",
  "DELETE_MSG",
  "REPLY",
  "REACT",
  "DELETE_REACT",
  "USER_JOIN",
  "USER_LEAVE",
  "NEW_CHAT",
  "DELETE_CHAT",
  "ROOM_STATE",
] as const satisfies readonly EventType[];
