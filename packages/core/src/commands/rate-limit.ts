import { Problem } from "@signalbox/protocol/errors";
import type { Actor } from "../model/actor.ts";
import { isUnavailable } from "../ports/faults.ts";
import type { RateTokens } from "../ports/rate-tokens.ts";

/** Holds users to `ACTION_RATE` actions a second with bursts of `ACTION_BURST`, over all nodes. CONTRACT section 4, "Rate". */
export interface RateLimit {
  /** Resolves when the actor may act; rejects with `rate_limited`. Calls of one user settle in the order of the calls. */
  take(actor: Actor): Promise<void>;
}

export interface RateLimitDeps {
  /** The buckets that all nodes share. */
  readonly tokens: RateTokens;
  /** Buckets of this node alone, used while the shared ones are away. */
  readonly local: RateTokens;
  /** Actions a second; 0 lifts the limit. */
  readonly rate: number;
  readonly burst: number;
}

interface Request {
  resolve(): void;
  reject(error: unknown): void;
}

export function createRateLimit({ tokens, local, rate, burst }: RateLimitDeps): RateLimit {
  /** Requests of one tick by user. They are taken together, so that a burst costs one round trip. */
  const asking = new Map<string, Request[]>();

  async function take(userId: string, count: number) {
    try {
      return await tokens.take(userId, count, rate, burst);
    } catch (error) {
      if (!isUnavailable(error)) throw error;
      return local.take(userId, count, rate, burst);
    }
  }

  async function ask(userId: string): Promise<void> {
    await Promise.resolve();
    const requests = asking.get(userId) ?? [];
    asking.delete(userId);
    try {
      const { granted, retryAfterMs } = await take(userId, requests.length);
      requests.forEach((request, index) => {
        if (index < granted) request.resolve();
        else request.reject(new Problem("rate_limited", "too many actions", { retryAfterMs }));
      });
    } catch (error) {
      for (const request of requests) request.reject(error);
    }
  }

  return {
    take({ userId, service }) {
      if (service || rate === 0) return Promise.resolve();
      return new Promise((resolve, reject) => {
        const requests = asking.get(userId);
        if (requests !== undefined) {
          requests.push({ resolve, reject });
          return;
        }
        asking.set(userId, [{ resolve, reject }]);
        void ask(userId);
      });
    },
  };
}
