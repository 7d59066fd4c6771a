import type { Signal } from "../delivery/signal.ts";
import type { ResetReason, Sink } from "../delivery/subscriber.ts";
import type { EventRow, Head } from "../model/rows.ts";

/** A session for tests: records everything that it receives, and takes a limited number of events from replays. */
export class RecordingSink implements Sink {
  readonly userId: string;
  readonly events: EventRow[] = [];
  readonly signals: Signal[] = [];
  readonly resets: { readonly roomId: string; readonly reason: string; readonly seq: number }[] = [];
  readonly revocations: Date[] = [];
  /** The number of calls of `fail`. */
  failures = 0;
  /** The number of events that it takes before it is not ready. */
  #room = Number.POSITIVE_INFINITY;
  #over = false;
  #drained: ((ready: boolean) => void)[] = [];

  constructor(userId: string) {
    this.userId = userId;
  }

  event(event: EventRow): void {
    this.events.push(event);
    this.#room--;
  }

  signal(signal: Signal): void {
    this.signals.push(signal);
  }

  reset(roomId: string, reason: ResetReason, { seq }: Head): void {
    this.resets.push({ roomId, reason, seq });
  }

  revoked(at: Date): void {
    this.revocations.push(at);
  }

  fail(): void {
    this.failures++;
  }

  ready(): boolean {
    return this.#room > 0;
  }

  drained(): Promise<boolean> {
    if (this.#over) return Promise.resolve(false);
    if (this.ready()) return Promise.resolve(true);
    return new Promise((resolve) => this.#drained.push(resolve));
  }

  /** Takes `count` more events. */
  takes(count: number): void {
    this.#room = count;
    if (count > 0) this.#resolve(true);
  }

  /** The session is over. */
  end(): void {
    this.#over = true;
    this.#resolve(false);
  }

  /** The seqs of a room's events, in the order of receipt. */
  seqs(roomId: string): number[] {
    return this.events.filter((event) => event.roomId === roomId).map(({ seq }) => seq);
  }

  /** The typing signals: `["ann", true]` when Ann started, `["ann", false]` when she stopped. */
  typing(): [string, boolean][] {
    return this.signals.flatMap(({ about }) =>
      about.kind === "typing" ? [[about.userId, about.remainingMs > 0] as [string, boolean]] : [],
    );
  }

  /** The receipts: user and seq of the message. */
  receipts(): [string, number][] {
    return this.signals.flatMap(({ about }) =>
      about.kind === "receipts"
        ? about.receipts.map(({ userId, messageSeq }) => [userId, messageSeq] as [string, number])
        : [],
    );
  }

  /** The presence signals: `["ann", "online"]`. */
  presence(): [string, string][] {
    return this.signals.flatMap(({ about }) =>
      about.kind === "presence" ? [[about.userId, about.status] as [string, string]] : [],
    );
  }

  #resolve(ready: boolean): void {
    const waiting = this.#drained;
    this.#drained = [];
    for (const resolve of waiting) resolve(ready);
  }
}
