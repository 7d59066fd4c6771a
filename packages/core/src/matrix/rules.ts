/**
 * The commands for events of Matrix in bridged rooms. They write the same rows and events as native actions. Matrix
 * decides there, so no event is refused: an event without a meaning here is recorded and changes nothing, as is any in
 * a room that was deleted here. CONTRACT section 8.
 */

import type { Command } from "../commands/command.ts";
import { join, leave, promote } from "../commands/members.ts";
import { mentionsIn, nameCandidates, namesToRead } from "../commands/mentions.ts";
import type { Transaction } from "../commands/transaction.ts";
import { reactBody, sentBody } from "../model/event-bodies.ts";
import { BARE, ENCRYPTED } from "../model/message-content.ts";
import type { MatrixRow, MessageRow, Revision } from "../model/rows.ts";
import { applyLatestEdit } from "./edits.ts";
import { ensureMember, matrixRow, onceInRoom, readSetOf, roleIn } from "./once.ts";
import type { EventOrigin, MatrixMessage } from "./origin.ts";
import { applyRedaction, deleteMessage, redactionOf } from "./redactions.ts";

/** A message. A known one changes nothing, unless it comes redacted now. */
export function ingestMessage(origin: EventOrigin, message: MatrixMessage): Command<void> {
  const { roomId, senderId } = origin;
  const { clientMessageId, replyTo } = message;
  const candidates = message.type === ENCRYPTED ? [] : nameCandidates(message.content);
  const writes = clientMessageId === null ? [] : [{ roomId, senderId, clientMessageId }];
  const reads = { ...readSetOf(origin, replyTo), writes, repeats: writes, names: namesToRead(roomId, candidates) };
  const again = (tx: Transaction, known: MatrixRow) => {
    if (message.redacted !== null) applyRedaction(tx, known, message.redacted);
  };
  return onceInRoom(origin, reads, (tx) => insertMessage(tx, origin, message, candidates), again);
}

/** An edit of `targetId`; an encrypted one has no revision. The newest edit that is not redacted counts. */
export function ingestEdit(origin: EventOrigin, targetId: string, revision: Revision | null): Command<void> {
  const { roomId } = origin;
  const candidates = revision === null ? [] : nameCandidates(revision.content);
  const reads = { ...readSetOf(origin, targetId), names: namesToRead(roomId, candidates) };
  return onceInRoom(origin, reads, (tx) => {
    ensureMember(tx, origin);
    const target = tx.matrix(roomId, targetId);
    const redacted = redactionOf(tx, origin) !== null;
    // Redacted content is not kept, also when its redaction came first.
    const kept = redacted || target?.redacted ? null : revision;
    tx.putMatrix(matrixRow(tx, origin, "edit", targetId, { revision: kept, redacted }));
    const textMentionsOf = (text: string) => (text === revision?.content ? mentionsIn(tx, roomId, candidates) : null);
    if (target !== undefined && !redacted) applyLatestEdit(tx, target, textMentionsOf, origin.sentAt);
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

/** A redaction of a message, an edit or a reaction. For a target that has not come yet it waits. */
export function ingestRedaction(origin: EventOrigin, targetId: string): Command<void> {
  const { roomId, senderId, sentAt } = origin;
  return onceInRoom(origin, readSetOf(origin, targetId), (tx) => {
    ensureMember(tx, origin);
    tx.putMatrix(matrixRow(tx, origin, "redaction", targetId));
    const target = tx.matrix(roomId, targetId);
    if (target !== undefined) applyRedaction(tx, target, { by: senderId, at: sentAt });
  });
}

/** The start (`joined`) or the end of a membership of `userId`. */
export function ingestMembership(origin: EventOrigin, userId: string, joined: boolean): Command<void> {
  const { roomId, senderId, sentAt } = origin;
  const reads = readSetOf(origin, null);
  const subject = { members: [...reads.members, { roomId, userId }], users: [...reads.users, userId] };
  return onceInRoom(origin, { ...reads, ...subject }, (tx) => {
    const room = tx.requireRoom(roomId);
    const member = tx.member(roomId, userId);
    if (joined && member === undefined) join(tx, senderId, room, userId, roleIn(room, userId), sentAt);
    if (!joined && member !== undefined) leave(tx, senderId, room, member, sentAt);
    tx.putMatrix(matrixRow(tx, origin, "other", null));
  });
}

/** A new name of the room. */
export function ingestRoomName(origin: EventOrigin, name: string): Command<void> {
  const { roomId, senderId } = origin;
  return onceInRoom(origin, readSetOf(origin, null), (tx) => {
    ensureMember(tx, origin);
    const room = tx.requireRoom(roomId);
    if (name !== room.name) {
      tx.putRoom({ ...room, name });
      tx.append(roomId, senderId, { type: "ROOM_STATE", changed: ["room"] });
    }
    tx.putMatrix(matrixRow(tx, origin, "other", null));
  });
}

/**
 * Any other event, recorded because a receipt may name it. With `creates` it is the event that created the room: its
 * sender owns the room, unless it was created here.
 */
export function ingestOther(origin: EventOrigin, creates = false): Command<void> {
  const { roomId, senderId } = origin;
  return onceInRoom(origin, readSetOf(origin, null), (tx) => {
    const room = tx.requireRoom(roomId);
    if (creates && room.createdBy === "") {
      tx.putRoom({ ...room, createdBy: senderId });
      const member = tx.member(roomId, senderId);
      if (member?.role === "member") promote(tx, senderId, member, "owner");
    }
    tx.putMatrix(matrixRow(tx, origin, "other", null));
  });
}

/** The receipt of a user for an event of any kind, a private one with `hidden`. A receipt for an unknown event is dropped. */
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
      // A private receipt does not hold back a later public one for an earlier message.
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
        stampSeq: tx.requireRoom(roomId).lastSeq,
      });
    },
  };
}

