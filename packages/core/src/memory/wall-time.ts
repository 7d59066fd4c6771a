import type { Clock } from "../ports/clock.ts";

/** How far the wall clock may be ahead, in milliseconds, before this one follows. */
const AHEAD_MS = 60_000;

/**
 * Whole milliseconds since the epoch that only grow. They follow `clock`, so that one moment is the same number in every answer
 * even when the wall clock is set back. Only a sleep of the machine, which `clock` does not count, is made up for.
 */
export function wallTime(clock: Clock): () => number {
  let epoch = Date.now() - clock.now();
  return () => {
    const ahead = Date.now() - epoch - clock.now();
    if (ahead > AHEAD_MS) epoch += ahead;
    return Math.floor(epoch + clock.now());
  };
}
