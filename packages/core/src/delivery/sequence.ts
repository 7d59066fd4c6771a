import type { EventRow, Head } from "../model/rows.ts";
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
  /** Events do not fit what was delivered: nothing is delivered until `resume` or `restart`. */
  readonly doubted: () => void;
  /** A gap cannot be repaired by a fault; the next attempt follows. */
  readonly failed: (error: unknown) => void;
}

/**
 * Puts one room's events in order, and repairs gaps: once per node, however many sessions wait. DESIGN 3.4. Each event names
 * the mark of the one before it, so that an event of another history than the delivered one is noticed.
 */
export class Sequence {
  /** The seq of the last event that was delivered; -1 until the room's state is known. */
  last = -1;
  /** The mark of that event. */
  mark = 0;
  /** Events that came from the store because no hint brought them. */
  repaired = 0;
  readonly #deps: SequenceDeps;
  readonly #held = new Map<number, EventRow>();
  #head = -1;
  #repairing = false;
  #doubted = false;
  /** The highest seq that came during the doubt. */
  #headInDoubt = -1;
  #closed = false;
  #cancel: (() => void) | undefined;

  constructor(deps: SequenceDeps) {
    this.#deps = deps;
  }

  /** Sets the end of the room; events that were received before follow. Only the first call counts. */
  start({ seq, mark }: Head): void {
    if (this.last !== -1) return;
    this.last = seq;
    this.mark = mark;
    this.#advance();
  }

  /**
   * Ends a doubt: goes on where it was, up to the store's `head`. Events that came before the doubt are dropped, since they
   * may be of a history that was lost.
   */
  resume(head: number): void {
    this.#held.clear();
    this.#head = Math.max(head, this.#headInDoubt);
    this.#headInDoubt = -1;
    this.#doubted = false;
    this.#advance();
  }

  /** Ends a doubt in another history than before, at its end. */
  restart({ seq, mark }: Head): void {
    this.last = seq;
    this.mark = mark;
    this.resume(seq);
  }

  /** Takes an event in any order, any number of times. */
  receive(event: EventRow): void {
    if (event.seq <= this.last) return this.#repeated(event);
    if (this.#held.size < HELD) this.#held.set(event.seq, event);
    this.raiseHead(event.seq);
  }

  /** Raises the room's head to `seq`: missing events up to it are read. */
  raiseHead(seq: number): void {
    if (seq > this.#head) this.#head = seq;
    this.#rememberInDoubt(seq);
    if (this.last !== -1) this.#advance();
  }

  /** Stops the delivery until the store has told which history is the room's. */
  doubt(): void {
    if (this.#doubted || this.#closed || this.last === -1) return;
    this.#doubted = true;
    this.#deps.doubted();
  }

  close(): void {
    this.#closed = true;
    this.#cancel?.();
    this.#held.clear();
  }

  /** Delivers the next events that are there; reads missing ones after a while. */
  #advance(): void {
    for (let next = this.#next(); next !== undefined; next = this.#next()) this.#deliver(next);
    if (this.last >= this.#head) this.#held.clear();
    else this.#repairIn(PATIENCE_MS);
  }

  /** The event that follows the last one, if it is here. */
  #next(): EventRow | undefined {
    const next = this.#doubted ? undefined : this.#held.get(this.last + 1);
    if (next === undefined || next.prev === this.mark) return next;
    this.doubt();
    return undefined;
  }

  /** An event that was delivered before comes again after a repair; one with another mark, or further back, is a doubt. */
  #repeated({ seq, mark }: EventRow): void {
    this.#rememberInDoubt(seq);
    if (seq < this.last || mark !== this.mark) this.doubt();
  }

  #rememberInDoubt(seq: number): void {
    if (this.#doubted && seq > this.#headInDoubt) this.#headInDoubt = seq;
  }

  #deliver(event: EventRow): void {
    this.#held.delete(event.seq);
    this.last = event.seq;
    this.mark = event.mark;
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
      while (progress && !this.#closed && !this.#doubted && this.last < this.#head) progress = await this.#fill();
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
    if (this.#closed || this.#doubted) return false;
    if (first === undefined) {
      // The hint of an event that the store does not have: it may have gone back in time.
      this.doubt();
      return false;
    }
    if (first.seq > this.last + 1) {
      this.last = first.seq - 1;
      this.mark = first.prev;
      this.#deps.skipped(this.last);
    }
    for (const event of events) {
      if (event.seq !== this.last + 1) continue;
      if (event.prev !== this.mark) {
        this.doubt();
        return false;
      }
      this.repaired++;
      this.#deliver(event);
    }
    this.#advance();
    return true;
  }
}
