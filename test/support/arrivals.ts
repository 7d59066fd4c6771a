/** The items that arrive at a client, in order, and promises of those still to come. */
import { isDeepStrictEqual } from "node:util";

export type Fields = Readonly<Record<string, unknown>>;

interface Waiter<T> {
  readonly matches: (item: T) => boolean;
  resolve(item: T): void;
  reject(error: Error): void;
}

/** Milliseconds that an item may take, unless a test says otherwise. */
const PATIENCE_MS = 10_000;

export class Arrivals<T extends { readonly type: string }> {
  /** Everything that arrived, in order. */
  readonly items: T[] = [];
  readonly #waiters = new Set<Waiter<T>>();
  #ended: Error | undefined;

  take(item: T): void {
    this.items.push(item);
    for (const waiter of [...this.#waiters]) if (waiter.matches(item)) waiter.resolve(item);
  }

  /** Rejects all that still wait: no more items come. */
  end(why: string): void {
    this.#ended = new Error(why);
    for (const waiter of [...this.#waiters]) waiter.reject(this.#ended);
  }

  /** The first item, arrived or to come, that has these fields or for which `match` is true. Rejects after `ms`. */
  receives(match: Fields | ((item: T) => boolean), ms = PATIENCE_MS): Promise<T> {
    const matches = typeof match === "function" ? match : (item: T) => hasFields(item, match);
    const present = this.items.find(matches);
    if (present !== undefined) return Promise.resolve(present);
    if (this.#ended !== undefined) return Promise.reject(this.#ended);
    return this.#wait(matches, `nothing with ${typeof match === "function" ? match : JSON.stringify(match)}`, ms);
  }

  #wait(matches: Waiter<T>["matches"], what: string, ms: number): Promise<T> {
    return new Promise((resolve, reject) => {
      const end = <V>(settle: (value: V) => void) => {
        return (value: V) => {
          clearTimeout(timer);
          this.#waiters.delete(waiter);
          settle(value);
        };
      };
      const waiter: Waiter<T> = { matches, resolve: end(resolve), reject: end(reject) };
      const timer = setTimeout(() => {
        const last = this.items.slice(-20).map(({ type }) => type);
        waiter.reject(new Error(`${what} within ${ms} ms; the last were ${last.join(" ") || "none"}`));
      }, ms);
      this.#waiters.add(waiter);
    });
  }
}

/** True when each of `fields` has this value in `item`. */
export const hasFields = (item: object, fields: object): boolean =>
  Object.entries(fields).every(([name, value]) => isDeepStrictEqual((item as Fields)[name], value));
