import type { Clock } from "../ports/clock.ts";
import type { TypingStore, Typist } from "../ports/typing-store.ts";
import { wallTime } from "./wall-time.ts";

/** How often notes that ran out are dropped, in milliseconds. */
const SWEEP_MS = 10_000;

/** Times are milliseconds since the epoch: a start is the same moment whenever it is asked for. */
interface TypingEntry {
  readonly startedAt: number;
  readonly endsAt: number;
}

/** Who types where, in this process. Notes run out by themselves; nothing is kept of them for longer than `SWEEP_MS` after that. */
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
    const notes = this.rooms.get(room) ?? new Map<string, TypingEntry>();
    const earlier = notes.get(userId);
    const startedAt = earlier !== undefined && earlier.endsAt > now ? earlier.startedAt : now;
    notes.set(userId, { startedAt, endsAt: now + ttlMs });
    this.rooms.set(room, notes);
  }

  stop(room: string, ...userIds: readonly string[]): void {
    const notes = this.rooms.get(room);
    for (const userId of userIds) notes?.delete(userId);
    if (notes?.size === 0) this.rooms.delete(room);
  }

  async list(rooms: readonly string[]): Promise<ReadonlyMap<string, readonly Typist[]>> {
    const listed = rooms.map((room) => [room, this.typistsOf(room)] as const);
    return new Map(listed.filter(([, typists]) => typists.length > 0));
  }

  /** The typists of a room, in the order of their starts. */
  private typistsOf(room: string): readonly Typist[] {
    const now = this.now();
    return [...(this.rooms.get(room) ?? [])]
      .filter(([, note]) => note.endsAt > now)
      .sort(([, a], [, b]) => a.startedAt - b.startedAt)
      .map(([userId, note]) => ({
        userId,
        startedAt: note.startedAt,
        remainingMs: Math.ceil(note.endsAt - now),
      }));
  }

  /** How many rooms have notes, or had some a moment ago. */
  get size(): number {
    return this.rooms.size;
  }

  close(): void {
    this.open = false;
    this.rooms.clear();
  }

  private sweep(now: number): void {
    this.sweepAt = now + SWEEP_MS;
    for (const [room, notes] of this.rooms) {
      for (const [userId, note] of notes) if (note.endsAt <= now) notes.delete(userId);
      if (notes.size === 0) this.rooms.delete(room);
    }
  }
}
