/**
 * What Matrix says of a bridged room, as rules like those of native actions: the same rows, the same seq, the same events.
 * Matrix is the truth there, so nothing is refused; what makes no sense is remembered and changes nothing. A room that was
 * deleted here hears nothing more. CONTRACT section 8.
 */

import type { Command } from "../commands/command.ts";
import { join, leave, promote } from "../commands/members.ts";
import { namedBy, namesNeeded, spellings } from "../commands/mentions.ts";
import type { Draft } from "../commands/transaction.ts";
import { reactBody, sentBody } from "../model/event-bodies.ts";
import { BARE, ENCRYPTED } from "../model/message-content.ts";
import type { MatrixRow, MessageRow, Revision } from "../model/rows.ts";
import { settle } from "./edits.ts";
import { enter, first, needsOf, note, roleIn } from "./once.ts";
import type { Arrived, Origin } from "./origin.ts";
import { erase, redactionOf, takeBack } from "./redactions.ts";

/** A message. One that has come before changes nothing, unless it comes redacted now. */
export function arrive(origin: Origin, message: Arrived): Command<void> {
  const { roomId, senderId } = origin;
  const { clientMessageId, replyTo } = message;
  const spelled = message.type === ENCRYPTED ? [] : spellings(message.content);
  const writes = clientMessageId === null ? [] : [{ roomId, senderId, clientMessageId }];
  const needs = { ...needsOf(origin, replyTo), writes, repeats: writes, names: namesNeeded(roomId, spelled) };
  const again = (draft: Draft, known: MatrixRow) => {
    if (message.redacted !== null) takeBack(draft, known, message.redacted);
  };
  return first(origin, needs, (draft) => land(draft, origin, message, spelled), again);
}

/** An edit of `targetId`, or, without a revision, one whose text is encrypted. The newest of all that stand wins. */
export function revise(origin: Origin, targetId: string, revision: Revision | null): Command<void> {
  const { roomId } = origin;
  const spelled = revision === null ? [] : spellings(revision.content);
  const needs = { ...needsOf(origin, targetId), names: namesNeeded(roomId, spelled) };
  return first(origin, needs, (draft) => {
    enter(draft, origin);
    const target = draft.matrix(roomId, targetId);
    const redacted = redactionOf(draft, origin) !== null;
    // Nobody is to find in it what was redacted.
    const kept = redacted || target?.redacted ? null : revision;
    draft.putMatrix(note(draft, origin, "edit", targetId, { revision: kept, redacted }));
    const named = (text: string) => (text === revision?.content ? namedBy(draft, roomId, spelled) : null);
    if (target !== undefined && !redacted) settle(draft, target, named, origin.sentAt);
  });
}

/** A reaction to `targetId`. */
export function annotate(origin: Origin, targetId: string, reactionId: string, key: string): Command<void> {
  const { roomId, senderId } = origin;
  const annotated = [{ roomId, eventId: targetId, senderId, reaction: key }];
  return first(origin, { ...needsOf(origin, targetId), annotated }, (draft) => {
    enter(draft, origin);
    const target = draft.matrix(roomId, targetId);
    const redacted = redactionOf(draft, origin) !== null;
    const counts = !redacted && (target === undefined || target.kind === "message");
    const revision = counts ? { content: key, type: reactionId, file: null, mentions: null } : null;
    const row = note(draft, origin, "reaction", targetId, { revision, redacted });
    draft.putMatrix(row);
    const message = draft.messageBehind(roomId, targetId);
    if (message !== undefined) stand(draft, message, row);
  });
}

/** A redaction: of a message, an edit (the one before is the newest then) or a reaction; one that has not come yet, once it comes. */
export function redact(origin: Origin, targetId: string): Command<void> {
  const { roomId, senderId, sentAt } = origin;
  return first(origin, needsOf(origin, targetId), (draft) => {
    enter(draft, origin);
    draft.putMatrix(note(draft, origin, "redaction", targetId));
    const target = draft.matrix(roomId, targetId);
    if (target !== undefined) takeBack(draft, target, { by: senderId, at: sentAt });
  });
}

/** `userId` is a member from now on, or no longer. */
export function belong(origin: Origin, userId: string, joined: boolean): Command<void> {
  const { roomId, senderId, sentAt } = origin;
  const needs = needsOf(origin, null);
  const about = { members: [...needs.members, { roomId, userId }], users: [...needs.users, userId] };
  return first(origin, { ...needs, ...about }, (draft) => {
    const room = draft.row(roomId);
    const member = draft.member(roomId, userId);
    if (joined && member === undefined) join(draft, senderId, room, userId, roleIn(room, userId), sentAt);
    if (!joined && member !== undefined) leave(draft, senderId, room, member, sentAt);
    draft.putMatrix(note(draft, origin, "other", null));
  });
}

