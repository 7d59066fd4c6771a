import type { Signal } from "../delivery/signal.ts";
import type { Sink } from "../delivery/subscriber.ts";
import type { EventRow } from "../model/rows.ts";

/** A session for tests: writes down what it is told, and takes from replays as much as it is given room for. */
export class RecordingSink implements Sink {
  readonly userId: string;
  readonly events: EventRow[] = [];
  readonly signals: Signal[] = [];
  readonly resets: { readonly roomId: string; readonly reason: string; readonly seq: number }[] = [];
  readonly revocations: Date[] = [];
  /** How often the hub gave the session up. */
  failures = 0;
  /** How many more events it takes before it is not ready. */
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

  reset(roomId: string, reason: "too_old" | "not_member", seq: number): void {
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

  /** Has room for `count` events from now on. */
  takes(count: number): void {
    this.#room = count;
    if (count > 0) this.#tell(true);
  }

  /** The session is over. */
  end(): void {
    this.#over = true;
    this.#tell(false);
  }

  /** The seqs of what it received of a room, in the order of receipt. */
  seqs(roomId: string): number[] {
    return this.events.filter((event) => event.roomId === roomId).map(({ seq }) => seq);
  }

  /** Typing as it was told: `["ann", true]` when Ann started, `["ann", false]` when she stopped. */
  typing(): [string, boolean][] {
    return this.signals.flatMap(({ about }) =>
      about.kind === "typing" ? [[about.userId, about.remainingMs > 0] as [string, boolean]] : [],
    );
  }

  /** Receipts as they were told: who, and up to which seq. */
  receipts(): [string, number][] {
    return this.signals.flatMap(({ about }) =>
      about.kind === "receipts"
        ? about.receipts.map(({ userId, messageSeq }) => [userId, messageSeq] as [string, number])
        : [],
    );
  }

  /** Presence as it was told: `["ann", "online"]`. */
  presence(): [string, string][] {
    return this.signals.flatMap(({ about }) =>
      about.kind === "presence" ? [[about.userId, about.status] as [string, string]] : [],
    );
  }

  #tell(ready: boolean): void {
    const waiting = this.#drained;
    this.#drained = [];
    for (const resolve of waiting) resolve(ready);
  }
}
