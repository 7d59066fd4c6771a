import type { ActionOf } from "@signalbox/protocol/up";
import type { Actor } from "../model/actor.ts";
import type { Bytes } from "../model/bytes.ts";
import { typingBody } from "../model/signal-bodies.ts";
import { addressed, type Command, inRoom } from "./command.ts";
import { forward } from "./homeserver-first.ts";

/**
 * The rule of typing: published to the room, not stored. It keeps its place among its sender's messages, so that it ends with
 * the next message and not with the one before. Typing of a user that appears offline is answered, but not published. `known`:
 * the actor is known to be in the room, typing there needs no homeserver, and `actor.hidden` says how the actor appears.
 */
export function setTyping(
  actor: Actor,
  action: ActionOf<"TYPING"> | ActionOf<"STOP_TYPING">,
  known: boolean,
): Command<Bytes> {
  const { chatId: roomId } = action;
  const { userId } = actor;
  const started = action.type === "TYPING";
  return {
    reads: known ? {} : { ...inRoom(actor, roomId), users: [userId] },
    apply(tx) {
      const hidden = actor.hidden || tx.appearsOffline(userId);
      if (!known) {
        const room = tx.room(roomId, actor);
        if (!hidden) forward(tx, room, actor, { kind: "typing" });
      }
      if (!hidden) tx.addTyping({ roomId, userId, started });
      return addressed(typingBody(roomId, userId, started), userId);
    },
  };
}
