import type { PresenceChange, PresenceRow, PresenceTiming } from "../ports/presence-registry.ts";
import { type Entry, isStranded, NEVER, rowOf, settle, strand, unknown } from "../presence/state.ts";
import { Schedule } from "./schedule.ts";
import { UnannouncedChanges } from "./unannounced.ts";

/** Everybody of whom something is known, and what is to be told of them. What happens to one of them is in `presence.ts`. */
export class PresenceTable {
  private readonly timing: PresenceTiming;
  private readonly entries = new Map<string, Entry>();
  /** Who has a session on which node. */
  private readonly nodes = new Map<string, Set<string>>();
  private readonly agenda = new Schedule();
  private readonly pending = new UnannouncedChanges();

  constructor(timing: PresenceTiming) {
    this.timing = timing;
  }

  find(userId: string): Entry | undefined {
    return this.entries.get(userId);
  }

  /** The same; whoever was unknown is known from now on. */
  admit(userId: string): Entry {
    const entry = this.entries.get(userId) ?? unknown(userId);
    this.entries.set(userId, entry);
    return entry;
  }

  /** Notes that `userId` has a session on `node`. */
  join(node: string, userId: string): void {
    const users = this.nodes.get(node);
    if (users === undefined) this.nodes.set(node, new Set([userId]));
    else users.add(userId);
  }

  part(node: string, userId: string): void {
    const users = this.nodes.get(node);
    users?.delete(userId);
    if (users?.size === 0) this.nodes.delete(node);
  }

  /** Has whoever has a session on `node` count there until `end`. */
  strand(node: string, end: number): void {
    for (const userId of this.nodes.get(node) ?? []) {
      const entry = this.entries.get(userId);
      if (entry === undefined) continue;
      strand(entry, node, end);
      // Also an end that has passed is for the next sweep: what is found here would have nobody to tell it.
      this.agenda.setEarlier(userId, end);
    }
    this.nodes.delete(node);
  }

  /** Brings somebody up to date after something happened to them: what is to be told of it. */
  settle(entry: Entry, now: number): readonly PresenceChange[] {
    return this.look(entry, now, false);
  }

  /** As `Registry.settle`. */
  sweep(now: number): readonly PresenceChange[] {
    const due = this.agenda.due(now).flatMap((userId) => {
      const entry = this.entries.get(userId);
      return entry === undefined ? [] : this.look(entry, now, true);
    });
    // Afterwards: what changed again just now is not late.
    return [...due, ...this.pending.takeOver(now)];
  }

  told(changes: readonly PresenceChange[]): void {
    for (const change of changes) this.pending.announced(change);
  }

  /** As `Registry.read`; `isDead`: the node's lease ran out more than the grace ago. */
  read(userIds: readonly string[], now: number, isDead: (node: string) => boolean): ReadonlyMap<string, PresenceRow> {
    const rows = new Map<string, PresenceRow>();
    for (const userId of userIds) {
      const entry = this.entries.get(userId);
      if (entry === undefined) continue;
      const stranded = isStranded(entry, now, isDead);
      rows.set(userId, stranded ? { ...rowOf(entry), own: "offline", shown: "offline" } : rowOf(entry));
    }
    return rows;
  }

  /** How many users are known. */
  get size(): number {
    return this.entries.size;
  }

  clear(): void {
    for (const part of [this.entries, this.nodes, this.agenda, this.pending]) part.clear();
  }

  private look(entry: Entry, now: number, sweep: boolean): readonly PresenceChange[] {
    const { change, dueAt, forgotten } = settle(entry, now, this.timing, sweep);
    if (forgotten) this.entries.delete(entry.userId);
    if (forgotten || dueAt === NEVER) this.agenda.delete(entry.userId);
    else this.agenda.set(entry.userId, dueAt);
    return change === "none" ? [] : [this.pending.give({ ...rowOf(entry), toOthers: change === "shown" }, now)];
  }
}
