/** The bodies of stored events, made of the rows as they are now. */

import { encodeMark } from "@signalbox/protocol/cursor";
import type { EventBody } from "@signalbox/protocol/down";
import { encodeBody } from "@signalbox/protocol/encode";
import { toBytes } from "./bytes.ts";
import { deleteBody, editBody, leaveSentence, messageRefOf, reactBody, sentBody, unreactBody } from "./event-bodies.ts";
import type { EventRow, MessageRow, ReactionRow, StoredEvent } from "./rows.ts";

/** The rows that a page of events is about. A row that is gone is absent. */
export interface Subjects {
  /** By message id; with each answer the message that it answers. */
  readonly messages: ReadonlyMap<string, MessageRow>;
  /** By reaction id; with each reaction its message is among `messages`. */
  readonly reactions: ReadonlyMap<string, ReactionRow>;
  /** Names by user id. */
  readonly names: ReadonlyMap<string, string | null>;
  readonly roomName: string;
}

/** What a page of events is about: the ids to read for `Subjects`. */
export function subjectsOf(events: readonly StoredEvent[]) {
  const ids = (types: ReadonlySet<string>) => [
    ...new Set(events.flatMap(({ type, subjectId }) => (subjectId !== null && types.has(type) ? [subjectId] : []))),
  ];
  return {
    messages: ids(OF_MESSAGES),
    reactions: ids(OF_REACTIONS),
    users: [...new Set(events.flatMap(({ type, userId }) => (OF_MEMBERS.has(type) ? [userId] : [])))],
  };
}

/** The types of events about a message. */
export const OF_MESSAGES: ReadonlySet<string> = new Set(["SEND_MSG", "REPLY", "EDIT_MSG", "DELETE_MSG"]);
/** The types of events about a reaction. */
export const OF_REACTIONS: ReadonlySet<string> = new Set(["REACT", "DELETE_REACT"]);
const OF_MEMBERS: ReadonlySet<string> = new Set(["USER_JOIN", "USER_LEAVE"]);

/** A stored event with its body. A text in it is the present one: nothing that was taken back is in any event. */
export function eventOf(stored: StoredEvent, subjects: Subjects): EventRow {
  const { roomId, seq, mark, prev, userId } = stored;
  const message = subjects.messages.get(stored.subjectId ?? "");
  const body = bodyOf(stored, subjects, message);
  const encoded = toBytes(encodeBody({ ...body, chatId: roomId, seq, mark: encodeMark(mark) } as EventBody));
  const event = { roomId, seq, mark, prev, type: body.type, userId, body: encoded };
  return body.type === "SEND_MSG" || body.type === "REPLY" ? { ...event, message: messageRefOf(body) } : event;
}

function bodyOf(stored: StoredEvent, subjects: Subjects, message: MessageRow | undefined) {
  const { type, userId, details, at } = stored;
  switch (type) {
    case "SEND_MSG":
    case "REPLY":
      return sentBody(message ?? gone(stored), originalIn(stored, subjects, message));
    case "EDIT_MSG":
      return editBody({ ...(message ?? gone(stored)), editedAt: new Date(details.timeStamp ?? at) });
    case "DELETE_MSG":
      return deleteBody(message ?? { ...gone(stored), deletedBy: userId, deletedAt: at });
    case "REACT":
    case "DELETE_REACT":
      return reactionBodyOf(stored, subjects);
    case "USER_JOIN": {
      const username = subjects.names.get(userId) ?? userId;
      return { type, senderId: details.senderId ?? userId, message: userId, username };
    }
    case "USER_LEAVE": {
      const sentence = leaveSentence(subjects.names.get(userId) ?? userId, details.removed === true);
      return { type, senderId: userId, message: sentence, timeStamp: details.timeStamp ?? at.toISOString() };
    }
    case "NEW_CHAT":
      return { type, senderId: userId, timeStamp: details.timeStamp ?? at.toISOString(), message: subjects.roomName };
    case "DELETE_CHAT":
      return { type, senderId: userId };
    case "ROOM_STATE":
      return { type, changed: [...(details.changed ?? [])] };
  }
}

function reactionBodyOf({ type, roomId, seq, subjectId, userId, at }: StoredEvent, subjects: Subjects) {
  const reactionId = subjectId ?? "";
  const absent = { roomId, messageId: reactionId, reactionId, senderId: userId, reaction: "", seq, sentAt: at };
  const row = subjects.reactions.get(reactionId) ?? { ...absent, removedSeq: seq, eventId: null };
  const parent = subjects.messages.get(row.messageId);
  return type === "REACT" ? reactBody(row, parent) : unreactBody(row, parent);
}

/** The message that an answer quotes, in its present form. */
function originalIn({ type }: StoredEvent, { messages }: Subjects, answer: MessageRow | undefined) {
  if (type !== "REPLY" || answer === undefined || answer.replyTo === null) return null;
  return messages.get(answer.replyTo) ?? null;
}

/** A message that is not there any more, as far as its event tells. */
const gone = ({ roomId, seq, subjectId, userId, at }: StoredEvent): MessageRow => ({
  ...{ roomId, seq, ordinal: 0, messageId: subjectId ?? "", senderId: userId, content: "" },
  ...{ sentAt: at, clientMessageId: null, replyTo: null, mentions: null, textMentions: null, type: "m.text" },
  ...{ file: null, threadRoot: null, eventId: null, editSeq: null, editedAt: null },
  ...{ deleteSeq: seq, deletedAt: at, deletedBy: null },
});
