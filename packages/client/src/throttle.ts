/** The server forgets a refusal after so long without another, and closes a socket that it refuses for 10 s. */
const CALM_MS = 2000;
const SHORTEST_MS = 20;
const LONGEST_MS = 4000;

/** Keeps a user below their rate, which is one for all chats. */
export interface Throttle {
  /** Whether nothing may be sent now. */
  held(): boolean;
  /** The server refused something, and says when to ask again. */
  slowDown(retryAfterMs: number): void;
  clear(): void;
}

/**
 * Waits as long as the server says, and twice as long with each further refusal until it has been calm: a queue that took each
 * token as it comes would be refused once for each, until its socket is closed for that. `goOn`: called when the wait is over.
 */
export function createThrottle(goOn: () => void): Throttle {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let refusals = 0;
  let refusedAt = Number.NEGATIVE_INFINITY;

  return {
    held: () => timer !== undefined,

    slowDown(retryAfterMs) {
      // What was on its way meanwhile is refused for the same reason.
      if (timer !== undefined) return;
      const now = performance.now();
      refusals = now - refusedAt > CALM_MS ? 0 : refusals + 1;
      refusedAt = now;
      const ms = Math.max(retryAfterMs, SHORTEST_MS) * 2 ** refusals;
      timer = setTimeout(
        () => {
          timer = undefined;
          goOn();
        },
        Math.min(ms, Math.max(retryAfterMs, LONGEST_MS)),
      );
    },

    clear() {
      clearTimeout(timer);
      timer = undefined;
    },
  };
}
