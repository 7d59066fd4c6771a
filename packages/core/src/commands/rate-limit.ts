import { Problem } from "@signalbox/protocol/errors";
import type { Actor } from "../model/actor.ts";
import type { Engine } from "../ports/engine.ts";

/** Holds users to `ACTION_RATE` actions a second with bursts of `ACTION_BURST`, over all doors and nodes. CONTRACT section 4, "Rate". */
export interface RateLimit {
  /** Resolves when the actor may act; rejects with `rate_limited`. Calls of one user settle in the order in which they were made. */
  take(actor: Actor): Promise<void>;
}

interface Ticket {
  resolve(): void;
  reject(problem: Problem): void;
}

/** A `rate` of 0 lifts the limit. */
export function createRateLimit({ engine, rate, burst }: { engine: Engine; rate: number; burst: number }): RateLimit {
  /** Tickets of one tick, by user: asked for together, so that a burst costs one round trip. */
  const asking = new Map<string, Ticket[]>();

  async function ask(userId: string): Promise<void> {
    await Promise.resolve();
    const tickets = asking.get(userId) ?? [];
    asking.delete(userId);
    const { granted, retryAfterMs } = await engine.takeTokens(userId, tickets.length, rate, burst);
    tickets.forEach((ticket, index) => {
      if (index < granted) ticket.resolve();
      else ticket.reject(new Problem("rate_limited", "too many actions", { retryAfterMs }));
    });
  }

  return {
    take({ userId, service }) {
      if (service || rate === 0) return Promise.resolve();
      return new Promise((resolve, reject) => {
        const tickets = asking.get(userId);
        if (tickets !== undefined) {
          tickets.push({ resolve, reject });
          return;
        }
        asking.set(userId, [{ resolve, reject }]);
        // `takeTokens` never rejects.
        void ask(userId);
      });
    },
  };
}
