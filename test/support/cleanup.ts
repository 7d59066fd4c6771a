/** The ends of what a test has started, to be called in the opposite order. */
export class Cleanup {
  readonly #ends: (() => Promise<unknown>)[] = [];

  add(end: () => Promise<unknown>): void {
    this.#ends.push(end);
  }

  /** Calls every end once; one that rejects leaves the earlier ones to the next call. */
  async run(): Promise<void> {
    for (let end = this.#ends.pop(); end !== undefined; end = this.#ends.pop()) await end();
  }
}
