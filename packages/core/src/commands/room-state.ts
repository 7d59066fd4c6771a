/** The rules of a room's state parts: plan, call and the like, which its owner or a `service` writes. CONTRACT section 6. */
import { Problem } from "@signalbox/protocol/errors";
import type { Actor } from "../model/actor.ts";
import type { PartRow } from "../model/rows.ts";
import { type Command, inRoom } from "./command.ts";

export type Part = "engagement" | "plan" | "call" | `sidekick ${string}`;

/** Puts a part in the place of what was there; null takes it away, `not_found` when there is none. */
export function putPart(actor: Actor, roomId: string, part: Part, body: PartRow["body"]): Command<void> {
  return {
    needs: { ...inRoom(actor, roomId), parts: [{ roomId, part }] },
    apply(draft) {
      draft.room(roomId, actor);
      if (!draft.rules(roomId, actor)) throw new Problem("forbidden", "only an owner may change the room's state");
      const present = draft.part(roomId, part);
      if (body === null && present === undefined) throw new Problem("not_found", "the room's state has no such part");
      if (JSON.stringify(body) === JSON.stringify(present?.body)) return;
      draft.putPart({ roomId, part, body });
      draft.append(roomId, actor.userId, { type: "ROOM_STATE", changed: [fieldOf(part)] });
    },
  };
}

/** The field of a room's state that shows the part. */
function fieldOf(part: Part): string {
  if (part === "call") return "active_call";
  return part === "engagement" || part === "plan" ? part : "active_sidekicks";
}
