import type { Clock } from "@signalbox/core/ports/clock";
import type { Store } from "@signalbox/core/ports/store";
import type { Log } from "@signalbox/node/log";

/** Between two looks, in milliseconds. */
const EVERY_MS = 60_000;

export interface PruneDeps {
  readonly store: Pick<Store, "prune">;
  /** `EVENTS_KEEP` and `EVENTS_KEEP_DAYS`. */
  readonly keep: number;
  readonly days: number;
  readonly clock: Clock;
  readonly log: Log;
}

/** Deletes events that need not be kept, once a minute; of several nodes one at a time does (the store sees to it). Returns how to end it. */
export function startPruning({ store, keep, days, clock, log }: PruneDeps): () => Promise<void> {
  let stopped = false;
  let running = Promise.resolve();
  let cancel = (): void => {};

  const look = async (): Promise<void> => {
    try {
      const pruned = await store.prune(keep, days);
      if (pruned > 0) log.info({ pruned }, "old events deleted");
    } catch (err) {
      log.warn({ err }, "old events could not be deleted");
    }
    if (!stopped) plan();
  };
  const plan = (): void => {
    cancel = clock.after(EVERY_MS, () => {
      running = look();
    });
  };

  plan();
  return async () => {
    stopped = true;
    cancel();
    await running;
  };
}
