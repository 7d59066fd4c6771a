/**
 * Cursors: the place in a room up to which a client has it. A cursor names the event that it stands on by seq and
 * mark, so that a server which lost that event (a failover, a restore) cannot take another one for it.
 */

/** A place in a room. `mark` is null for a bare seq, which is not checked. */
export interface Cursor {
  readonly seq: number;
  /** The random number of the event, below `MARK_END`; 0 at seq 0. */
  readonly mark: number | null;
}

/** The end of the range of marks: each is a whole number from 0 and below this. */
export const MARK_END = 2 ** 31;

const CURSOR = /^(\d{1,16})(?:-([0-9a-f]{8}))?$/;

/** The text of a mark: 8 hex digits. */
export const encodeMark = (mark: number): string => mark.toString(16).padStart(8, "0");

/** The text of a cursor, for example `17-4f1d09c2`; at seq 0 it is `0-00000000`. */
export const encodeCursor = (seq: number, mark: number): string => `${seq}-${encodeMark(mark)}`;

/** The cursor in a number (a bare seq) or a text (`17`, `17-4f1d09c2`). Undefined for anything else. */
export function parseCursor(given: unknown): Cursor | undefined {
  if (typeof given === "number") return isSeq(given) ? { seq: given, mark: null } : undefined;
  const [, seqText, markText] = typeof given === "string" ? (CURSOR.exec(given) ?? []) : [];
  if (seqText === undefined) return undefined;
  const seq = Number(seqText);
  const mark = markText === undefined ? null : Number.parseInt(markText, 16);
  return isSeq(seq) && (mark === null || mark < MARK_END) ? { seq, mark } : undefined;
}

const isSeq = (seq: number): boolean => Number.isSafeInteger(seq) && seq >= 0;
