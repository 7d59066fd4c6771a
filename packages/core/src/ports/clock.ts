/** Time as core reads it; tests advance it by hand. */
export interface Clock {
  /** Milliseconds that only grow, from an arbitrary start. */
  now(): number;
  /**
   * Runs `then` once, `ms` milliseconds from now (at most 2^31 - 1). The returned function cancels it. The timer keeps
   * no process alive.
   */
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

/** The longest wait for the engine, in milliseconds; what a late subscription misses, the store brings a second later. */
const TIMEOUT_MS = 1000;

/** The pause before a retry, when the store or the engine gave no answer, in milliseconds. */
export const RETRY_MS = 1000;

/** Waits for `promise`, which never rejects, for at most `TIMEOUT_MS`: the engine may be away. */
export async function withTimeout(clock: Clock, promise: Promise<unknown>): Promise<void> {
  let cancel: (() => void) | undefined;
  const late = new Promise<void>((resolve) => {
    cancel = clock.after(TIMEOUT_MS, resolve);
  });
  await Promise.race([promise, late]);
  cancel?.();
}
