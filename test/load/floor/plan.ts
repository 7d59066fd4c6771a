/** A run against the floor program: without users and rooms, there is nothing to set up. */
import { randomUUID } from "node:crypto";
import type { Flags } from "../flags.ts";
import type { SessionPlan } from "../session.ts";
import type { Plan } from "../setup.ts";

/** The path of the sender in the floor program; any other is a receiver's. */
export const SENDER_PATH = "/send";
/** The one room in the READY of the floor program. */
export const FLOOR_ROOM = "00000000-0000-7000-8000-000000000000";

/** One author, and the receivers of the flags. */
export function floorPlan({ gateways, sessions }: Pick<Flags, "gateways" | "sessions">): Plan {
  const plan = (): SessionPlan => ({ userId: randomUUID(), gateway: gateways[0]!, token: "" });
  return {
    rooms: [FLOOR_ROOM],
    listeners: Array.from({ length: sessions }, plan),
    authors: [plan()],
    speakers: [{ author: 0, room: FLOOR_ROOM }],
  };
}
