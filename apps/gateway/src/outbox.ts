import type { Bytes } from "@signalbox/core/model/bytes";
import type { Flusher } from "./flusher.ts";
import { addressedFrame, FRAME_OVERHEAD } from "./frame.ts";

/** Signals that wait outside the buffer at most, by key; a session that needs more reads too slowly. */
const LATER = 10_000;

/**
 * A frame that is ready, or an event or signal whose body all its recipients share. Shared ones wait as they are and become
 * frames only when they are written: strings made for each of a thousand sessions and kept for ten milliseconds cost more
 * in garbage collection than in making.
 */
export type Outgoing = Bytes | { readonly body: Bytes };

/** What outboxes of one node wrote. */
export interface Written {
  frames: number;
  bytes: number;
  flushes: number;
}

/** Where an outbox writes to: a socket, or a response whose body goes on. */
export interface Outlet {
  readonly writable: boolean;
  /** Bytes that it was given and the system has not taken yet. */
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
 * What one session still has to be sent. Durable events always go in; above half the limit signals and receipts wait
 * outside, newest per key; above all of it the session reads too slowly, which `push` and `signal` say.
 */
export class Outbox {
  readonly #deps: OutboxDeps;
  /** Whom shared bodies are for: known before the first of them comes. */
  recipient = "";
  #pending: Outgoing[] | undefined;
  #bytes = 0;
  #later: Map<string, Outgoing> | undefined;
  #waiters: ((more: boolean) => void)[] | undefined;
  #closed = false;
  /** Something was taken since `stuck` was last asked. */
  #moved = false;
  /** A socket's "drain" comes only where its own mark was reached, which a small limit never does. */
  readonly #wrote = (): void => {
    this.#moved = true;
    this.#relieved();
  };

  constructor(deps: OutboxDeps) {
    this.#deps = deps;
  }

  /**
   * Takes a frame; false when more than the session may have waits already. The frame itself does not count: one that is
   * larger than the limit would otherwise close the session again after each resume.
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
    // Taken out first, so that it goes to the end: what is newer leaves later.
    this.#later.delete(key);
    this.#later.set(key, frame);
    return this.#later.size <= LATER;
  }

  /** Writes what waits. */
  flush(): void {
    if (this.#closed || this.#pending === undefined) return;
    const { outlet, written } = this.#deps;
    const pending = this.#pending;
    this.#pending = undefined;
    this.#bytes = 0;
    // The peer closed, and was answered: its socket takes nothing more.
    if (!outlet.writable) return;
    let bytes = "";
    for (const frame of pending)
      bytes += typeof frame === "string" ? frame : addressedFrame(frame.body, this.recipient);
    written.flushes++;
    written.bytes += bytes.length;
    outlet.write(bytes, "latin1", this.#wrote);
  }

  /** Whether a replay may put more in: the rest of the buffer stays for what is live. */
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

  /** Whether something waits to be taken, and nothing was since this was last asked. */
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
