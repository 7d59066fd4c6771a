/** The rules of messages and reactions. CONTRACT section 3. */

import { encodeMark } from "@signalbox/protocol/cursor";
import type { EventBody } from "@signalbox/protocol/down";
import { encodeBody } from "@signalbox/protocol/encode";
import { Problem } from "@signalbox/protocol/errors";
import type { ActionOf } from "@signalbox/protocol/up";
import type { Actor } from "../model/actor.ts";
import type { Bytes } from "../model/bytes.ts";
import { toBytes } from "../model/bytes.ts";
import { deleteBody, editBody, reactBody, sentBody, unreactBody } from "../model/event-bodies.ts";
import { EMPTY, ENCRYPTED } from "../model/message-content.ts";
import type { MessageRow, ReactionRow, RoomRow } from "../model/rows.ts";
import { uuidv7 } from "../model/uuid.ts";
import { addressed, type Command, inRoom } from "./command.ts";
import { forward } from "./homeserver-first.ts";
import { mentionsIn, nameCandidates, namesToRead } from "./mentions.ts";
import type { Transaction } from "./transaction.ts";

type Answer = Command<Bytes>;
type Send = ActionOf<"SEND_MSG"> | ActionOf<"REPLY">;

export function sendMessage(actor: Actor, action: Send): Answer {
  const { chatId: roomId, clientMessageId } = action;
  const repeats = clientMessageId === undefined ? [] : [{ roomId, senderId: actor.userId, clientMessageId }];
  const messages = action.type === "REPLY" ? [{ roomId, messageId: action.messageId }] : [];
  const candidates = nameCandidates(action.message);
  return {
    reads: { ...inRoom(actor, roomId), messages, repeats, names: namesToRead(roomId, candidates) },
    apply(tx) {
      const room = tx.room(roomId, actor);
      const repeat = tx.repeat(roomId, actor.userId, clientMessageId);
      if (repeat !== undefined) return firstAnswer(tx, repeat, actor.userId);
      const original = action.type === "REPLY" ? notDeleted(tx.message(roomId, action.messageId)) : null;
      forward(tx, room, actor, { kind: "message", replyTo: original?.eventId ?? null });
      const message = {
        ...newMessage(tx, actor, action, original),
        ordinal: room.messageCount + 1,
        textMentions: mentionsIn(tx, roomId, candidates),
      };
      tx.putRoom({ ...room, messageCount: message.ordinal });
      tx.putMessage(message);
      return addressed(tx.append(roomId, actor.userId, sentBody(message, original)).body, actor.userId);
    },
  };
}

export function editMessage(actor: Actor, action: ActionOf<"EDIT_MSG">): Answer {
  const { chatId: roomId, messageId } = action;
  const candidates = nameCandidates(action.message);
  return {
    reads: { ...inRoom(actor, roomId), messages: [{ roomId, messageId }], names: namesToRead(roomId, candidates) },
    apply(tx) {
      const room = tx.room(roomId, actor);
      const message = tx.message(roomId, messageId);
      if (message.senderId !== actor.userId) throw new Problem("forbidden", "only its author may edit a message");
      notDeleted(message);
      if (message.content === action.message) return lastText(tx, message, actor.userId);
      if (message.type === ENCRYPTED) throw new Problem("conflict", "the message is encrypted");
      const { eventId, mentions } = message;
      if (eventId !== null) forward(tx, room, actor, { kind: "edit", eventId, mentions: mentions ?? [] });
      const edited = {
        ...message,
        content: action.message,
        textMentions: mentionsIn(tx, roomId, candidates),
        editSeq: tx.nextSeq(roomId),
        editedAt: tx.now,
      };
      tx.putMessage(edited);
      return addressed(tx.append(roomId, actor.userId, editBody(edited)).body, actor.userId);
    },
  };
}

export function deleteMessage(actor: Actor, action: ActionOf<"DELETE_MSG">): Answer {
  const { chatId: roomId, messageId } = action;
  return {
    reads: { ...inRoom(actor, roomId), messages: [{ roomId, messageId }] },
    apply(tx) {
      const room = tx.room(roomId, actor);
      const message = tx.message(roomId, messageId);
      if (message.senderId !== actor.userId && !tx.isOwner(roomId, actor))
        throw new Problem("forbidden", "only its author or an owner of the room may delete a message");
      if (message.deleteSeq !== null)
        return encodeRepeat(tx, deleteBody(message), message.roomId, message.deleteSeq, actor.userId);
      if (message.eventId !== null) forward(tx, room, actor, { kind: "redaction", eventId: message.eventId });
      const deleted = {
        ...message,
        ...EMPTY,
        deleteSeq: tx.nextSeq(roomId),
        deletedAt: tx.now,
        deletedBy: actor.userId,
      };
      tx.putMessage(deleted);
      return addressed(tx.append(roomId, actor.userId, deleteBody(deleted)).body, actor.userId);
    },
  };
}

