/**
 * The rules of rooms and members. CONTRACT section 6, "Rooms". Any member may invite and rename, as in most chat products;
 * only an owner (or a `service`) gives roles, removes others and deletes the room.
 */
import { Problem } from "@signalbox/protocol/errors";
import type { CreateRoom, PatchRoom, Role } from "@signalbox/protocol/http";
import type { Command } from "./command.ts";
import type { Actor, Draft } from "./draft.ts";
import { inRoom } from "./messages.ts";
import type { MemberRow, RoomRow } from "./ports.ts";
import { uuidv7 } from "./uuid.ts";

export function create(actor: Actor, body: CreateRoom): Command<RoomRow> {
  const roomId = uuidv7(Date.now());
  // A back end that makes a room for others does not sit in it, unless it names itself.
  const members = new Set(actor.service ? body.members : [actor.userId, ...body.members]);
  return {
    needs: { rooms: [roomId] },
    apply(draft) {
      draft.putRoom({
        roomId,
        name: body.name,
        metadata: body.metadata,
        createdBy: actor.userId,
        createdAt: draft.now,
        lastSeq: 0,
        memberCount: members.size,
        messageCount: 0,
        deletedAt: null,
      });
      const { seq } = draft.append(roomId, actor.userId, {
        type: "NEW_CHAT",
        senderId: actor.userId,
        timeStamp: draft.now.toISOString(),
        message: body.name,
      });
      for (const userId of members)
        draft.putMember(newMember(draft, roomId, userId, userId === actor.userId ? "owner" : "member", seq));
      return draft.room(roomId, actor);
    },
  };
}

export function patch(actor: Actor, roomId: string, body: PatchRoom): Command<RoomRow> {
  return {
    needs: inRoom(actor, roomId),
    apply(draft) {
      const room = draft.room(roomId, actor);
      const { name = room.name, metadata = room.metadata } = body;
      const same = name === room.name && JSON.stringify(metadata) === JSON.stringify(room.metadata);
      if (same) return room;
      draft.putRoom({ ...room, name, metadata });
      draft.append(roomId, actor.userId, { type: "ROOM_STATE", changed: ["room"] });
      return draft.room(roomId, actor);
    },
  };
}

/** Deletes the room: its DELETE_CHAT is its last event. */
export function destroy(actor: Actor, roomId: string): Command<void> {
  return {
    needs: inRoom(actor, roomId),
    apply(draft) {
      draft.room(roomId, actor);
      if (!draft.rules(roomId, actor)) throw new Problem("forbidden", "only an owner may delete the room");
      draft.append(roomId, actor.userId, { type: "DELETE_CHAT", senderId: actor.userId });
      draft.putRoom({ ...draft.room(roomId, actor), deletedAt: draft.now });
    },
  };
}

/** Adds a member, or gives one another role. */
export function putMember(actor: Actor, roomId: string, userId: string, role: Role | undefined): Command<MemberRow> {
  return {
    needs: { ...aboutMember(actor, roomId, userId), users: [userId] },
    apply(draft) {
      const room = draft.room(roomId, actor);
      const present = draft.member(roomId, userId);
      if (present !== undefined && (role ?? present.role) === present.role) return present;
      if ((present !== undefined || role === "owner") && !draft.rules(roomId, actor))
        throw new Problem("forbidden", "only an owner may give roles");
      return present === undefined
        ? join(draft, actor, room, userId, role ?? "member")
        : promote(draft, actor, present, role ?? present.role);
    },
  };
}

/** Ends a membership: one's own, or, as an owner, anybody's. */
export function removeMember(actor: Actor, roomId: string, userId: string): Command<void> {
  return {
    needs: { ...aboutMember(actor, roomId, userId), users: [userId] },
    apply(draft) {
      const room = draft.room(roomId, actor);
      if (userId !== actor.userId && !draft.rules(roomId, actor))
        throw new Problem("forbidden", "only an owner may remove others");
      const member = draft.member(roomId, userId);
      if (member === undefined) throw new Problem("not_found", "no such member");
      draft.putRoom({ ...room, memberCount: room.memberCount - 1 });
      const { seq } = draft.append(roomId, userId, {
        type: "USER_LEAVE",
        senderId: userId,
        message: `${draft.nameOf(userId)} ${userId === actor.userId ? "left" : "was removed from"} the Chat`,
        timeStamp: draft.now.toISOString(),
      });
      draft.putMember({ ...member, leftSeq: seq });
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

function join(draft: Draft, actor: Actor, room: RoomRow, userId: string, role: Role): MemberRow {
  draft.putRoom({ ...room, memberCount: room.memberCount + 1 });
  const { seq } = draft.append(room.roomId, userId, {
    type: "USER_JOIN",
    senderId: actor.userId,
    message: userId,
    username: draft.nameOf(userId),
  });
  const member = newMember(draft, room.roomId, userId, role, seq);
  draft.putMember(member);
  return member;
}

function promote(draft: Draft, actor: Actor, member: MemberRow, role: Role): MemberRow {
  draft.append(member.roomId, actor.userId, { type: "ROOM_STATE", changed: ["members"] });
  const promoted = { ...member, role };
  draft.putMember(promoted);
  return promoted;
}

const newMember = (draft: Draft, roomId: string, userId: string, role: Role, seq: number): MemberRow => ({
  roomId,
  userId,
  role,
  joinedAt: draft.now,
  joinedSeq: seq,
  leftSeq: null,
});
