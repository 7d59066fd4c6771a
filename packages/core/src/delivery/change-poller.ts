import type { Clock } from "../ports/clock.ts";
import type { Changes, Store } from "../ports/store.ts";

const EVERY_MS = 1000;

/**
 * Asks the store once a second what changed: silence of the engine proves nothing, the lost hint may have been the last of its
 * room. It costs what changed, not what is idle. DESIGN 3.5.
 */
export class ChangePoller {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #changed: (changes: Changes) => void;
  #snapshot: string | null = null;
  #asking: Promise<void> | undefined;
  #again = false;
  #closed = false;
  #callOff: (() => void) | undefined;

  constructor(store: Store, clock: Clock, changed: (changes: Changes) => void) {
    this.#store = store;
    this.#clock = clock;
    this.#changed = changed;
  }

  /** Asks now, and from then on every second. Resolves when that was answered, or could not be. */
  async ask(): Promise<void> {
    if (this.#closed) return;
    if (this.#asking !== undefined) {
      this.#again = true;
      return this.#asking;
    }
    this.#callOff?.();
    this.#asking = this.#once().finally(() => {
      this.#asking = undefined;
      const delay = this.#again ? 0 : EVERY_MS;
      this.#again = false;
      if (!this.#closed) this.#callOff = this.#clock.after(delay, () => void this.ask());
    });
    await this.#asking;
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#callOff?.();
    await this.#asking;
  }

  async #once(): Promise<void> {
    let changes: Changes;
    try {
      changes = await this.#store.changes(this.#snapshot);
    } catch {
      // The next answer covers this one's time too: the snapshot has not moved.
      return;
    }
    this.#snapshot = changes.snapshot;
    this.#changed(changes);
  }
}
