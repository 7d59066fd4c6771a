import { open } from "@signalbox/protocol/encode";
import type { Draft } from "./draft.ts";
import type { Bytes, Needs } from "./ports.ts";

/** One change to a room: which rows it must know, and the rule that decides by them. */
export interface Command<Result> {
  readonly needs: Partial<Needs>;
  /** Reads and puts rows; throws a `Problem` before it put any. */
  apply(draft: Draft): Result;
}

/** An encoded event as `userId` receives it: complete JSON. */
export const addressed = (body: Bytes, userId: string): Bytes => open(body, userId) + body;
