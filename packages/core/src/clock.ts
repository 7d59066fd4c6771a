/** Time as core sees it: tests turn it by hand. */
export interface Clock {
  /** Milliseconds that only grow; comparable only with each other. */
  now(): number;
  /** Runs `then` once, `ms` from now (at most 2^31 - 1); the returned function calls it off. The timer keeps no process alive. */
  after(ms: number, then: () => void): () => void;
}

export const systemClock: Clock = {
  now: () => performance.now(),
  after(ms, then) {
    const timer = setTimeout(then, ms);
    timer.unref();
    return () => clearTimeout(timer);
  },
};
