import { addTo } from "../model/groups.ts";
import type { MatrixRow } from "../model/rows.ts";
import { Table } from "./table.ts";

/** The Matrix events that a transaction knows, by id and by target. */
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

  /** The edits, reactions and redactions of an event that were read or put here. */
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
    if (targetId !== null) addTo(this.#byTarget, `${roomId} ${targetId}`, `${roomId} ${eventId}`);
  }
}
