/** The server forgets a refusal after this long without another, and closes a socket that it refuses for 10 s. */
const CALM_MS = 2000;
const SHORTEST_MS = 20;
const LONGEST_MS = 4000;

/** Keeps a user below their rate, which is one for all chats. */
export interface Throttle {
  /** True while nothing may be sent. */
  isHolding(): boolean;
  /** Holds everything back after a refusal, for the milliseconds that the server names, or longer. */
  slowDown(retryAfterMs: number): void;
  clear(): void;
}

/**
 * Waits as long as the server says, and twice as long with each further refusal until it has been calm: a queue that took each
 * token as it comes would be refused once for each, until its socket is closed for that. `resume` is called when the wait is over.
 */
export function createThrottle(resume: () => void): Throttle {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let refusals = 0;
  let refusedAt = Number.NEGATIVE_INFINITY;

  return {
    isHolding: () => timer !== undefined,

    slowDown(retryAfterMs) {
      // The actions that were under way are refused for the same reason.
      if (timer !== undefined) return;
      const now = performance.now();
      refusals = now - refusedAt > CALM_MS ? 0 : refusals + 1;
      refusedAt = now;
      const ms = Math.max(retryAfterMs, SHORTEST_MS) * 2 ** refusals;
      timer = setTimeout(
        () => {
          timer = undefined;
          resume();
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
