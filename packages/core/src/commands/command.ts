import { open } from "@signalbox/protocol/encode";
import type { Actor } from "../model/actor.ts";
import type { Bytes } from "../model/bytes.ts";
import type { ReadSet } from "../model/rows.ts";
import type { Transaction } from "./transaction.ts";

/** One change to a room: which rows it must know, and the rule that decides by them. */
export interface Command<Result> {
  readonly reads: Partial<ReadSet>;
  /** Reads and puts rows; throws a `Problem` before it put any. */
  apply(tx: Transaction): Result;
}

/** An encoded event as `userId` receives it: complete JSON. */
export const addressed = (body: Bytes, userId: string): Bytes => open(body, userId) + body;

/** The needs of every action in a room: the room itself, and whether the actor is in it. */
export const inRoom = (actor: Actor, roomId: string) => ({
  rooms: [roomId],
  members: [{ roomId, userId: actor.userId }],
});
