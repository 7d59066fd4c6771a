import type { Bytes } from "../model/bytes.ts";
import { TRANSACTION_MS } from "../model/outbox.ts";
import type { Clock } from "../ports/clock.ts";
import { type Faults, reportFault } from "../ports/faults.ts";
import type { Channel } from "../ports/pub-sub.ts";
import type { OutboxPage, Store } from "../ports/store.ts";

/** The time between two reads. */
const EVERY_MS = 1000;
/** The longest time without a read after which the outbox has everything: rows live twice as long. */
const GAP_MS = 30_000;
/** Rows of one query. */
const PAGE = 1000;
/** The most rows that are remembered as seen; an older one is taken once more. */
const REMEMBERED = 50_000;

export interface OutboxReaderDeps {
  readonly store: Pick<Store, "outbox">;
  readonly clock: Clock;
  readonly faults: Faults;
  /** Takes a frame, as a publication. */
  readonly receive: (channel: Channel, frame: Bytes) => void;
  /** The outbox does not have everything any more: for so many milliseconds nothing was read. */
  readonly missed: (ms: number) => void;
  /** A fault lost an answer, or the work on it. The next answer covers its time, too. */
  readonly failed: () => void;
}

/**
 * Reads from the outbox what the engine has not confirmed: losses are noticed where they happen, and silence costs nothing.
 * While all publications are confirmed, every answer is empty. DESIGN 3.5.
 */
export class OutboxReader {
  /** True when a fault lost the last answer. */
  failing = false;
  readonly #deps: OutboxReaderDeps;
  /** The store's clock at the last read, and this node's. */
  #since: Date | null = null;
  #readAt: number;
  /** The rows of the last answers that further ones would have again, with their times. */
  readonly #seen = new Map<string, number>();
  #reading: Promise<void> | undefined;
  #closed = false;
  #cancel: (() => void) | undefined;

  constructor(deps: OutboxReaderDeps) {
    this.#deps = deps;
    this.#readAt = deps.clock.now();
  }

  /** Reads now, and every second from then on. Resolves when the answer is taken, or lost. Called once. */
  async start(): Promise<void> {
    this.#reading = this.#once();
    await this.#reading;
    if (!this.#closed) this.#cancel = this.#deps.clock.after(EVERY_MS, () => void this.start());
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#cancel?.();
    await this.#reading;
  }

  async #once(): Promise<void> {
    const { clock, faults, failed } = this.#deps;
    const now = clock.now();
    try {
      if (this.#since === null || now - this.#readAt > GAP_MS) await this.#skip(now - this.#readAt);
      else await this.#read(this.#since);
      this.#readAt = now;
      this.failing = false;
    } catch (error) {
      if (!reportFault(faults, "outbox", error)) return;
      this.failing = true;
      failed();
    }
  }

  /** Goes on from the present, and has the time before audited. */
  async #skip(ms: number): Promise<void> {
    const { store, missed } = this.#deps;
    const { now } = await store.outbox(null, [], 0);
    this.#seen.clear();
    this.#since = now;
    missed(ms);
  }

  async #read(since: Date): Promise<void> {
    let next: Date | undefined;
    for (;;) {
      const page = await this.#deps.store.outbox(since, [...this.#seen.keys()], PAGE);
      next ??= page.now;
      this.#take(page);
      if (page.rows.length < PAGE) break;
    }
    // A clock that was set back: rows may have times that the next read does not reach.
    if (next < since) this.#deps.missed(0);
    this.#since = next;
    const oldest = next.getTime() - TRANSACTION_MS;
    for (const [id, at] of this.#seen) if (at <= oldest || this.#seen.size > REMEMBERED) this.#seen.delete(id);
  }

  #take({ rows }: OutboxPage): void {
    for (const { id, at, frames } of rows) {
      for (const [kind, channelId, frame] of frames) this.#deps.receive({ kind, id: channelId }, frame);
      // Only now: a row that a fault lost is read again.
      this.#seen.set(id, at.getTime());
    }
  }
}
