/** Adds 1 to a counter. `labels`: values out of lists that the program knows. */
export type Count = (labels?: Readonly<Record<string, string>>) => void;

/** Makes the metrics of a package that knows no metrics library. `signalbox_` is put in front of each name, which is made once. */
export interface Meter {
  /** A total that the returned function adds to. */
  counter(name: string, help: string, labels?: readonly string[]): Count;
  /** A total that `read` tells at each scrape. */
  total(name: string, help: string, read: () => number): void;
  /** A value that goes up and down, which `read` tells at each scrape. */
  gauge(name: string, help: string, read: () => number): void;
}

/** A meter that prints nothing. */
export const NO_METER: Meter = { counter: () => () => {}, total: () => {}, gauge: () => {} };
