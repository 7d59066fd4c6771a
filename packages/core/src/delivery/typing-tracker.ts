import type { Clock } from "../ports/clock.ts";

/** The longest that anybody types without saying so again: what Matrix allows. A wrong number on the wire must not last longer. */
const LONGEST_MS = 30_000;

/**
 * Who types in one room, as this node tells its sessions. Every node keeps a relative deadline of its own and makes the one
 * stop itself: nothing crosses the network to end it, and no node's death leaves anybody typing. DESIGN 4.
 */
export class TypingTracker {
  readonly #clock: Clock;
  readonly #changed: (userId: string, remainingMs: number) => void;
  readonly #deadlines = new Map<string, { readonly at: number; readonly callOff: () => void }>();

  /** `changed`: told of who starts, with how long that lasts unless they go on, and of who stops, with 0. */
  constructor(clock: Clock, changed: (userId: string, remainingMs: number) => void) {
    this.#clock = clock;
    this.#changed = changed;
  }

  /** `userId` started, or goes on: told once, however often it is refreshed. */
  started(userId: string, remainingMs: number): void {
    const before = this.#deadlines.get(userId);
    before?.callOff();
    const ms = Math.min(Math.max(remainingMs, 0), LONGEST_MS);
    const callOff = this.#clock.after(ms, () => this.stopped(userId));
    this.#deadlines.set(userId, { at: this.#clock.now() + ms, callOff });
    if (before === undefined) this.#changed(userId, ms);
  }

  /** `userId` stopped: by word, by sending their message, or by silence. */
  stopped(userId: string): void {
    const deadline = this.#deadlines.get(userId);
    if (deadline === undefined) return;
    deadline.callOff();
    this.#deadlines.delete(userId);
    this.#changed(userId, 0);
  }

  has(userId: string): boolean {
    return this.#deadlines.has(userId);
  }

  /** Who types now, and for how many milliseconds more unless they go on. */
  now(): [userId: string, remainingMs: number][] {
    const now = this.#clock.now();
    return [...this.#deadlines].map(([userId, { at }]) => [userId, at - now]);
  }

  close(): void {
    for (const { callOff } of this.#deadlines.values()) callOff();
    this.#deadlines.clear();
  }
}
