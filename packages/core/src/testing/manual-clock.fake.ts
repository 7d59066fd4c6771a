import type { Clock } from "../ports/clock.ts";

interface Timer {
  readonly at: number;
  readonly then: () => void;
}

/** A clock for tests: time passes only by `pass`. */
export class ManualClock implements Clock {
  #now = 1_000_000;
  readonly #timers = new Set<Timer>();

  now(): number {
    return this.#now;
  }

  after(ms: number, then: () => void): () => void {
    const timer = { at: this.#now + ms, then };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  /** Passes `ms` milliseconds: runs due timers in order, and lets promises settle after each. */
  async pass(ms: number): Promise<void> {
    const end = this.#now + ms;
    await settled();
    for (let next = this.#next(end); next !== undefined; next = this.#next(end)) {
      this.#timers.delete(next);
      this.#now = next.at;
      next.then();
      await settled();
    }
    this.#now = end;
  }

  /** The number of waiting timers. */
  get waiting(): number {
    return this.#timers.size;
  }

  #next(end: number): Timer | undefined {
    const due = [...this.#timers].filter(({ at }) => at <= end);
    return due.reduce<Timer | undefined>(
      (first, each) => (first === undefined || each.at < first.at ? each : first),
      undefined,
    );
  }
}

/** Resolves when every promise that needs nothing from outside the process has settled. */
export const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
