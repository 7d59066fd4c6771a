import type { Clock } from "../ports/clock.ts";

/** The longest time of a typist without a refresh, as in Matrix. A wrong number on the wire must not last longer. */
const LONGEST_MS = 30_000;

/**
 * The typists of one room, as this node's sessions see them. Every node keeps a relative deadline of its own and ends the
 * typing itself: no publication is needed for it, and no node's death leaves a user typing. DESIGN 4.
 */
export class TypingTracker {
  readonly #clock: Clock;
  readonly #changed: (userId: string, remainingMs: number) => void;
  readonly #deadlines = new Map<string, { readonly at: number; readonly cancel: () => void }>();

  /** `changed`: called at a start with the milliseconds that it lasts unless refreshed, and at an end with 0. */
  constructor(clock: Clock, changed: (userId: string, remainingMs: number) => void) {
    this.#clock = clock;
    this.#changed = changed;
  }

  /** `userId` starts, or goes on: one change, however often it is refreshed. */
  started(userId: string, remainingMs: number): void {
    const before = this.#deadlines.get(userId);
    before?.cancel();
    const ms = Math.min(Math.max(remainingMs, 0), LONGEST_MS);
    const cancel = this.#clock.after(ms, () => this.stopped(userId));
    this.#deadlines.set(userId, { at: this.#clock.now() + ms, cancel });
    if (before === undefined) this.#changed(userId, ms);
  }

  /** `userId` stops: on request, by sending a message, or by silence. */
  stopped(userId: string): void {
    const deadline = this.#deadlines.get(userId);
    if (deadline === undefined) return;
    deadline.cancel();
    this.#deadlines.delete(userId);
    this.#changed(userId, 0);
  }

  has(userId: string): boolean {
    return this.#deadlines.has(userId);
  }

  /** The present typists, each with the milliseconds that remain unless refreshed. */
  now(): [userId: string, remainingMs: number][] {
    const now = this.#clock.now();
    return [...this.#deadlines].map(([userId, { at }]) => [userId, at - now]);
  }

  close(): void {
    for (const { cancel } of this.#deadlines.values()) cancel();
    this.#deadlines.clear();
  }
}
