import type { ActionOf } from "@signalbox/protocol/up";
import type { Actor } from "../model/actor.ts";
import type { Bytes } from "../model/bytes.ts";
import { typingBody } from "../model/signal-bodies.ts";
import { addressed, type Command, inRoom } from "./command.ts";
import { forward } from "./homeserver-first.ts";

/**
 * The rule of typing: told to the room, written nowhere. It takes its turn among its sender's messages, so that it ends with
 * the one behind it and not with the one before. Whoever appears offline is answered, and nobody is told. `known`: the actor is
 * known to be in the room, which no homeserver has to be told of, and `actor.hidden` says how they appear.
 */
export function type(
  actor: Actor,
  action: ActionOf<"TYPING"> | ActionOf<"STOP_TYPING">,
  known: boolean,
): Command<Bytes> {
  const { chatId: roomId } = action;
  const { userId } = actor;
  const started = action.type === "TYPING";
  return {
    needs: known ? {} : { ...inRoom(actor, roomId), users: [userId] },
    apply(draft) {
      const hidden = actor.hidden || draft.hides(userId);
      if (!known) {
        const room = draft.room(roomId, actor);
        if (!hidden) forward(draft, room, actor, { kind: "typing" });
      }
      if (!hidden) draft.tell({ roomId, userId, started });
      return addressed(typingBody(roomId, userId, started), userId);
    },
  };
}
