/** How long to wait before another try, so that many clients that lost the same node do not come back together. */

const FIRST_MS = 1000;
const CAP_MS = 30_000;
/** The least that a client waits that was told to slow down. */
const FLOOR_MS = 10_000;

/**
 * Full jitter: anything from 0 to a limit that doubles with each failed attempt (counted from 0), in milliseconds. `slower`: on top of
 * the time that a close code asks for which says "backoff".
 */
export const backoff = (attempt: number, slower = false): number =>
  Math.round(Math.random() * Math.min(CAP_MS, FIRST_MS * 2 ** attempt)) + (slower ? FLOOR_MS : 0);
