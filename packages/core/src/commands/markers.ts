/** The rule of markers: up to where a user has scrolled, for their own sessions alone. CONTRACT section 5. */

import type { Actor } from "../model/actor.ts";
import { type Command, inRoom } from "./command.ts";

/** Moves the actor's marker to a message of the room, forwards or backwards. */
export function mark(actor: Actor, roomId: string, messageId: string): Command<void> {
  return {
    needs: { ...inRoom(actor, roomId), messages: [{ roomId, messageId }] },
    apply(draft) {
      draft.room(roomId, actor);
      draft.message(roomId, messageId);
      draft.putMarker({ roomId, userId: actor.userId, messageId });
    },
  };
}
