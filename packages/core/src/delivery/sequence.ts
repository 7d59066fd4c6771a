import type { EventRow } from "../model/rows.ts";
import { type Clock, RETRY_MS } from "../ports/clock.ts";
import { isUnavailable } from "../ports/faults.ts";

/**
 * The time that a missing event may be late before the store is asked: two nodes that commit to one room publish out of order
 * by less, and each such pair would cost a read.
 */
const PATIENCE_MS = 20;
/** The most events that wait for a missing one; the rest is read from the store. */
const HELD = 1024;

export interface SequenceDeps {
  readonly clock: Clock;
  /** Events above a seq, see `EventPageCache.read`. */
  readonly read: (after: number) => Promise<readonly EventRow[]>;
  /** Takes the next event. */
  readonly deliver: (event: EventRow) => void;
  /** Events up to this seq are no longer kept: they will never be delivered. */
  readonly skipped: (seq: number) => void;
  /** A gap cannot be repaired by a fault; the next attempt follows. */
  readonly failed: (error: unknown) => void;
}

/** Puts one room's events in order, and repairs gaps: once per node, however many sessions wait. DESIGN 3.4. */
export class Sequence {
  /** The seq of the last event that was delivered; -1 until the room's state is known. */
  last = -1;
  /** Events that came from the store because no hint brought them. */
  repaired = 0;
  readonly #deps: SequenceDeps;
  readonly #held = new Map<number, EventRow>();
  #head = -1;
  #repairing = false;
  #closed = false;
  #cancel: (() => void) | undefined;

  constructor(deps: SequenceDeps) {
    this.#deps = deps;
  }

  /** Sets the room's seq; events that were received before follow. Only the first call counts. */
  start(seq: number): void {
    if (this.last !== -1) return;
    this.last = seq;
    this.#advance();
  }

  /** Takes an event in any order, any number of times. */
  receive(event: EventRow): void {
    if (event.seq <= this.last) return;
    if (this.#held.size < HELD) this.#held.set(event.seq, event);
    this.raiseHead(event.seq);
  }

  /** Raises the room's head to `seq`: missing events up to it are read. */
  raiseHead(seq: number): void {
    if (seq > this.#head) this.#head = seq;
    if (this.last !== -1) this.#advance();
  }

  close(): void {
    this.#closed = true;
    this.#cancel?.();
    this.#held.clear();
  }

  /** Delivers the next events that are there; reads missing ones after a while. */
  #advance(): void {
    for (let next = this.#held.get(this.last + 1); next !== undefined; next = this.#held.get(this.last + 1))
      this.#deliver(next);
    if (this.last >= this.#head) this.#held.clear();
    else this.#repairIn(PATIENCE_MS);
  }

  #deliver(event: EventRow): void {
    this.#held.delete(event.seq);
    this.last = event.seq;
    this.#deps.deliver(event);
  }

  #repairIn(ms: number): void {
    if (this.#repairing || this.#closed) return;
    this.#repairing = true;
    this.#cancel = this.#deps.clock.after(ms, () => void this.#repair());
  }

  async #repair(): Promise<void> {
    try {
      let progress = true;
      while (progress && !this.#closed && this.last < this.#head) progress = await this.#fill();
    } catch (error) {
      if (!isUnavailable(error)) this.#deps.failed(error);
    }
    this.#repairing = false;
    if (this.last < this.#head) this.#repairIn(RETRY_MS);
  }

  /** Reads and delivers the next events; false when the store has none. */
  async #fill(): Promise<boolean> {
    const events = await this.#deps.read(this.last);
    const first = events[0];
    if (first === undefined || this.#closed) return false;
    if (first.seq > this.last + 1) {
      this.last = first.seq - 1;
      this.#deps.skipped(this.last);
    }
    for (const event of events) {
      if (event.seq !== this.last + 1) continue;
      this.repaired++;
      this.#deliver(event);
    }
    this.#advance();
    return true;
  }
}
