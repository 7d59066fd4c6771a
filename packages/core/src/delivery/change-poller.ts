import type { Clock } from "../ports/clock.ts";
import { type Faults, reportFault } from "../ports/faults.ts";
import type { Changes, Store } from "../ports/store.ts";

/** The time between two polls. */
const EVERY_MS = 1000;

export interface ChangePollerDeps {
  readonly store: Pick<Store, "changes">;
  readonly clock: Clock;
  readonly faults: Faults;
  /** Takes the changes since the last answer. */
  readonly changed: (changes: Changes) => void;
  /** A fault lost an answer, or the work on it. The next answer covers its time, too. */
  readonly failed: () => void;
}

/**
 * Reads the changes of the last second from the store: silence of the engine proves nothing, since the lost hint may have
 * been the last of its room. The cost follows the changes; idle sessions cost nothing. DESIGN 3.5.
 */
export class ChangePoller {
  /** True when a fault lost the last answer. */
  failing = false;
  readonly #deps: ChangePollerDeps;
  #snapshot: string | null = null;
  #polling: Promise<void> | undefined;
  #pollAgain = false;
  #closed = false;
  #cancel: (() => void) | undefined;

  constructor(deps: ChangePollerDeps) {
    this.#deps = deps;
  }

  /** Polls now, and every second from then on. Resolves when the answer is taken, or lost. */
  async poll(): Promise<void> {
    if (this.#closed) return;
    if (this.#polling !== undefined) {
      this.#pollAgain = true;
      return this.#polling;
    }
    this.#cancel?.();
    this.#polling = this.#once().finally(() => {
      this.#polling = undefined;
      const delay = this.#pollAgain ? 0 : EVERY_MS;
      this.#pollAgain = false;
      if (!this.#closed) this.#cancel = this.#deps.clock.after(delay, () => void this.poll());
    });
    await this.#polling;
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#cancel?.();
    await this.#polling;
  }

  async #once(): Promise<void> {
    const { store, faults, changed, failed } = this.#deps;
    try {
      const changes = await store.changes(this.#snapshot);
      changed(changes);
      // Only now: changes that a fault lost are read again.
      this.#snapshot = changes.snapshot;
      this.failing = false;
    } catch (error) {
      if (!reportFault(faults, "changes", error)) return;
      this.failing = true;
      failed();
    }
  }
}
