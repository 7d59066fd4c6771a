/** Steps of one round; a step is a second. */
const STEPS = 300;

/** A list that grows and shrinks meanwhile, in slices: each item is in one slice of the first round that begins with it. */
export class RollingList<T> {
  readonly #list: () => readonly T[];
  #round: readonly T[] = [];
  #step = STEPS;

  constructor(list: () => readonly T[]) {
    this.#list = list;
  }

  /** The next slice. */
  next(): readonly T[] {
    if (this.#step === STEPS) {
      this.#round = this.#list();
      this.#step = 0;
    }
    const place = () => Math.floor((this.#step * this.#round.length) / STEPS);
    const from = place();
    this.#step++;
    return this.#round.slice(from, place());
  }
}
