import type { Clock } from "../ports/clock.ts";
import { type Faults, reportFault } from "../ports/faults.ts";
import type { Changes, Store } from "../ports/store.ts";

const EVERY_MS = 1000;

export interface ChangePollerDeps {
  readonly store: Pick<Store, "changes">;
  readonly clock: Clock;
  readonly faults: Faults;
  /** Takes what changed since the last answer. */
  readonly changed: (changes: Changes) => void;
  /** An answer could not be had, or not be taken, by a fault. The next answer covers its time, too. */
  readonly failed: () => void;
}

/**
 * Reads from the store once a second what changed: silence of the engine proves nothing, since the lost hint may have been
 * the last of its room. The cost follows what changed, not what is idle. DESIGN 3.5.
 */
export class ChangePoller {
  /** Whether the last answer was lost to a fault. */
  failing = false;
  readonly #deps: ChangePollerDeps;
  #snapshot: string | null = null;
  #polling: Promise<void> | undefined;
  #again = false;
  #closed = false;
  #cancel: (() => void) | undefined;

  constructor(deps: ChangePollerDeps) {
    this.#deps = deps;
  }

  /** Polls now, and from then on every second. Resolves when that was answered, or could not be. */
  async poll(): Promise<void> {
    if (this.#closed) return;
    if (this.#polling !== undefined) {
      this.#again = true;
      return this.#polling;
    }
    this.#cancel?.();
    this.#polling = this.#once().finally(() => {
      this.#polling = undefined;
      const delay = this.#again ? 0 : EVERY_MS;
      this.#again = false;
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
      // Only now: what could not be taken is read again.
      this.#snapshot = changes.snapshot;
      this.failing = false;
    } catch (error) {
      if (!reportFault(faults, "changes", error)) return;
      this.failing = true;
      failed();
    }
  }
}
