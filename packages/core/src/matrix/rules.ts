/**
 * What Matrix says of a bridged room, as rules like those of native actions: the same rows, the same seq, the same events.
 * Matrix is the truth there, so nothing is refused; what makes no sense is remembered and changes nothing. A room that was
 * deleted here hears nothing more. CONTRACT section 8.
 */

import type { Command } from "../commands/command.ts";
import { join, leave, promote } from "../commands/members.ts";
import { mentionsIn, namesNeeded, spellings } from "../commands/mentions.ts";
import type { Transaction } from "../commands/transaction.ts";
import { reactBody, sentBody } from "../model/event-bodies.ts";
import { BARE, ENCRYPTED } from "../model/message-content.ts";
import type { MatrixRow, MessageRow, Revision } from "../model/rows.ts";
import { applyLatestEdit } from "./edits.ts";
import { ensureMember, matrixRow, onceInRoom, readSetOf, roleIn } from "./once.ts";
import type { EventOrigin, MatrixMessage } from "./origin.ts";
import { applyRedaction, deleteMessage, redactionOf } from "./redactions.ts";

/** A message. One that has come before changes nothing, unless it comes redacted now. */
export function ingestMessage(origin: EventOrigin, message: MatrixMessage): Command<void> {
  const { roomId, senderId } = origin;
  const { clientMessageId, replyTo } = message;
  const spelled = message.type === ENCRYPTED ? [] : spellings(message.content);
  const writes = clientMessageId === null ? [] : [{ roomId, senderId, clientMessageId }];
  const needs = { ...readSetOf(origin, replyTo), writes, repeats: writes, names: namesNeeded(roomId, spelled) };
  const again = (tx: Transaction, known: MatrixRow) => {
    if (message.redacted !== null) applyRedaction(tx, known, message.redacted);
  };
  return onceInRoom(origin, needs, (tx) => insertMessage(tx, origin, message, spelled), again);
}

/** An edit of `targetId`, or, without a revision, one whose text is encrypted. The newest of all that stand wins. */
export function ingestEdit(origin: EventOrigin, targetId: string, revision: Revision | null): Command<void> {
  const { roomId } = origin;
  const spelled = revision === null ? [] : spellings(revision.content);
  const needs = { ...readSetOf(origin, targetId), names: namesNeeded(roomId, spelled) };
  return onceInRoom(origin, needs, (tx) => {
    ensureMember(tx, origin);
    const target = tx.matrix(roomId, targetId);
    const redacted = redactionOf(tx, origin) !== null;
    // Nobody is to find in it what was redacted.
    const kept = redacted || target?.redacted ? null : revision;
    tx.putMatrix(matrixRow(tx, origin, "edit", targetId, { revision: kept, redacted }));
    const named = (text: string) => (text === revision?.content ? mentionsIn(tx, roomId, spelled) : null);
    if (target !== undefined && !redacted) applyLatestEdit(tx, target, named, origin.sentAt);
  });
}

/** A reaction to `targetId`. */
export function ingestReaction(origin: EventOrigin, targetId: string, reactionId: string, key: string): Command<void> {
  const { roomId, senderId } = origin;
  const annotated = [{ roomId, eventId: targetId, senderId, reaction: key }];
  return onceInRoom(origin, { ...readSetOf(origin, targetId), annotated }, (tx) => {
    ensureMember(tx, origin);
    const target = tx.matrix(roomId, targetId);
    const redacted = redactionOf(tx, origin) !== null;
    const counts = !redacted && (target === undefined || target.kind === "message");
    const revision = counts ? { content: key, type: reactionId, file: null, mentions: null } : null;
    const row = matrixRow(tx, origin, "reaction", targetId, { revision, redacted });
    tx.putMatrix(row);
    const message = tx.messageOfEvent(roomId, targetId);
    if (message !== undefined) activateReaction(tx, message, row);
  });
}

/** A redaction: of a message, an edit (the one before is the newest then) or a reaction; one that has not come yet, once it comes. */
export function ingestRedaction(origin: EventOrigin, targetId: string): Command<void> {
  const { roomId, senderId, sentAt } = origin;
  return onceInRoom(origin, readSetOf(origin, targetId), (tx) => {
    ensureMember(tx, origin);
    tx.putMatrix(matrixRow(tx, origin, "redaction", targetId));
    const target = tx.matrix(roomId, targetId);
    if (target !== undefined) applyRedaction(tx, target, { by: senderId, at: sentAt });
  });
}

/** `userId` is a member from now on, or no longer. */
export function ingestMembership(origin: EventOrigin, userId: string, joined: boolean): Command<void> {
  const { roomId, senderId, sentAt } = origin;
  const needs = readSetOf(origin, null);
  const about = { members: [...needs.members, { roomId, userId }], users: [...needs.users, userId] };
  return onceInRoom(origin, { ...needs, ...about }, (tx) => {
    const room = tx.row(roomId);
    const member = tx.member(roomId, userId);
    if (joined && member === undefined) join(tx, senderId, room, userId, roleIn(room, userId), sentAt);
    if (!joined && member !== undefined) leave(tx, senderId, room, member, sentAt);
    tx.putMatrix(matrixRow(tx, origin, "other", null));
  });
}

/** The room is called so. */
export function ingestRoomName(origin: EventOrigin, name: string): Command<void> {
  const { roomId, senderId } = origin;
  return onceInRoom(origin, readSetOf(origin, null), (tx) => {
    ensureMember(tx, origin);
    const room = tx.row(roomId);
    if (name !== room.name) {
      tx.putRoom({ ...room, name });
      tx.append(roomId, senderId, { type: "ROOM_STATE", changed: ["room"] });
    }
    tx.putMatrix(matrixRow(tx, origin, "other", null));
  });
}

