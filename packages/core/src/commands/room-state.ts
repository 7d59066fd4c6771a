/**
 * The rules of the sections of a room's state: plan, call and the like, written by an owner or a `service`. CONTRACT
 * section 6.
 */
import { Problem } from "@signalbox/protocol/errors";
import type { Actor } from "../model/actor.ts";
import type { RoomSectionRow } from "../model/rows.ts";
import { type Command, inRoom } from "./command.ts";

export type RoomStateSection = "engagement" | "plan" | "call" | `sidekick ${string}`;

/** Replaces a section; null deletes it, and throws `not_found` when there is none. */
export function putSection(
  actor: Actor,
  roomId: string,
  section: RoomStateSection,
  body: RoomSectionRow["body"],
): Command<void> {
  return {
    reads: { ...inRoom(actor, roomId), sections: [{ roomId, section }] },
    apply(tx) {
      tx.room(roomId, actor);
      if (!tx.isOwner(roomId, actor)) throw new Problem("forbidden", "only an owner may change the room's state");
      const present = tx.section(roomId, section);
      if (body === null && present === undefined)
        throw new Problem("not_found", "the room's state has no such section");
      if (JSON.stringify(body) === JSON.stringify(present?.body)) return;
      tx.putSection({ roomId, section, body });
      tx.append(roomId, actor.userId, { type: "ROOM_STATE", changed: [fieldOf(section)] });
    },
  };
}

/** The field of a room's state that shows the section. */
function fieldOf(section: RoomStateSection): string {
  if (section === "call") return "active_call";
  return section === "engagement" || section === "plan" ? section : "active_sidekicks";
}