export function addReaction(actor: Actor, action: ActionOf<"REACT">): Answer {
  const { chatId: roomId, messageId, reaction } = action;
  const senderId = actor.userId;
  return {
    reads: {
      ...inRoom(actor, roomId),
      messages: [{ roomId, messageId }],
      activeReactions: [{ roomId, messageId, senderId, reaction }],
    },
    apply(tx) {
      const room = tx.room(roomId, actor);
      const message = notDeleted(tx.message(roomId, messageId));
      const active = tx.activeReaction(roomId, messageId, senderId, reaction);
      if (active !== undefined) return encodeRepeat(tx, reactBody(active, message), roomId, active.seq, senderId);
      if (message.eventId !== null) forward(tx, room, actor, { kind: "reaction", eventId: message.eventId });
      const row: ReactionRow = {
        roomId,
        messageId,
        reactionId: uuidv7(tx.now.getTime()),
        senderId,
        reaction,
        seq: tx.nextSeq(roomId),
        sentAt: tx.now,
        removedSeq: null,
        eventId: null,
      };
      tx.putReaction(row);
      return addressed(tx.append(roomId, senderId, reactBody(row, message)).body, senderId);
    },
  };
}

export function removeReaction(actor: Actor, action: ActionOf<"DELETE_REACT">): Answer {
  const { reactionId } = action;
  return {
    reads: { reactions: [{ reactionId, userId: actor.userId }] },
    apply(tx) {
      const row = tx.reaction(reactionId);
      if (row === undefined) throw new Problem("not_found", "no such reaction");
      const room = roomOf(tx, row, actor);
      if (row.senderId !== actor.userId) throw new Problem("forbidden", "only its author may remove a reaction");
      const parent = tx.findMessage(row.roomId, row.messageId);
      if (row.removedSeq !== null)
        return encodeRepeat(tx, unreactBody(row, parent), row.roomId, row.removedSeq, actor.userId);
      if (row.eventId !== null) forward(tx, room, actor, { kind: "redaction", eventId: row.eventId });
      const removed = { ...row, reaction: "", removedSeq: tx.nextSeq(row.roomId) };
      tx.putReaction(removed);
      return addressed(tx.append(row.roomId, actor.userId, unreactBody(removed, parent)).body, actor.userId);
    },
  };
}

/** The room of a reaction. A stranger must not learn that the reaction or its room exists. */
function roomOf(tx: Transaction, row: ReactionRow, actor: Actor): RoomRow {
  try {
    return tx.room(row.roomId, actor);
  } catch (error) {
    if (!(error instanceof Problem) || error.code !== "not_found") throw error;
    throw new Problem("not_found", "no such reaction");
  }
}

/** The message, unless it is deleted (`conflict`). */
function notDeleted(message: MessageRow): MessageRow {
  if (message.deleteSeq !== null) throw new Problem("conflict", "the message is deleted");
  return message;
}

function newMessage(tx: Transaction, actor: Actor, action: Send, original: MessageRow | null) {
  return {
    roomId: action.chatId,
    seq: tx.nextSeq(action.chatId),
    messageId: uuidv7(tx.now.getTime()),
    senderId: actor.userId,
    content: action.message,
    sentAt: tx.now,
    clientMessageId: action.clientMessageId ?? null,
    replyTo: original?.messageId ?? null,
    mentions: action.mentions ?? null,
    type: "m.text",
    file: null,
    threadRoot: null,
    eventId: null,
    editSeq: null,
    editedAt: null,
    deleteSeq: null,
    deletedAt: null,
    deletedBy: null,
  };
}

/** The answer to a repeated send: the event of the first one, with its present text. */
function firstAnswer(tx: Transaction, message: MessageRow, userId: string): Bytes {
  const original = message.replyTo === null ? null : (tx.findMessage(message.roomId, message.replyTo) ?? null);
  return encodeRepeat(tx, sentBody(message, original), message.roomId, message.seq, userId);
}

/** The event that gave the message its present text. */
function lastText(tx: Transaction, message: MessageRow, userId: string): Bytes {
  if (message.editSeq === null) return firstAnswer(tx, message, userId);
  return encodeRepeat(tx, editBody(message), message.roomId, message.editSeq, userId);
}

/** Encodes an event that was sent before, for the user that repeats its action. */
function encodeRepeat(tx: Transaction, body: object, chatId: string, seq: number, userId: string): Bytes {
  const mark = tx.markAt(chatId, seq);
  const place = { chatId, seq, ...(mark === undefined ? {} : { mark: encodeMark(mark) }) };
  return addressed(toBytes(encodeBody({ ...body, ...place } as EventBody)), userId);
}
