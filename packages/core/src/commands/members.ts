/**
 * The rules of members. CONTRACT section 6, "Rooms". Any member may invite, as in most chat products; only an owner (or a
 * `service`) gives roles and removes others. The members of a bridged room are Matrix's.
 */
import { Problem } from "@signalbox/protocol/errors";
import type { Role } from "@signalbox/protocol/http";
import type { Actor } from "../model/actor.ts";
import { leaveSentence } from "../model/event-bodies.ts";
import type { MemberRow, RoomRow } from "../model/rows.ts";
import type { Command } from "./command.ts";
import type { Transaction } from "./transaction.ts";

/** Adds a member, or changes a member's role. */
export function putMember(actor: Actor, roomId: string, userId: string, role: Role | undefined): Command<MemberRow> {
  return {
    reads: { ...aboutMember(actor, roomId, userId), users: [userId] },
    apply(tx) {
      const room = native(tx.room(roomId, actor));
      const present = tx.member(roomId, userId);
      if (present !== undefined && (role ?? present.role) === present.role) return present;
      if ((present !== undefined || role === "owner") && !tx.isOwner(roomId, actor))
        throw new Problem("forbidden", "only an owner may give roles");
      return present === undefined
        ? join(tx, actor.userId, room, userId, role ?? "member", tx.now)
        : promote(tx, actor.userId, present, role ?? present.role);
    },
  };
}

/** Ends a membership: the actor's own or, as an owner, any other. */
export function removeMember(actor: Actor, roomId: string, userId: string): Command<void> {
  return {
    reads: { ...aboutMember(actor, roomId, userId), users: [userId] },
    apply(tx) {
      const room = native(tx.room(roomId, actor));
      if (userId !== actor.userId && !tx.isOwner(roomId, actor))
        throw new Problem("forbidden", "only an owner may remove others");
      const member = tx.member(roomId, userId);
      if (member === undefined) throw new Problem("not_found", "no such member");
      leave(tx, actor.userId, room, member, tx.now);
    },
  };
}

const aboutMember = (actor: Actor, roomId: string, userId: string) => ({
  rooms: [roomId],
  members: [
    { roomId, userId: actor.userId },
    { roomId, userId },
  ],
});

/** The room, unless it is bridged (`conflict`). */
function native(room: RoomRow): RoomRow {
  if (room.matrixRoomId !== null) throw new Problem("conflict", "the members of a bridged room are managed in Matrix");
  return room;
}

/** Makes `userId` a member, brought in by `actorId`. */
export function join(tx: Transaction, actorId: string, room: RoomRow, userId: string, role: Role, at: Date): MemberRow {
  tx.putRoom({ ...room, memberCount: room.memberCount + 1 });
  const { seq } = tx.append(room.roomId, userId, {
    type: "USER_JOIN",
    senderId: actorId,
    message: userId,
    username: tx.nameOf(userId),
  });
  const firstSeq = tx.membership(room.roomId, userId)?.firstSeq ?? seq;
  const member = { ...newMember(room.roomId, userId, role, at, seq), firstSeq };
  tx.putMember(member);
  return member;
}

/** Ends a membership on behalf of `actorId`. */
export function leave(tx: Transaction, actorId: string, room: RoomRow, member: MemberRow, at: Date): void {
  const { roomId, userId } = member;
  tx.putRoom({ ...room, memberCount: room.memberCount - 1 });
  const removed = userId !== actorId;
  const message = leaveSentence(tx.nameOf(userId), removed);
  const timeStamp = at.toISOString();
  const body = { type: "USER_LEAVE", senderId: userId, message, timeStamp } as const;
  const { seq } = tx.append(roomId, userId, body, removed ? { timeStamp, removed } : { timeStamp });
  tx.putMember({ ...member, leftSeq: seq });
}

/** Changes a member's role on behalf of `actorId`. */
export function promote(tx: Transaction, actorId: string, member: MemberRow, role: Role): MemberRow {
  tx.append(member.roomId, actorId, { type: "ROOM_STATE", changed: ["members"] });
  const promoted = { ...member, role };
  tx.putMember(promoted);
  return promoted;
}

export const newMember = (
  roomId: string,
  userId: string,
  role: Role,
  joinedAt: Date,
  joinedSeq: number,
): MemberRow => ({
  roomId,
  userId,
  role,
  joinedAt,
  joinedSeq,
  firstSeq: joinedSeq,
  leftSeq: null,
});
