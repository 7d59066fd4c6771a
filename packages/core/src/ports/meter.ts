/** Adds `by` to a counter, 1 unless given. The values of `labels` come from closed lists. */
export type Count = (labels?: Readonly<Record<string, string>>, by?: number) => void;

/** Makes the metrics of a package without a metrics library. Each name is made once, and gets the prefix `signalbox_`. */
export interface Meter {
  /** A total; the returned function adds to it. */
  counter(name: string, help: string, labels?: readonly string[]): Count;
  /** A total that each scrape reads with `read`. */
  total(name: string, help: string, read: () => number): void;
  /** A value that goes up and down, which each scrape reads with `read`. */
  gauge(name: string, help: string, read: () => number): void;
}

/** A meter that prints nothing. */
export const NO_METER: Meter = { counter: () => () => {}, total: () => {}, gauge: () => {} };
