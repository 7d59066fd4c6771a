/**
 * The rules of members. CONTRACT section 6, "Rooms". Any member may invite, as in most chat products; only an owner (or a
 * `service`) gives roles and removes others. Who is in a bridged room is Matrix's to say.
 */
import { Problem } from "@signalbox/protocol/errors";
import type { Role } from "@signalbox/protocol/http";
import type { Actor } from "../model/actor.ts";
import type { MemberRow, RoomRow } from "../model/rows.ts";
import type { Command } from "./command.ts";
import type { Draft } from "./transaction.ts";

/** Adds a member, or gives one another role. */
export function putMember(actor: Actor, roomId: string, userId: string, role: Role | undefined): Command<MemberRow> {
  return {
    needs: { ...aboutMember(actor, roomId, userId), users: [userId] },
    apply(draft) {
      const room = native(draft.room(roomId, actor));
      const present = draft.member(roomId, userId);
      if (present !== undefined && (role ?? present.role) === present.role) return present;
      if ((present !== undefined || role === "owner") && !draft.rules(roomId, actor))
        throw new Problem("forbidden", "only an owner may give roles");
      return present === undefined
        ? join(draft, actor.userId, room, userId, role ?? "member", draft.now)
        : promote(draft, actor.userId, present, role ?? present.role);
    },
  };
}

/** Ends a membership: one's own, or, as an owner, anybody's. */
export function removeMember(actor: Actor, roomId: string, userId: string): Command<void> {
  return {
    needs: { ...aboutMember(actor, roomId, userId), users: [userId] },
    apply(draft) {
      const room = native(draft.room(roomId, actor));
      if (userId !== actor.userId && !draft.rules(roomId, actor))
        throw new Problem("forbidden", "only an owner may remove others");
      const member = draft.member(roomId, userId);
      if (member === undefined) throw new Problem("not_found", "no such member");
      leave(draft, actor.userId, room, member, draft.now);
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
  if (room.matrixRoomId !== null) throw new Problem("conflict", "the members of the room are Matrix's");
  return room;
}

/** Makes `userId` a member, brought in by `actorId`. */
export function join(draft: Draft, actorId: string, room: RoomRow, userId: string, role: Role, at: Date): MemberRow {
  draft.putRoom({ ...room, memberCount: room.memberCount + 1 });
  const { seq } = draft.append(room.roomId, userId, {
    type: "USER_JOIN",
    senderId: actorId,
    message: userId,
    username: draft.nameOf(userId),
  });
  const member = newMember(room.roomId, userId, role, at, seq);
  draft.putMember(member);
  return member;
}

/** Ends a membership, as `actorId` wants it. */
export function leave(draft: Draft, actorId: string, room: RoomRow, member: MemberRow, at: Date): void {
  const { roomId, userId } = member;
  draft.putRoom({ ...room, memberCount: room.memberCount - 1 });
  const { seq } = draft.append(roomId, userId, {
    type: "USER_LEAVE",
    senderId: userId,
    message: `${draft.nameOf(userId)} ${userId === actorId ? "left" : "was removed from"} the Chat`,
    timeStamp: at.toISOString(),
  });
  draft.putMember({ ...member, leftSeq: seq });
}

/** Gives a member another role, as `actorId` wants it. */
export function promote(draft: Draft, actorId: string, member: MemberRow, role: Role): MemberRow {
  draft.append(member.roomId, actorId, { type: "ROOM_STATE", changed: ["members"] });
  const promoted = { ...member, role };
  draft.putMember(promoted);
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
  leftSeq: null,
});
