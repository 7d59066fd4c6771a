import type { Bytes } from "@signalbox/core/model/bytes";
import { addressedFrame, FRAME_OVERHEAD } from "./frame.ts";

/** Signals that wait outside the buffer at most, by key; a session that needs more reads too slowly. */
const LATER = 10_000;

/**
 * A frame that is ready, or an event or signal with a body that all its recipients share. Shared ones wait as they are and
 * become frames only when they are written: strings made for each of a thousand sessions and kept for ten milliseconds cost
 * more in garbage collection than in making.
 */
export type Outgoing = Bytes | { readonly body: Bytes };

/** Totals of all outboxes of a node. */
export interface Written {
  frames: number;
  bytes: number;
  flushes: number;
}

/** The end of an outbox: a socket, or a response that goes on. */
export interface Outlet {
  readonly writable: boolean;
  /** Bytes that it was given and that the system has not taken yet. */
  readonly writableLength: number;
  write(bytes: Bytes, encoding: "latin1", taken: () => void): unknown;
}

export interface OutboxDeps {
  readonly outlet: Outlet;
  readonly flusher: Flusher;
  /** Bytes that may wait: `SESSION_BUFFER_BYTES`. */
  readonly limit: number;
  readonly written: Written;
}

/**
 * Frames that wait for one session. Durable events always go in; above half the limit, signals and receipts wait outside,
 * newest per key; above all of it the session reads too slowly, and `push` and `signal` say so.
 */
export class Outbox {
  readonly #deps: OutboxDeps;
  /** The user of the session, set before the first shared body comes. */
  recipient = "";
  #pending: Outgoing[] | undefined;
  #bytes = 0;
  #later: Map<string, Outgoing> | undefined;
  #waiters: ((more: boolean) => void)[] | undefined;
  #closed = false;
  /** The system took bytes since the last call of `stuck`. */
  #moved = false;
  /** The callback of a write: a socket's "drain" comes only above a mark of its own, which a small limit never reaches. */
  readonly #wrote = (): void => {
    this.#moved = true;
    this.#relieved();
  };

  constructor(deps: OutboxDeps) {
    this.#deps = deps;
  }

  /**
   * Takes a frame; false when more than the limit waits already. The frame itself does not count: one above the limit would
   * otherwise close the session again after each resume.
   */
  push(frame: Outgoing): boolean {
    if (this.#closed) return true;
    if (this.#waiting() > this.#deps.limit) return false;
    if (this.#pending === undefined) {
      this.#pending = [];
      this.#deps.flusher.add(this);
    }
    this.#pending.push(frame);
    this.#bytes +=
      typeof frame === "string" ? frame.length : frame.body.length + this.recipient.length + FRAME_OVERHEAD;
    this.#deps.written.frames++;
    return true;
  }

  /** Takes a frame that a newer one of the same key replaces; false as `push`. */
  signal(key: string, frame: Outgoing): boolean {
    if (this.#closed) return true;
    const full = this.#waiting() > this.#deps.limit / 2;
    if (!full && this.#later === undefined) return this.push(frame);
    this.#later ??= new Map();
    // Taken out first, so that it goes to the end: a newer one leaves later.
    this.#later.delete(key);
    this.#later.set(key, frame);
    return this.#later.size <= LATER;
  }

  /** Writes all waiting frames. */
  flush(): void {
    if (this.#closed || this.#pending === undefined) return;
    const { outlet, written } = this.#deps;
    const pending = this.#pending;
    this.#pending = undefined;
    this.#bytes = 0;
    // The peer has closed: its socket takes nothing more.
    if (!outlet.writable) return;
    let bytes = "";
    for (const frame of pending)
      bytes += typeof frame === "string" ? frame : addressedFrame(frame.body, this.recipient);
    written.flushes++;
    written.bytes += bytes.length;
    outlet.write(bytes, "latin1", this.#wrote);
  }

  /** True while a replay may put more in: the rest of the buffer stays free for live events. */
  ready(): boolean {
    return !this.#closed && this.#waiting() <= this.#deps.limit / 4;
  }

  /** Resolves with true once `ready`, with false when the session is over. */
  drained(): Promise<boolean> {
    if (this.#closed) return Promise.resolve(false);
    if (this.ready()) return Promise.resolve(true);
    return new Promise((resolve) => {
      this.#waiters ??= [];
      this.#waiters.push(resolve);
    });
  }

  /** True when bytes wait and the system took none since the last call. */
  stuck(): boolean {
    const moved = this.#moved;
    this.#moved = false;
    return !moved && this.#deps.outlet.writableLength > 0;
  }

  /** Nothing more is taken or written. */
  close(): void {
    this.#closed = true;
    this.#pending = undefined;
    this.#later = undefined;
    this.#answer(false);
  }

  #answer(more: boolean): void {
    const waiters = this.#waiters ?? [];
    this.#waiters = undefined;
    for (const resolve of waiters) resolve(more);
  }

  #waiting(): number {
    return this.#bytes + this.#deps.outlet.writableLength;
  }

  #relieved(): void {
    if (this.#closed || !this.ready()) return;
    const later = this.#later;
    this.#later = undefined;
    for (const [key, frame] of later ?? []) this.signal(key, frame);
    this.#answer(true);
  }
}

/** Longest time that frames wait for company, in milliseconds. DECISIONS 4 has the figures of 4 to 10. */
const LONGEST_WINDOW_MS = 6;
/** The window is this many times the duration of the last flush: writing never takes more than a third of the time. */
const WINDOW_PER_FLUSH = 2;

/** An outbox, as the flusher sees it. */
export interface Flushable {
  flush(): void;
}

/**
 * Flushes the outboxes with waiting frames. A write is the main cost of a delivery (7 µs each, 0.74 µs when 10 ms of frames
 * share one): with little to write it happens at once, and the more there is, the longer frames wait for company. DESIGN 5.
 */
export class Flusher {
  #dirty: Flushable[] = [];
  #planned = false;
  #windowMs = 0;
  #endedAt = 0;

  /** Plans a flush of the outbox. An outbox is handed in once per flush. */
  add(outbox: Flushable): void {
    this.#dirty.push(outbox);
    if (this.#planned) return;
    this.#planned = true;
    const rest = this.#windowMs - (performance.now() - this.#endedAt);
    if (rest <= 0.5) setImmediate(() => this.#flush());
    else setTimeout(() => this.#flush(), rest);
  }

  #flush(): void {
    const outboxes = this.#dirty;
    this.#dirty = [];
    this.#planned = false;
    const began = performance.now();
    let flushed = 0;
    try {
      for (; flushed < outboxes.length; flushed++) outboxes[flushed]?.flush();
    } finally {
      this.#endedAt = performance.now();
      this.#windowMs = Math.min(LONGEST_WINDOW_MS, (this.#endedAt - began) * WINDOW_PER_FLUSH);
      // After an error, the outboxes behind the failing one have to be handed in again.
      for (const outbox of outboxes.slice(flushed + 1)) this.add(outbox);
    }
  }
}
