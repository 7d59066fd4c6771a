/** The wait before another attempt. It is random, so that the clients of a lost node do not all return at once. */

const FIRST_MS = 1000;
const CAP_MS = 30_000;
/** The shortest wait of a client that was told to slow down. */
const FLOOR_MS = 10_000;

/**
 * Full jitter, in milliseconds: anything from 0 to a limit that doubles with each failed attempt (counted from 0). `slower` adds the time
 * that the close code "backoff" asks for.
 */
export const backoff = (attempt: number, slower = false): number =>
  Math.round(Math.random() * Math.min(CAP_MS, FIRST_MS * 2 ** attempt)) + (slower ? FLOOR_MS : 0);
