import type { Clock } from "../ports/clock.ts";
import { type Faults, isUnavailable } from "../ports/faults.ts";
import type { Store } from "../ports/store.ts";

/** The time for which confirmed rows gather, in milliseconds: one statement deletes them. */
const GATHER_MS = 100;
/** The most rows that wait. More are left to gateways, which read them once, and to pruning. */
const WAITING = 10_000;

export interface OutboxConfirmerDeps {
  readonly store: Pick<Store, "confirm">;
  readonly clock: Clock;
  readonly faults: Faults;
}

/** Takes rows off the outbox once the engine has confirmed every publication of them. What fails here costs gateways a read. */
export class OutboxConfirmer {
  readonly #deps: OutboxConfirmerDeps;
  #waiting: string[] = [];
  /** Publications that the engine has not answered yet. */
  readonly #published = new Set<Promise<void>>();
  #deleting: Promise<void> | undefined;
  #cancel: (() => void) | undefined;

  constructor(deps: OutboxConfirmerDeps) {
    this.#deps = deps;
  }

  /** Deletes the row when all of `confirmations` have resolved; leaves it when one rejects. */
  expect(outboxId: string, confirmations: readonly Promise<void>[]): void {
    const answered = Promise.all(confirmations).then(
      () => this.#add(outboxId),
      (error: unknown) => {
        if (!isUnavailable(error)) this.#deps.faults.report("outbox", error);
      },
    );
    this.#published.add(answered);
    void answered.then(() => this.#published.delete(answered));
  }

  /** Resolves when everything that was published is confirmed and deleted, or given up. */
  async close(): Promise<void> {
    await Promise.all(this.#published);
    this.#cancel?.();
    await this.#deleting;
    await this.#delete();
  }

  #add(outboxId: string): void {
    if (this.#waiting.length < WAITING) this.#waiting.push(outboxId);
    this.#cancel ??= this.#deps.clock.after(GATHER_MS, () => {
      this.#deleting = this.#delete();
    });
  }

  async #delete(): Promise<void> {
    const ids = this.#waiting;
    this.#waiting = [];
    try {
      if (ids.length > 0) await this.#deps.store.confirm(ids);
    } catch (error) {
      if (!isUnavailable(error)) this.#deps.faults.report("outbox", error);
    }
    this.#cancel = undefined;
    const next = this.#waiting.pop();
    if (next !== undefined) this.#add(next);
  }
}
