/** Cursors as clients handle them: texts whose seq a test may compare. */
import { parseCursor } from "@signalbox/protocol/cursor";

/** The seq in a cursor; NaN for another text. */
export const seqIn = (cursor: string): number => parseCursor(cursor)?.seq ?? Number.NaN;

/** The cursor that stands on a durable event. Throws for any other frame. */
export function cursorOf({ seq, mark }: { readonly seq: number; readonly mark?: string | undefined }): string {
  if (!/^[0-9a-f]{8}$/.test(mark ?? "")) throw new Error(`no mark of an event: ${mark}`);
  return `${seq}-${mark}`;
}

/** A cursor with the same seq and another mark: that of an event that the server does not have. */
export function diverged(cursor: string): string {
  const last = Number.parseInt(cursor.slice(-1), 16);
  return `${cursor.slice(0, -1)}${(last ^ 1).toString(16)}`;
}
