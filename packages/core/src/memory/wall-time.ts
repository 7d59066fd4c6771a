import type { Clock } from "../ports/clock.ts";

/** How far the wall clock may be ahead, in milliseconds, before this one follows. */
const AHEAD_MS = 60_000;

/**
 * Whole milliseconds since the epoch that only grow, and tell one moment always alike: the clock's own, counted from now. The wall
 * clock may be set back and the machine may sleep, which the clock does not count; only that is made up for.
 */
export function wallTime(clock: Clock): () => number {
  let epoch = Date.now() - clock.now();
  return () => {
    const ahead = Date.now() - epoch - clock.now();
    if (ahead > AHEAD_MS) epoch += ahead;
    return Math.floor(epoch + clock.now());
  };
}
