/** The time of a message, written at the beginning of its text. */

/** Sixteen digits: microseconds of the machine's monotonic clock, which all its processes share. */
export const STAMP_LENGTH = 16;
const BEFORE_TEXT = '"message":"';

const [seconds, nanos] = process.hrtime();
/** The clock of `hrtime` at the zero of `performance.now`, which reads the same clock without allocating. */
const origin = seconds * 1e6 + nanos / 1e3 - performance.now() * 1e3;

/** The machine's monotonic clock, in microseconds: comparable between its processes. */
export const nowMicros = (): number => origin + performance.now() * 1e3;

/** A message text of `bytes` bytes that begins with the present time. */
export const stampedText = (bytes: number): string =>
  Math.round(nowMicros()).toString().padStart(STAMP_LENGTH, "0").padEnd(bytes, "~");

/** The time of the message in `chunk` between `start` and `end`, in microseconds; NaN without one. */
export function readStamp(chunk: Buffer, start: number, end: number): number {
  const at = chunk.indexOf(BEFORE_TEXT, start, "latin1") + BEFORE_TEXT.length;
  if (at < start + BEFORE_TEXT.length || at + STAMP_LENGTH > end) return Number.NaN;
  return Number(chunk.toString("latin1", at, at + STAMP_LENGTH));
}
