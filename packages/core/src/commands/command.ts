import { open } from "@signalbox/protocol/encode";
import type { Actor } from "../model/actor.ts";
import type { Bytes } from "../model/bytes.ts";
import type { ReadSet } from "../model/rows.ts";
import type { Transaction } from "./transaction.ts";

/** A change to a room: the rows that it reads, and the rule that decides by them. */
export interface Command<Result> {
  readonly reads: Partial<ReadSet>;
  /** Reads and puts rows; throws a `Problem` before it put any. */
  apply(tx: Transaction): Result;
}

/** An encoded event as `userId` receives it: complete JSON. */
export const addressed = (body: Bytes, userId: string): Bytes => open(body, userId) + body;

/** The rows that every action in a room reads: the room, and the actor's membership. */
export const inRoom = (actor: Actor, roomId: string) => ({
  rooms: [roomId],
  members: [{ roomId, userId: actor.userId }],
});