/**
 * Any other event: remembered, because somebody may have read up to it. `creates`: it is the event that the room began with; its
 * sender made the room, and owns it when nobody here did.
 */
export function ingestOther(origin: EventOrigin, creates = false): Command<void> {
  const { roomId, senderId } = origin;
  return onceInRoom(origin, readSetOf(origin, null), (tx) => {
    const room = tx.row(roomId);
    if (creates && room.createdBy === "") {
      tx.putRoom({ ...room, createdBy: senderId });
      const member = tx.member(roomId, senderId);
      if (member?.role === "member") promote(tx, senderId, member, "owner");
    }
    tx.putMatrix(matrixRow(tx, origin, "other", null));
  });
}

/** Somebody has read up to `eventId`, whatever kind of event that is. `hidden`: in private. An event that has not come is not read. */
export function ingestReceipt(
  roomId: string,
  userId: string,
  eventId: string,
  at: Date,
  hidden: boolean,
): Command<void> {
  const origin = { roomId, eventId, senderId: userId, sentAt: at };
  return {
    reads: { ...readSetOf(origin, null), lastMessagesAtEvents: [{ roomId, eventId }], receipts: [{ roomId, userId }] },
    apply(tx) {
      const message = tx.activeRoom(roomId) && tx.lastMessageAtEvent(roomId, eventId);
      if (message === undefined) return;
      ensureMember(tx, origin);
      // What is read in private does not hold back what is read for all to see.
      const last = hidden ? tx.receipt(roomId, userId) : tx.openReceipt(roomId, userId);
      if (tx.member(roomId, userId) === undefined || (last?.messageSeq ?? 0) >= message.seq) return;
      tx.putReceipt({
        roomId,
        userId,
        hidden: hidden || tx.appearsOffline(userId),
        private: hidden,
        messageId: message.messageId,
        messageSeq: message.seq,
        eventId: message.eventId,
        messageOrdinal: message.ordinal,
        readAt: at,
        stampSeq: tx.row(roomId).lastSeq,
      });
    },
  };
}

/** Puts a message that has not come before, and what came before it and waits for it. */
function insertMessage(
  tx: Transaction,
  origin: EventOrigin,
  message: MatrixMessage,
  spelled: ReturnType<typeof spellings>,
): void {
  const { roomId, eventId, senderId } = origin;
  ensureMember(tx, origin);
  const redaction = message.redacted ?? redactionOf(tx, origin);
  const redacted = redaction !== null;
  const original = (message.replyTo !== null && !redacted && tx.messageOfEvent(roomId, message.replyTo)) || null;
  const row: MessageRow = {
    ...newMessage(tx, origin, message),
    replyTo: original?.messageId ?? null,
    textMentions: mentionsIn(tx, roomId, spelled),
    ...(redacted ? BARE : {}),
  };
  const target = matrixRow(tx, origin, "message", null, { subjectId: row.messageId, redacted, seq: row.seq });
  tx.putRoom({ ...tx.row(roomId), messageCount: row.ordinal });
  tx.putMessage(row);
  tx.putMatrix(target);
  tx.append(roomId, senderId, sentBody(row, original));
  if (redaction !== null) deleteMessage(tx, target, row, redaction);
  else applyLatestEdit(tx, target, (text) => (text === row.content ? row.textMentions : null), tx.now);
  for (const each of tx.relations(roomId, eventId)) if (each.kind === "reaction") activateReaction(tx, row, each);
}

/** `seq`, `ordinal` and the rest of what a message begins with. */
function newMessage(tx: Transaction, { roomId, eventId, senderId, sentAt }: EventOrigin, message: MatrixMessage) {
  const { messageId, content, type, file, mentions, threadRoot, clientMessageId } = message;
  const write = clientMessageId === null ? null : { roomId, senderId, clientMessageId };
  // Anybody may write any client id into an event: it counts once, and only for a send of theirs that is under way.
  const ours = write !== null && tx.isPendingWrite(write) && !tx.repeat(roomId, senderId, write.clientMessageId);
  return {
    roomId,
    seq: tx.nextSeq(roomId),
    ordinal: tx.row(roomId).messageCount + 1,
    messageId,
    senderId,
    sentAt,
    clientMessageId: ours ? clientMessageId : null,
    eventId,
    ...{ content, type, file, mentions, threadRoot },
    editSeq: null,
    editedAt: null,
    deleteSeq: null,
    deletedAt: null,
    deletedBy: null,
  };
}

/** Makes a reaction out of one that waits for its message; one that stands already is the same, whoever's word it was. */
function activateReaction(tx: Transaction, message: MessageRow, waiting: MatrixRow): void {
  const { eventId, senderId, sentAt, revision } = waiting;
  if (revision === null) return;
  const { roomId, messageId } = message;
  const standing = tx.activeReaction(roomId, messageId, senderId, revision.content);
  const reactionId = standing?.reactionId ?? revision.type;
  tx.putMatrix({ ...waiting, subjectId: reactionId, revision: null });
  if (standing !== undefined) return;
  const seq = tx.nextSeq(roomId);
  const row = {
    roomId,
    messageId,
    reactionId,
    senderId,
    reaction: revision.content,
    seq,
    sentAt,
    removedSeq: null,
    eventId,
  };
  tx.putReaction(row);
  tx.append(roomId, senderId, reactBody(row, message));
}
