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

/** How long somebody who comes in waits for a subscription; then they go on without: what it misses, the store brings a second later. */
const TIMEOUT_MS = 1000;

/** Waits for `promise`, which never rejects, but not for an engine that is away. */
export async function withTimeout(clock: Clock, promise: Promise<unknown>): Promise<void> {
  let callOff: (() => void) | undefined;
  const late = new Promise<void>((resolve) => {
    callOff = clock.after(TIMEOUT_MS, resolve);
  });
  await Promise.race([promise, late]);
  callOff?.();
}
