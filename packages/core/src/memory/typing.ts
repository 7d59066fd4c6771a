import type { Clock } from "../ports/clock.ts";
import type { TypingStore, Typist } from "../ports/typing-store.ts";
import { wallTime } from "./wall-time.ts";

/** How often expired entries are dropped, in milliseconds. */
const SWEEP_MS = 10_000;

/** Times are milliseconds since the epoch, so that a start is the same number in every answer. */
interface TypingEntry {
  readonly startedAt: number;
  readonly endsAt: number;
}

/** The typists of this process's rooms. Entries expire by themselves, and are dropped within `SWEEP_MS` after that. */
export class MemoryTyping implements TypingStore {
  private readonly now: () => number;
  private readonly rooms = new Map<string, Map<string, TypingEntry>>();
  private sweepAt = 0;
  private open = true;

  constructor(clock: Clock) {
    this.now = wallTime(clock);
  }

  /** A repeat prolongs the entry and keeps its start. */
  start(room: string, userId: string, ttlMs: number): void {
    if (!this.open) return;
    const now = this.now();
    if (now >= this.sweepAt) this.sweep(now);
    const entries = this.rooms.get(room) ?? new Map<string, TypingEntry>();
    const earlier = entries.get(userId);
    const startedAt = earlier !== undefined && earlier.endsAt > now ? earlier.startedAt : now;
    entries.set(userId, { startedAt, endsAt: now + ttlMs });
    this.rooms.set(room, entries);
  }

  stop(room: string, ...userIds: readonly string[]): void {
    const entries = this.rooms.get(room);
    for (const userId of userIds) entries?.delete(userId);
    if (entries?.size === 0) this.rooms.delete(room);
  }

  async list(rooms: readonly string[]): Promise<ReadonlyMap<string, readonly Typist[]>> {
    const listed = rooms.map((room) => [room, this.typistsOf(room)] as const);
    return new Map(listed.filter(([, typists]) => typists.length > 0));
  }

  /** The typists of a room, in the order of their starts. */
  private typistsOf(room: string): readonly Typist[] {
    const now = this.now();
    return [...(this.rooms.get(room) ?? [])]
      .filter(([, { endsAt }]) => endsAt > now)
      .sort(([, a], [, b]) => a.startedAt - b.startedAt)
      .map(([userId, { startedAt, endsAt }]) => ({ userId, startedAt, remainingMs: Math.ceil(endsAt - now) }));
  }

  /** The number of rooms with entries, expired ones of the last `SWEEP_MS` included. */
  get size(): number {
    return this.rooms.size;
  }

  close(): void {
    this.open = false;
    this.rooms.clear();
  }

  private sweep(now: number): void {
    this.sweepAt = now + SWEEP_MS;
    for (const [room, entries] of this.rooms) {
      for (const [userId, { endsAt }] of entries) if (endsAt <= now) entries.delete(userId);
      if (entries.size === 0) this.rooms.delete(room);
    }
  }
}