/** The room is called so. */
export function rename(origin: Origin, name: string): Command<void> {
  const { roomId, senderId } = origin;
  return first(origin, needsOf(origin, null), (draft) => {
    enter(draft, origin);
    const room = draft.row(roomId);
    if (name !== room.name) {
      draft.putRoom({ ...room, name });
      draft.append(roomId, senderId, { type: "ROOM_STATE", changed: ["room"] });
    }
    draft.putMatrix(note(draft, origin, "other", null));
  });
}

/**
 * Any other event: remembered, because somebody may have read up to it. `creates`: it is the event that the room began with; its
 * sender made the room, and owns it when nobody here did.
 */
export function pass(origin: Origin, creates = false): Command<void> {
  const { roomId, senderId } = origin;
  return first(origin, needsOf(origin, null), (draft) => {
    const room = draft.row(roomId);
    if (creates && room.createdBy === "") {
      draft.putRoom({ ...room, createdBy: senderId });
      const member = draft.member(roomId, senderId);
      if (member?.role === "member") promote(draft, senderId, member, "owner");
    }
    draft.putMatrix(note(draft, origin, "other", null));
  });
}

/** Somebody has read up to `eventId`, whatever kind of event that is. `hidden`: in private. An event that has not come is not read. */
export function readTo(roomId: string, userId: string, eventId: string, at: Date, hidden: boolean): Command<void> {
  const origin = { roomId, eventId, senderId: userId, sentAt: at };
  return {
    needs: { ...needsOf(origin, null), upTo: [{ roomId, eventId }], receipts: [{ roomId, userId }] },
    apply(draft) {
      const message = draft.standingRoom(roomId) && draft.upTo(roomId, eventId);
      if (message === undefined) return;
      enter(draft, origin);
      // What is read in private does not hold back what is read for all to see.
      const last = hidden ? draft.receipt(roomId, userId) : draft.openReceipt(roomId, userId);
      if (draft.member(roomId, userId) === undefined || (last?.messageSeq ?? 0) >= message.seq) return;
      draft.putReceipt({
        roomId,
        userId,
        hidden: hidden || draft.hides(userId),
        private: hidden,
        messageId: message.messageId,
        messageSeq: message.seq,
        eventId: message.eventId,
        messagePlace: message.place,
        readAt: at,
        stampSeq: draft.row(roomId).lastSeq,
      });
    },
  };
}

/** Puts a message that has not come before, and what came before it and waits for it. */
function land(draft: Draft, origin: Origin, message: Arrived, spelled: ReturnType<typeof spellings>): void {
  const { roomId, eventId, senderId } = origin;
  enter(draft, origin);
  const redaction = message.redacted ?? redactionOf(draft, origin);
  const redacted = redaction !== null;
  const original = (message.replyTo !== null && !redacted && draft.messageBehind(roomId, message.replyTo)) || null;
  const row: MessageRow = {
    ...newMessage(draft, origin, message),
    replyTo: original?.messageId ?? null,
    named: namedBy(draft, roomId, spelled),
    ...(redacted ? BARE : {}),
  };
  const target = note(draft, origin, "message", null, { subjectId: row.messageId, redacted, seq: row.seq });
  draft.putRoom({ ...draft.row(roomId), messageCount: row.place });
  draft.putMessage(row);
  draft.putMatrix(target);
  draft.append(roomId, senderId, sentBody(row, original));
  if (redaction !== null) erase(draft, target, row, redaction);
  else settle(draft, target, (text) => (text === row.content ? row.named : null), draft.now);
  for (const each of draft.relations(roomId, eventId)) if (each.kind === "reaction") stand(draft, row, each);
}

/** `seq`, `place` and the rest of what a message begins with. */
function newMessage(draft: Draft, { roomId, eventId, senderId, sentAt }: Origin, message: Arrived) {
  const { messageId, content, type, file, mentions, threadRoot, clientMessageId } = message;
  const write = clientMessageId === null ? null : { roomId, senderId, clientMessageId };
  // Anybody may write any client id into an event: it counts once, and only for a send of theirs that is under way.
  const ours = write !== null && draft.underWay(write) && !draft.repeat(roomId, senderId, write.clientMessageId);
  return {
    roomId,
    seq: draft.nextSeq(roomId),
    place: draft.row(roomId).messageCount + 1,
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
function stand(draft: Draft, message: MessageRow, waiting: MatrixRow): void {
  const { eventId, senderId, sentAt, revision } = waiting;
  if (revision === null) return;
  const { roomId, messageId } = message;
  const standing = draft.standing(roomId, messageId, senderId, revision.content);
  const reactionId = standing?.reactionId ?? revision.type;
  draft.putMatrix({ ...waiting, subjectId: reactionId, revision: null });
  if (standing !== undefined) return;
  const seq = draft.nextSeq(roomId);
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
  draft.putReaction(row);
  draft.append(roomId, senderId, reactBody(row, message));
}
