import { OUTBOX_AGE_MS, OUTBOX_KEPT_MS, type OutboxFrame, type OutboxRow, TRANSACTION_MS } from "../model/outbox.ts";
import type { ReceiptRow } from "../model/rows.ts";
import type { Clock } from "../ports/clock.ts";
import { encodeReceiptsFrame } from "../ports/engine-frames.ts";
import type { OutboxPage } from "../ports/store.ts";

/** The outbox of a `MapStore`. Its rows age by the clock of the test, not by the store's, which changes alone move. */
export class MapOutbox {
  readonly #clock: Clock;
  readonly #rows = new Map<string, OutboxRow & { readonly at: number }>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  add(row: OutboxRow): void {
    this.#rows.set(row.id, { ...row, at: this.#clock.now() });
  }

  /** Adds a row that the store makes itself. */
  note(frames: readonly OutboxFrame[]): void {
    if (frames.length > 0) this.add({ id: crypto.randomUUID(), frames });
  }

  page(since: Date | null, seen: readonly string[], limit: number): OutboxPage {
    const now = this.#clock.now();
    const from = since === null ? Number.POSITIVE_INFINITY : since.getTime() - TRANSACTION_MS;
    const rows = [...this.#rows.values()]
      .filter(({ id, at }) => at > from && at <= now - OUTBOX_AGE_MS && !seen.includes(id))
      .sort((a, b) => a.at - b.at)
      .slice(0, limit);
    return { now: new Date(now), rows: rows.map((row) => ({ ...row, at: new Date(row.at) })) };
  }

  confirm(ids: readonly string[]): void {
    for (const id of ids) this.#rows.delete(id);
  }

  prune(): void {
    for (const { id, at } of this.#rows.values()) if (at < this.#clock.now() - OUTBOX_KEPT_MS) this.#rows.delete(id);
  }
}

/** A frame of each of these receipts, for its room. */
export const receiptFrames = (receipts: readonly ReceiptRow[]): OutboxFrame[] =>
  receipts.map((row) => ["room", row.roomId, encodeReceiptsFrame([row])]);
