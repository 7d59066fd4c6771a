/** The rules of rooms. CONTRACT section 6, "Rooms". Any member may rename, as in most chat products; only an owner (or a `service`) deletes. */
import { Problem } from "@signalbox/protocol/errors";
import type { CreateRoom, PatchRoom } from "@signalbox/protocol/http";
import type { Actor } from "../model/actor.ts";
import type { RoomRow } from "../model/rows.ts";
import { uuidv7 } from "../model/uuid.ts";
import { type Command, inRoom } from "./command.ts";
import { newMember } from "./members.ts";

/** Makes a room. One that is bridged already makes the store reject with `conflict`. */
export function create(actor: Actor, body: CreateRoom): Command<RoomRow> {
  const roomId = uuidv7(Date.now());
  // A back end that makes a room for others does not sit in it, unless it names itself.
  const members = new Set(actor.service ? body.members : [actor.userId, ...body.members]);
  return {
    needs: { rooms: [roomId] },
    apply(draft) {
      const matrixRoomId = body.matrix_room_id ?? null;
      if (matrixRoomId !== null && !actor.service) throw new Problem("forbidden", "only a service may bridge a room");
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
        matrixRoomId,
      });
      const { seq } = draft.append(roomId, actor.userId, {
        type: "NEW_CHAT",
        senderId: actor.userId,
        timeStamp: draft.now.toISOString(),
        message: body.name,
      });
      for (const userId of members)
        draft.putMember(newMember(roomId, userId, userId === actor.userId ? "owner" : "member", draft.now, seq));
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
      if (name !== room.name && room.matrixRoomId !== null) throw new Problem("conflict", "Matrix names the room");
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