/** Inserts a new message, and applies the edits, reactions and the redaction that came before it. */
function insertMessage(
  tx: Transaction,
  origin: EventOrigin,
  message: MatrixMessage,
  candidates: ReturnType<typeof nameCandidates>,
): void {
  const { roomId, eventId, senderId } = origin;
  ensureMember(tx, origin);
  const redaction = message.redacted ?? redactionOf(tx, origin);
  const redacted = redaction !== null;
  const original = (message.replyTo !== null && !redacted && tx.messageOfEvent(roomId, message.replyTo)) || null;
  const row: MessageRow = {
    ...newMessage(tx, origin, message),
    replyTo: original?.messageId ?? null,
    textMentions: mentionsIn(tx, roomId, candidates),
    ...(redacted ? BARE : {}),
  };
  const target = matrixRow(tx, origin, "message", null, { subjectId: row.messageId, redacted, seq: row.seq });
  tx.putRoom({ ...tx.requireRoom(roomId), messageCount: row.ordinal });
  tx.putMessage(row);
  tx.putMatrix(target);
  tx.append(roomId, senderId, sentBody(row, original));
  if (redaction !== null) deleteMessage(tx, target, row, redaction);
  else applyLatestEdit(tx, target, (text) => (text === row.content ? row.textMentions : null), tx.now);
  for (const each of tx.relations(roomId, eventId)) if (each.kind === "reaction") activateReaction(tx, row, each);
}

/** The fields of a new message, apart from the ones that its reply, mentions and redaction decide. */
function newMessage(tx: Transaction, { roomId, eventId, senderId, sentAt }: EventOrigin, message: MatrixMessage) {
  const { messageId, content, type, file, mentions, threadRoot, clientMessageId } = message;
  const write = clientMessageId === null ? null : { roomId, senderId, clientMessageId };
  // An event may carry any client id: it counts once, and only for a send of the same user that is under way.
  const isOwnWrite = write !== null && tx.isPendingWrite(write) && !tx.repeat(roomId, senderId, write.clientMessageId);
  return {
    roomId,
    seq: tx.nextSeq(roomId),
    ordinal: tx.requireRoom(roomId).messageCount + 1,
    messageId,
    senderId,
    sentAt,
    clientMessageId: isOwnWrite ? clientMessageId : null,
    eventId,
    ...{ content, type, file, mentions, threadRoot },
    editSeq: null,
    editedAt: null,
    deleteSeq: null,
    deletedAt: null,
    deletedBy: null,
  };
}

/** Adds the reaction of an event that waits for its message. An active reaction of the same user and key takes its place. */
function activateReaction(tx: Transaction, message: MessageRow, waiting: MatrixRow): void {
  const { eventId, senderId, sentAt, revision } = waiting;
  if (revision === null) return;
  const { roomId, messageId } = message;
  const active = tx.activeReaction(roomId, messageId, senderId, revision.content);
  const reactionId = active?.reactionId ?? revision.type;
  tx.putMatrix({ ...waiting, subjectId: reactionId, revision: null });
  if (active !== undefined) return;
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
