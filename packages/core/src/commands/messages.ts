/** The rules of messages and reactions. CONTRACT section 3. */
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
import { namedBy, namesNeeded, spellings } from "./mentions.ts";
import type { Draft } from "./transaction.ts";

type Answer = Command<Bytes>;
type Send = ActionOf<"SEND_MSG"> | ActionOf<"REPLY">;

export function send(actor: Actor, action: Send): Answer {
  const { chatId: roomId, clientMessageId } = action;
  const repeats = clientMessageId === undefined ? [] : [{ roomId, senderId: actor.userId, clientMessageId }];
  const messages = action.type === "REPLY" ? [{ roomId, messageId: action.messageId }] : [];
  const spelled = spellings(action.message);
  return {
    needs: { ...inRoom(actor, roomId), messages, repeats, names: namesNeeded(roomId, spelled) },
    apply(draft) {
      const room = draft.room(roomId, actor);
      const repeat = draft.repeat(roomId, actor.userId, clientMessageId);
      if (repeat !== undefined) return firstAnswer(draft, repeat, actor.userId);
      const original = action.type === "REPLY" ? intact(draft.message(roomId, action.messageId)) : null;
      forward(draft, room, actor, { kind: "message", replyTo: original?.eventId ?? null });
      const message = {
        ...newMessage(draft, actor, action, original),
        place: room.messageCount + 1,
        named: namedBy(draft, roomId, spelled),
      };
      draft.putRoom({ ...room, messageCount: message.place });
      draft.putMessage(message);
      return addressed(draft.append(roomId, actor.userId, sentBody(message, original)).body, actor.userId);
    },
  };
}

export function edit(actor: Actor, action: ActionOf<"EDIT_MSG">): Answer {
  const { chatId: roomId, messageId } = action;
  const spelled = spellings(action.message);
  return {
    needs: { ...inRoom(actor, roomId), messages: [{ roomId, messageId }], names: namesNeeded(roomId, spelled) },
    apply(draft) {
      const room = draft.room(roomId, actor);
      const message = draft.message(roomId, messageId);
      if (message.senderId !== actor.userId) throw new Problem("forbidden", "only its author may edit a message");
      intact(message);
      if (message.content === action.message) return lastText(draft, message, actor.userId);
      if (message.type === ENCRYPTED) throw new Problem("conflict", "the message is encrypted");
      const { eventId, mentions } = message;
      if (eventId !== null) forward(draft, room, actor, { kind: "edit", eventId, mentions: mentions ?? [] });
      const edited = {
        ...message,
        content: action.message,
        named: namedBy(draft, roomId, spelled),
        editSeq: draft.nextSeq(roomId),
        editedAt: draft.now,
      };
      draft.putMessage(edited);
      return addressed(draft.append(roomId, actor.userId, editBody(edited)).body, actor.userId);
    },
  };
}

export function remove(actor: Actor, action: ActionOf<"DELETE_MSG">): Answer {
  const { chatId: roomId, messageId } = action;
  return {
    needs: { ...inRoom(actor, roomId), messages: [{ roomId, messageId }] },
    apply(draft) {
      const room = draft.room(roomId, actor);
      const message = draft.message(roomId, messageId);
      if (message.senderId !== actor.userId && !draft.rules(roomId, actor))
        throw new Problem("forbidden", "only its author or an owner of the room may delete a message");
      if (message.deleteSeq !== null)
        return again(deleteBody(message), message.roomId, message.deleteSeq, actor.userId);
      if (message.eventId !== null) forward(draft, room, actor, { kind: "redaction", eventId: message.eventId });
      const deleted = {
        ...message,
        ...EMPTY,
        deleteSeq: draft.nextSeq(roomId),
        deletedAt: draft.now,
        deletedBy: actor.userId,
      };
      draft.putMessage(deleted);
      return addressed(draft.append(roomId, actor.userId, deleteBody(deleted)).body, actor.userId);
    },
  };
}

