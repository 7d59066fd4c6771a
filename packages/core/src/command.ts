import { open } from "@signalbox/protocol/encode";
import type { Actor, Draft } from "./draft.ts";
import type { Bytes } from "./ports.ts";
import type { Needs } from "./rows.ts";

/** One change to a room: which rows it must know, and the rule that decides by them. */
export interface Command<Result> {
  readonly needs: Partial<Needs>;
  /** Reads and puts rows; throws a `Problem` before it put any. */
  apply(draft: Draft): Result;
}

/** An encoded event as `userId` receives it: complete JSON. */
export const addressed = (body: Bytes, userId: string): Bytes => open(body, userId) + body;

/** The needs of every action in a room: the room itself, and whether the actor is in it. */
export const inRoom = (actor: Actor, roomId: string) => ({
  rooms: [roomId],
  members: [{ roomId, userId: actor.userId }],
});
