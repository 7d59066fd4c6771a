/** Cursors of pages: opaque to clients, so that they may one day hold something else. CONTRACT section 1, "Pages". */
import { invalidField } from "@signalbox/protocol/errors";
import { parseRoomId } from "@signalbox/protocol/ids";

/** The cursor behind what has this id, a UUID. It names a row, not a position: it holds while rows are added. */
export const cursorAt = (id: string): string => Buffer.from(id).toString("base64url");

/** The id that a cursor names. Throws `invalid` for one that `cursorAt` did not make. */
export function decodeCursor(cursor: string): string {
  const id = parseRoomId(Buffer.from(cursor, "base64url").toString());
  if (id === undefined || cursorAt(id) !== cursor) throw invalidField("cursor", "a next_cursor of an earlier page");
  return id;
}

/** The page that `rows` are, of which one more than `limit` was asked for, which tells whether there is a next one. */
export function pageOf<T>(rows: readonly T[], limit: number, idOf: (row: T) => string) {
  const page = rows.slice(0, limit);
  const last = page.at(-1);
  return { page, next_cursor: rows.length > limit && last !== undefined ? cursorAt(idOf(last)) : null };
}