export function react(actor: Actor, action: ActionOf<"REACT">): Answer {
  const { chatId: roomId, messageId, reaction } = action;
  const senderId = actor.userId;
  return {
    needs: {
      ...inRoom(actor, roomId),
      messages: [{ roomId, messageId }],
      standing: [{ roomId, messageId, senderId, reaction }],
    },
    apply(draft) {
      const room = draft.room(roomId, actor);
      const message = intact(draft.message(roomId, messageId));
      const standing = draft.standing(roomId, messageId, senderId, reaction);
      if (standing !== undefined) return again(reactBody(standing, message), roomId, standing.seq, senderId);
      if (message.eventId !== null) forward(draft, room, actor, { kind: "reaction", eventId: message.eventId });
      const row: ReactionRow = {
        roomId,
        messageId,
        reactionId: uuidv7(draft.now.getTime()),
        senderId,
        reaction,
        seq: draft.nextSeq(roomId),
        sentAt: draft.now,
        removedSeq: null,
        eventId: null,
      };
      draft.putReaction(row);
      return addressed(draft.append(roomId, senderId, reactBody(row, message)).body, senderId);
    },
  };
}

export function unreact(actor: Actor, action: ActionOf<"DELETE_REACT">): Answer {
  const { reactionId } = action;
  return {
    needs: { reactions: [{ reactionId, userId: actor.userId }] },
    apply(draft) {
      const row = draft.reaction(reactionId);
      if (row === undefined) throw new Problem("not_found", "no such reaction");
      const room = roomOf(draft, row, actor);
      if (row.senderId !== actor.userId) throw new Problem("forbidden", "only its author may remove a reaction");
      const parent = draft.peek(row.roomId, row.messageId);
      if (row.removedSeq !== null) return again(unreactBody(row, parent), row.roomId, row.removedSeq, actor.userId);
      if (row.eventId !== null) forward(draft, room, actor, { kind: "redaction", eventId: row.eventId });
      const removed = { ...row, removedSeq: draft.nextSeq(row.roomId) };
      draft.putReaction(removed);
      return addressed(draft.append(row.roomId, actor.userId, unreactBody(removed, parent)).body, actor.userId);
    },
  };
}

/** The room of a reaction. A stranger must not learn that the reaction exists: not even that its room does. */
function roomOf(draft: Draft, row: ReactionRow, actor: Actor): RoomRow {
  try {
    return draft.room(row.roomId, actor);
  } catch {
    throw new Problem("not_found", "no such reaction");
  }
}

/** The message, unless it is deleted (`conflict`). */
function intact(message: MessageRow): MessageRow {
  if (message.deleteSeq !== null) throw new Problem("conflict", "the message is deleted");
  return message;
}

function newMessage(draft: Draft, actor: Actor, action: Send, original: MessageRow | null) {
  return {
    roomId: action.chatId,
    seq: draft.nextSeq(action.chatId),
    messageId: uuidv7(draft.now.getTime()),
    senderId: actor.userId,
    content: action.message,
    sentAt: draft.now,
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

/** The answer to a repeated send: the event that the first one made, or, when that is no longer kept, one made of its row. */
function firstAnswer(draft: Draft, message: MessageRow, userId: string): Bytes {
  const event = draft.event(message.roomId, message.seq);
  if (event !== undefined) return addressed(event.body, userId);
  const original = message.replyTo === null ? null : (draft.peek(message.roomId, message.replyTo) ?? null);
  return again(sentBody(message, original), message.roomId, message.seq, userId);
}

/** The event that gave the message its present text. */
function lastText(draft: Draft, message: MessageRow, userId: string): Bytes {
  if (message.editSeq === null) return firstAnswer(draft, message, userId);
  return again(editBody(message), message.roomId, message.editSeq, userId);
}

/** An event that was sent before, encoded again for whoever repeated its action. */
function again(body: object, chatId: string, seq: number, userId: string): Bytes {
  return addressed(toBytes(encodeBody({ ...body, chatId, seq } as EventBody)), userId);
}
