import { encodeBody } from "@signalbox/protocol/encode";
import { toBytes } from "../model/bytes.ts";
import { chunksOf } from "../model/groups.ts";
import type { Receipt } from "../model/rows.ts";
import { receiptBody } from "../model/signal-bodies.ts";
import type { Clock } from "../ports/clock.ts";
import type { Signal } from "./signal.ts";

/** The shortest time between two batches of one room's receipts. */
const BATCH_MS = 100;
/** The time for which a receipt is remembered, so that audits do not send it again: as long as they look back. */
const REMEMBERED_MS = 11 * 60_000;
/** The most receipts that are a READ_MSG each; more go together in one frame. */
const SINGLE = 8;
/** The receipts of one frame: at 130 bytes each, a frame stays well below the buffer of a session. */
const TOGETHER = 250;

/** Receipts on their way to a room's sessions: the first at once, later ones in batches, each user's newest once. DESIGN 3.7. */
export class ReceiptBatcher {
  readonly #clock: Clock;
  readonly #send: (receipts: readonly Receipt[]) => void;
  #waiting = new Map<string, Receipt>();
  #sent = new Map<string, number>();
  #sentBefore = new Map<string, number>();
  #turnedAt = 0;
  #cancel: (() => void) | undefined;

  constructor(clock: Clock, send: (receipts: readonly Receipt[]) => void) {
    this.#clock = clock;
    this.#send = send;
  }

  add(receipt: Receipt): void {
    const { userId, messageSeq } = receipt;
    const known = this.#sent.get(userId) ?? this.#sentBefore.get(userId) ?? 0;
    if (messageSeq <= known) return;
    this.#turn();
    this.#sent.set(userId, messageSeq);
    this.#waiting.set(userId, receipt);
    if (this.#cancel === undefined) this.#flush();
  }

  close(): void {
    this.#cancel?.();
  }

  #flush(): void {
    this.#cancel = undefined;
    if (this.#waiting.size === 0) return;
    const receipts = [...this.#waiting.values()];
    this.#waiting = new Map();
    this.#send(receipts);
    this.#cancel = this.#clock.after(BATCH_MS, () => this.#flush());
  }

  #turn(): void {
    const now = this.#clock.now();
    if (now - this.#turnedAt < REMEMBERED_MS) return;
    this.#turnedAt = now;
    this.#sentBefore = this.#sent;
    this.#sent = new Map();
  }
}

/**
 * Receipts as sessions receive them: a few as a READ_MSG each, many as RECEIPTS. A thousand readers of one message must not
 * cost a thousand frames for each of a thousand sessions.
 */
export function receiptSignals(roomId: string, receipts: readonly Receipt[]): Signal[] {
  if (receipts.length <= SINGLE) return receipts.map((receipt) => single(roomId, receipt));
  return chunksOf(receipts, TOGETHER).map((chunk) => together(roomId, chunk));
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
    // No frame replaces another: they are of different users.
    key: `receipts ${roomId} ${made++}`,
    roomId,
    body: toBytes(encodeBody({ type: "RECEIPTS", chatId: roomId, receipts: entries })),
    about: { kind: "receipts", receipts },
  };
}
