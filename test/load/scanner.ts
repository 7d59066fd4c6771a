/**
 * Reads a server's WebSocket frames from chunks without copying or parsing them: 600,000 frames a second leave no time for
 * that.
 */

/** The frames that a scanner finds. `chunk` is only valid during the call. */
export interface FrameSink {
  /** A durable event: its seq ends at `at`, the rest of its JSON at `end`. */
  event(seq: number, chunk: Buffer, at: number, end: number): void;
  /** Any other text frame. */
  text(chunk: Buffer, start: number, end: number): void;
  /** A close, ping or pong. */
  control(opcode: number, chunk: Buffer, start: number, end: number): void;
}

export const OPCODE = { text: 1, close: 8, ping: 9, pong: 10 } as const;

/** Larger than any frame of a gateway: a longer one is an error. */
const LARGEST_FRAME = 1 << 20;
/** `{"recipientId":"` before the user id, `","seq":` behind it (see `encodeBody` of the protocol). */
const BEFORE_USER = 16;
const BEHIND_USER = 8;
/** `{"seq":`, the beginning of an event without a recipient. */
const BEFORE_SEQ = 7;

const COLON = 0x3a;
const QUOTE = 0x22;
const LETTER_Q = 0x71;

/**
 * Scans the stream of one session. Frames may be split anywhere between chunks. Throws for other frames than whole texts
 * and control frames.
 */
export class FrameScanner {
  readonly #sink: FrameSink;
  readonly #addressedSeq: number;
  /** The beginning of an incomplete frame; `#held` bytes of it are used. */
  #part = Buffer.alloc(0);
  #held = 0;

  /** `userId`: the user of the session. Its length is part of the offset of an event's seq. */
  constructor(userId: string, sink: FrameSink) {
    this.#sink = sink;
    this.#addressedSeq = BEFORE_USER + userId.length + BEHIND_USER;
  }

  /** Takes the bytes from `from` to `to` of `chunk`; afterwards the chunk may be overwritten. */
  scan(chunk: Buffer, from: number, to: number): void {
    let at = this.#held === 0 ? from : this.#complete(chunk, from, to);
    while (at < to) {
      const end = frameEnd(chunk, at, to);
      if (end === 0 || end > to) {
        this.#hold(chunk, at, to);
        return;
      }
      this.#frame(chunk, at, end);
      at = end;
    }
  }

  #frame(chunk: Buffer, at: number, end: number): void {
    const start = at + headerLength(chunk[at + 1]!);
    const first = chunk[at]!;
    if (first === 0x81) this.#text(chunk, start, end);
    else if ((first & 0xf8) === 0x88) this.#sink.control(first & 0x0f, chunk, start, end);
    else throw new Error("a frame that is neither whole text nor control");
  }

  #text(chunk: Buffer, start: number, end: number): void {
    let at = start + this.#addressedSeq;
    if (!seqEndsAt(chunk, at, end)) at = start + BEFORE_SEQ;
    if (!seqEndsAt(chunk, at, end)) {
      this.#sink.text(chunk, start, end);
      return;
    }
    let seq = 0;
    for (let digit = chunk[at]! - 48; digit >= 0 && digit <= 9; digit = chunk[++at]! - 48) seq = seq * 10 + digit;
    this.#sink.event(seq, chunk, at, end);
  }

  #hold(chunk: Buffer, at: number, to: number): void {
    const length = this.#held + to - at;
    if (length > this.#part.length) {
      const grown = Buffer.allocUnsafe(Math.max(1024, length * 2));
      this.#part.copy(grown, 0, 0, this.#held);
      this.#part = grown;
    }
    chunk.copy(this.#part, this.#held, at, to);
    this.#held = length;
  }

  /** Completes the held frame from `chunk`. Returns where the next frame begins. */
  #complete(chunk: Buffer, from: number, to: number): number {
    let at = from;
    while (at < to) {
      const end = frameEnd(this.#part, 0, this.#held);
      // The header may be split too: it is completed byte by byte until the frame's length is known.
      const missing = end === 0 ? 1 : end - this.#held;
      const next = Math.min(to, at + missing);
      this.#hold(chunk, at, next);
      at = next;
      if (frameEnd(this.#part, 0, this.#held) !== this.#held) continue;
      this.#frame(this.#part, 0, this.#held);
      this.#held = 0;
      break;
    }
    return at;
  }
}

/** True when `…seq":` ends right before `at`. */
const seqEndsAt = (chunk: Buffer, at: number, end: number): boolean =>
  at < end && chunk[at - 1] === COLON && chunk[at - 2] === QUOTE && chunk[at - 3] === LETTER_Q;

const headerLength = (second: number): number => (second < 126 ? 2 : second === 126 ? 4 : 10);

/** The end of the frame that begins at `at`, maybe beyond `to`; 0 while its header is incomplete. */
function frameEnd(chunk: Buffer, at: number, to: number): number {
  if (at + 2 > to) return 0;
  const second = chunk[at + 1]!;
  if (second < 126) return at + 2 + second;
  if (second > 127) throw new Error("a masked frame from a server");
  if (at + headerLength(second) > to) return 0;
  if (second === 126) return at + 4 + ((chunk[at + 2]! << 8) | chunk[at + 3]!);
  const length = Number(chunk.readBigUInt64BE(at + 2));
  if (length > LARGEST_FRAME) throw new Error("a frame too large to be one");
  return at + 10 + length;
}
