/** The events of the sessions of one process, and the deviations from the promise: every seq, once, in order. */
import { Histogram, type HistogramCounts } from "./histogram.ts";

/** The most late seqs that a process remembers; further ones count as missing and, on arrival, as doubled. */
const MOST_ABSENT = 100_000;
/** Every 61st event is a sample of latency: a prime, so that no session is always, or never, the one. */
export const SAMPLE_EVERY = 61;

/** The progress of one session in one room. */
export interface Track {
  readonly room: string;
  last: number;
  /** Seqs below `last` that have not arrived; undefined before the first. */
  absent: Set<number> | undefined;
}

/** A tally as plain values, for another process. */
export interface TallyCounts {
  readonly deliveries: number;
  readonly others: number;
  readonly missing: number;
  readonly doubled: number;
  readonly outOfOrder: number;
  readonly lastAt: number;
  /** The number of ended sessions by close code; 1006 with the reason for an end without one. */
  readonly closed: Readonly<Record<string, number>>;
  readonly latency: HistogramCounts;
}

export class Tally {
  /** Durable events, each counted once. */
  deliveries = 0;
  /** Other text frames. */
  others = 0;
  missing = 0;
  doubled = 0;
  outOfOrder = 0;
  /** The time of the last event, in microseconds of the machine's clock. */
  lastAt = 0;
  untilSample = SAMPLE_EVERY;
  readonly closed: Record<string, number> = {};
  readonly latency = new Histogram();
  #absent = 0;

  /** Counts an event of a session in a room. */
  event(track: Track, seq: number): void {
    if (seq === track.last + 1) {
      track.last = seq;
      this.deliveries++;
    } else if (seq > track.last) this.#gap(track, seq);
    else if (track.absent?.delete(seq)) this.#late();
    else this.doubled++;
  }

  #gap(track: Track, seq: number): void {
    this.missing += seq - track.last - 1;
    this.deliveries++;
    track.absent ??= new Set();
    for (let each = track.last + 1; each < seq && this.#absent < MOST_ABSENT; each++) {
      track.absent.add(each);
      this.#absent++;
    }
    track.last = seq;
  }

  #late(): void {
    this.#absent--;
    this.missing--;
    this.outOfOrder++;
    this.deliveries++;
  }

  toJSON(): TallyCounts {
    const { deliveries, others, missing, doubled, outOfOrder, lastAt, closed } = this;
    return { deliveries, others, missing, doubled, outOfOrder, lastAt, closed, latency: this.latency.toJSON() };
  }
}
