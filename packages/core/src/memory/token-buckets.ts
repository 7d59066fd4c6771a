import { Problem } from "@signalbox/protocol/errors";
import type { Clock } from "../ports/clock.ts";
import type { Grant, RateTokens } from "../ports/rate-tokens.ts";

/** How often full buckets are dropped, in milliseconds: a full bucket is the same as none. */
const SWEEP_MS = 10_000;

/** The rounding error that is allowed to fractions of a token, in milliseconds. */
const ROUNDING_MS = 0.001;

/** Token buckets of this process. A bucket is dropped within `SWEEP_MS` after it is full again. */
export class TokenBuckets implements RateTokens {
  private readonly clock: Clock;
  /** The moment at which each bucket will be full again, in the clock's milliseconds: its whole state. */
  private readonly fullAt = new Map<string, number>();
  private sweepAt = 0;
  private open = true;

  constructor(clock: Clock) {
    this.clock = clock;
  }

  async take(userId: string, count: number, rate: number, burst: number): Promise<Grant> {
    if (!this.open) throw new Problem("unavailable", "The engine is closed");
    const now = this.clock.now();
    if (now >= this.sweepAt) this.sweep(now);
    const each = 1000 / rate;
    // The burst may differ from the last call's: no bucket lacks more than it can hold now.
    const missing = Math.min(Math.max(0, (this.fullAt.get(userId) ?? 0) - now), burst * each);
    const granted = Math.min(count, Math.floor(burst - (missing - ROUNDING_MS) / each));
    const left = missing + granted * each;
    if (granted > 0) this.fullAt.set(userId, now + left);
    return { granted, retryAfterMs: Math.max(0, Math.ceil(left - (burst - 1) * each - ROUNDING_MS)) };
  }

  /** The number of buckets that are kept. */
  get size(): number {
    return this.fullAt.size;
  }

  close(): void {
    this.open = false;
    this.fullAt.clear();
  }

  private sweep(now: number): void {
    this.sweepAt = now + SWEEP_MS;
    for (const [userId, at] of this.fullAt) if (at <= now) this.fullAt.delete(userId);
  }
}
