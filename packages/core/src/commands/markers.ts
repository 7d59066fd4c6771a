/** The rule of markers: a user's scroll position in a room, for that user's sessions alone. CONTRACT section 5. */
import type { Actor } from "../model/actor.ts";
import { type Command, inRoom } from "./command.ts";

/** Moves the actor's marker to a message of the room, forwards or backwards. */
export function setMarker(actor: Actor, roomId: string, messageId: string): Command<void> {
  return {
    reads: { ...inRoom(actor, roomId), messages: [{ roomId, messageId }] },
    apply(tx) {
      tx.room(roomId, actor);
      tx.message(roomId, messageId);
      tx.putMarker({ roomId, userId: actor.userId, messageId });
    },
  };
}
