import { Problem } from "@signalbox/protocol/errors";
import type { Clock } from "../ports/clock.ts";
import type { Tickets } from "../ports/tickets.ts";

/** How often expired tickets are dropped, in milliseconds. */
const SWEEP_MS = 10_000;

/** Tickets of this process, each dropped `SWEEP_MS` after its end at the latest. */
export class MemoryTickets implements Tickets {
  private readonly clock: Clock;
  private readonly kept = new Map<string, { readonly content: string; readonly endsAt: number }>();
  private sweepAt = 0;
  private open = true;

  constructor(clock: Clock) {
    this.clock = clock;
  }

  async put(ticket: string, content: string, ttlMs: number): Promise<void> {
    if (!this.open) throw new Problem("unavailable", "The engine is closed");
    const now = this.clock.now();
    if (now >= this.sweepAt) this.sweep(now);
    this.kept.set(ticket, { content, endsAt: now + ttlMs });
  }

  async take(ticket: string): Promise<string | null> {
    const kept = this.kept.get(ticket);
    this.kept.delete(ticket);
    return kept !== undefined && kept.endsAt > this.clock.now() ? kept.content : null;
  }

  /** The number of tickets that wait or expired within the last `SWEEP_MS`. */
  get size(): number {
    return this.kept.size;
  }

  close(): void {
    this.open = false;
    this.kept.clear();
  }

  private sweep(now: number): void {
    this.sweepAt = now + SWEEP_MS;
    for (const [ticket, { endsAt }] of this.kept) if (endsAt <= now) this.kept.delete(ticket);
  }
}
