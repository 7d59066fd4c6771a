import { encodeBody } from "@signalbox/protocol/encode";
import { toBytes } from "../model/bytes.ts";
import type { Receipt } from "../model/rows.ts";
import { receiptBody } from "../model/signal-bodies.ts";
import type { Clock } from "../ports/clock.ts";
import type { Signal } from "./subscriber.ts";

/** Receipts of one room are told at most this often, newest per user. */
const TOGETHER_MS = 100;
/** How long a receipt is remembered, so that the store's word of it is not told again: longer than two of its answers take. */
const TOLD_MS = 5000;
/** So many are told as a READ_MSG each; more go together in one frame. */
const SINGLE = 8;
/** What one frame holds at most: 130 bytes each, and a frame is to stay well below what a session may have waiting. */
const TOGETHER = 250;

/** Receipts on their way to a room's sessions: the first at once, what follows together, each user's newest once. DESIGN 3.7. */
export class ReceiptBatcher {
  readonly #clock: Clock;
  readonly #tell: (receipts: readonly Receipt[]) => void;
  #waiting = new Map<string, Receipt>();
  #sent = new Map<string, number>();
  #sentBefore = new Map<string, number>();
  #turnedAt = 0;
  #callOff: (() => void) | undefined;

  constructor(clock: Clock, tell: (receipts: readonly Receipt[]) => void) {
    this.#clock = clock;
    this.#tell = tell;
  }

  add(receipt: Receipt): void {
    const { userId, messageSeq } = receipt;
    const known = this.#sent.get(userId) ?? this.#sentBefore.get(userId) ?? 0;
    if (messageSeq <= known) return;
    this.#turn();
    this.#sent.set(userId, messageSeq);
    this.#waiting.set(userId, receipt);
    if (this.#callOff === undefined) this.#flush();
  }

  close(): void {
    this.#callOff?.();
  }

  #flush(): void {
    this.#callOff = undefined;
    if (this.#waiting.size === 0) return;
    const receipts = [...this.#waiting.values()];
    this.#waiting = new Map();
    this.#tell(receipts);
    this.#callOff = this.#clock.after(TOGETHER_MS, () => this.#flush());
  }

  #turn(): void {
    const now = this.#clock.now();
    if (now - this.#turnedAt < TOLD_MS) return;
    this.#turnedAt = now;
    this.#sentBefore = this.#sent;
    this.#sent = new Map();
  }
}

/**
 * Receipts as sessions are told of them: a few as a READ_MSG each, many as RECEIPTS. What a thousand readers of one message
 * cost must not be a thousand frames for each of a thousand sessions.
 */
export function receiptSignals(roomId: string, receipts: readonly Receipt[]): Signal[] {
  if (receipts.length <= SINGLE) return receipts.map((receipt) => single(roomId, receipt));
  const signals: Signal[] = [];
  for (let at = 0; at < receipts.length; at += TOGETHER)
    signals.push(together(roomId, receipts.slice(at, at + TOGETHER)));
  return signals;
}

const single = (roomId: string, receipt: Receipt): Signal => ({
  key: `receipt ${roomId} ${receipt.userId}`,
  roomId,
  body: receiptBody(roomId, receipt),
  about: { kind: "receipts", receipts: [receipt] },
});

let made = 0;

function together(roomId: string, receipts: readonly Receipt[]): Signal {
  const entries = receipts.map(({ userId, messageId, readAt }) => ({
    senderId: userId,
    messageId,
    timeStamp: readAt.toISOString(),
  }));
  return {
    // None replaces another: they are of different users.
    key: `receipts ${roomId} ${made++}`,
    roomId,
    body: toBytes(encodeBody({ type: "RECEIPTS", chatId: roomId, receipts: entries })),
    about: { kind: "receipts", receipts },
  };
}
