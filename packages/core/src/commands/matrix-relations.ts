import type { MatrixRow } from "../model/rows.ts";
import { Table } from "./table.ts";

/** The events of Matrix that a tx knows, each also by what it refers to. */
export class Relations {
  readonly #rows: Table<MatrixRow>;
  readonly #byTarget = new Map<string, Set<string>>();

  constructor(rows: readonly MatrixRow[]) {
    this.#rows = new Table(rows, (row) => `${row.roomId} ${row.eventId}`);
    for (const row of rows) this.#relate(row);
  }

  get(roomId: string, eventId: string): MatrixRow | undefined {
    return this.#rows.get(`${roomId} ${eventId}`);
  }

  /** What edits, reacts to or redacts that event, as far as it was asked for or put here. */
  of(roomId: string, targetId: string): readonly MatrixRow[] {
    return [...(this.#byTarget.get(`${roomId} ${targetId}`) ?? [])].flatMap((key) => this.#rows.get(key) ?? []);
  }

  put(row: MatrixRow): void {
    this.#rows.put(row);
    this.#relate(row);
  }

  changed(): MatrixRow[] {
    return this.#rows.changed();
  }

  #relate({ roomId, eventId, targetId }: MatrixRow): void {
    if (targetId === null) return;
    const key = `${roomId} ${targetId}`;
    const related = this.#byTarget.get(key);
    if (related === undefined) this.#byTarget.set(key, new Set([`${roomId} ${eventId}`]));
    else related.add(`${roomId} ${eventId}`);
  }
}
