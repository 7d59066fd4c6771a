/**
 * The rules of rooms. CONTRACT section 6, "Rooms". Any member may rename, as in most chat products; only an owner (or a
 * `service`) deletes.
 */
import { Problem } from "@signalbox/protocol/errors";
import type { CreateRoom, PatchRoom } from "@signalbox/protocol/http";
import type { Actor } from "../model/actor.ts";
import type { RoomRow } from "../model/rows.ts";
import { uuidv7 } from "../model/uuid.ts";
import { type Command, inRoom } from "./command.ts";
import { newMember } from "./members.ts";

/** Creates a room. The store rejects a Matrix room that is bridged already with `conflict`. */
export function createRoom(actor: Actor, body: CreateRoom): Command<RoomRow> {
  const roomId = uuidv7(Date.now());
  // A service creates rooms for others: it becomes a member only when it names itself.
  const members = new Set(actor.service ? body.members : [actor.userId, ...body.members]);
  return {
    reads: { rooms: [roomId] },
    apply(tx) {
      const matrixRoomId = body.matrix_room_id ?? null;
      if (matrixRoomId !== null && !actor.service) throw new Problem("forbidden", "only a service may bridge a room");
      tx.putRoom({
        roomId,
        name: body.name,
        metadata: body.metadata,
        createdBy: actor.userId,
        createdAt: tx.now,
        lastSeq: 0,
        lastMark: 0,
        memberCount: members.size,
        messageCount: 0,
        deletedAt: null,
        matrixRoomId,
      });
      const { seq } = tx.append(roomId, actor.userId, {
        type: "NEW_CHAT",
        senderId: actor.userId,
        timeStamp: tx.now.toISOString(),
        message: body.name,
      });
      for (const userId of members)
        tx.putMember(newMember(roomId, userId, userId === actor.userId ? "owner" : "member", tx.now, seq));
      return tx.room(roomId, actor);
    },
  };
}

export function updateRoom(actor: Actor, roomId: string, body: PatchRoom): Command<RoomRow> {
  return {
    reads: inRoom(actor, roomId),
    apply(tx) {
      const room = tx.room(roomId, actor);
      const { name = room.name, metadata = room.metadata } = body;
      const same = name === room.name && JSON.stringify(metadata) === JSON.stringify(room.metadata);
      if (same) return room;
      if (name !== room.name && room.matrixRoomId !== null)
        throw new Problem("conflict", "the name of a bridged room is managed in Matrix");
      tx.putRoom({ ...room, name, metadata });
      tx.append(roomId, actor.userId, { type: "ROOM_STATE", changed: ["room"] });
      return tx.room(roomId, actor);
    },
  };
}

/** Deletes the room: its DELETE_CHAT is its last event. */
export function deleteRoom(actor: Actor, roomId: string): Command<void> {
  return {
    reads: inRoom(actor, roomId),
    apply(tx) {
      tx.room(roomId, actor);
      if (!tx.isOwner(roomId, actor)) throw new Problem("forbidden", "only an owner may delete the room");
      tx.append(roomId, actor.userId, { type: "DELETE_CHAT", senderId: actor.userId });
      tx.putRoom({ ...tx.room(roomId, actor), deletedAt: tx.now });
    },
  };
}
