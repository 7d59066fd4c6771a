/** Rows by key: those that were read, replaced by those that were put. */
export class Table<Row> {
  readonly #keyOf: (row: Row) => string;
  readonly #rows: Map<string, Row>;
  readonly #changed = new Map<string, Row>();

  constructor(rows: readonly Row[], keyOf: (row: Row) => string) {
    this.#keyOf = keyOf;
    this.#rows = new Map(rows.map((row) => [keyOf(row), row]));
  }

  get(key: string): Row | undefined {
    return this.#rows.get(key);
  }

  put(row: Row): void {
    const key = this.#keyOf(row);
    this.#rows.set(key, row);
    this.#changed.set(key, row);
  }

  /** The rows that were put, each in its last state. */
  changed(): Row[] {
    return [...this.#changed.values()];
  }
}
