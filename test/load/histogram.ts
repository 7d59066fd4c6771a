/** Durations in buckets of at most 3 % width: small enough to send between processes and to add up. */

/** 2^5 buckets for each doubling. */
const SUB_BITS = 5;
const SUB = 1 << SUB_BITS;
/** Up to 2^31 microseconds, 35 minutes. */
const BUCKETS = (31 - SUB_BITS + 1) * SUB;

export class Histogram {
  readonly #counts: number[];
  #total: number;
  #max: number;

  constructor() {
    this.#counts = new Array<number>(BUCKETS).fill(0);
    this.#total = 0;
    this.#max = 0;
  }

  /** Adds a duration in microseconds; a negative one counts as 0. */
  record(micros: number): void {
    const value = Math.min(2 ** 31 - 1, Math.max(0, Math.round(micros)));
    this.#counts[bucketOf(value)]!++;
    this.#total++;
    if (value > this.#max) this.#max = value;
  }

  /** The duration in milliseconds that `share` (0 to 1) of all do not exceed; NaN without any. */
  percentileMs(share: number): number {
    let left = Math.ceil(this.#total * share);
    if (left === 0) return Number.NaN;
    const index = this.#counts.findIndex((count) => {
      left -= count;
      return left <= 0;
    });
    return Math.min(upperOf(index), this.#max) / 1000;
  }

  /** The longest duration, exactly, in milliseconds; NaN without any. */
  maxMs(): number {
    return this.#total === 0 ? Number.NaN : this.#max / 1000;
  }

  /** As plain values, for another process. */
  toJSON(): HistogramCounts {
    return { counts: this.#counts, max: this.#max };
  }

  /** Adds the counts of another process. */
  add(other: HistogramCounts): void {
    other.counts.forEach((count, index) => {
      this.#counts[index]! += count;
      this.#total += count;
    });
    this.#max = Math.max(this.#max, other.max);
  }
}

export interface HistogramCounts {
  readonly counts: readonly number[];
  readonly max: number;
}

function bucketOf(value: number): number {
  if (value < SUB) return value;
  const shift = 31 - Math.clz32(value) - SUB_BITS;
  return (shift + 1) * SUB + (value >>> shift) - SUB;
}

/** The largest value that falls into a bucket. */
function upperOf(index: number): number {
  if (index < SUB) return index;
  const shift = Math.floor(index / SUB) - 1;
  return ((index % SUB) + SUB + 1) * 2 ** shift - 1;
}
