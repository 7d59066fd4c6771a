import type { Clock } from "../ports/clock.ts";

/** How often tickets that ran out are dropped, in milliseconds. */
const SWEEP_MS = 10_000;

/** Tickets of this process. Nothing is kept of one for longer than `SWEEP_MS` after its end. */
export class Tickets {
  private readonly clock: Clock;
  private readonly kept = new Map<string, { readonly content: string; readonly endsAt: number }>();
  private sweepAt = 0;

  constructor(clock: Clock) {
    this.clock = clock;
  }

  /** As `Engine.putTicket`. */
  put(ticket: string, content: string, ttlMs: number): void {
    const now = this.clock.now();
    if (now >= this.sweepAt) this.sweep(now);
    this.kept.set(ticket, { content, endsAt: now + ttlMs });
  }

  /** As `Engine.takeTicket`. */
  take(ticket: string): string | null {
    const kept = this.kept.get(ticket);
    this.kept.delete(ticket);
    return kept !== undefined && kept.endsAt > this.clock.now() ? kept.content : null;
  }

  /** How many wait, or ran out a moment ago. */
  get size(): number {
    return this.kept.size;
  }

  clear(): void {
    this.kept.clear();
  }

  private sweep(now: number): void {
    this.sweepAt = now + SWEEP_MS;
    for (const [ticket, { endsAt }] of this.kept) if (endsAt <= now) this.kept.delete(ticket);
  }
}
