import { addTo, removeFrom } from "../model/groups.ts";
import type { PresenceChange, PresenceRow, PresenceTiming } from "../ports/presence-registry.ts";
import { type Entry, endNode, hasOnlyDeadNodes, NEVER, rowOf, settle, unknown } from "../presence/state.ts";
import { Schedule } from "./schedule.ts";
import { UnannouncedChanges } from "./unannounced.ts";

/**
 * The presence of all known users, and their changes that wait to be announced. `presence/state.ts` holds the rules of
 * one user.
 */
export class PresenceTable {
  private readonly timing: PresenceTiming;
  private readonly entries = new Map<string, Entry>();
  /** The users with a session, by node. */
  private readonly nodes = new Map<string, Set<string>>();
  /** The moment at which each user's presence changes by itself. */
  private readonly schedule = new Schedule();
  private readonly unannounced = new UnannouncedChanges();

  constructor(timing: PresenceTiming) {
    this.timing = timing;
  }

  find(userId: string): Entry | undefined {
    return this.entries.get(userId);
  }

  /** Finds the user's entry, or adds a new one. */
  admit(userId: string): Entry {
    const entry = this.entries.get(userId) ?? unknown(userId);
    this.entries.set(userId, entry);
    return entry;
  }

  /** Records that `userId` has a session on `node`. */
  join(node: string, userId: string): void {
    addTo(this.nodes, node, userId);
  }

  part(node: string, userId: string): void {
    removeFrom(this.nodes, node, userId);
  }

  /** Keeps users of `node` online until `end`, in milliseconds since the epoch, and forgets the node. */
  endNode(node: string, end: number): void {
    for (const userId of this.nodes.get(node) ?? []) {
      const entry = this.entries.get(userId);
      if (entry === undefined) continue;
      endNode(entry, node, end);
      // An end in the past also waits for the next sweep: its caller announces the change.
      this.schedule.setEarlier(userId, end);
    }
    this.nodes.delete(node);
  }

  /** Updates an entry after a call changed it, and returns the change to announce, if any. */
  settle(entry: Entry, now: number): readonly PresenceChange[] {
    return this.update(entry, now, false);
  }

  /** As `PresenceRegistry.settle`. */
  sweep(now: number): readonly PresenceChange[] {
    const due = this.schedule.due(now).flatMap((userId) => {
      const entry = this.entries.get(userId);
      return entry === undefined ? [] : this.update(entry, now, true);
    });
    // Read last: a change that `update` replaced just now is not late.
    return [...due, ...this.unannounced.takeOver(now)];
  }

  announced(changes: readonly PresenceChange[]): void {
    for (const change of changes) this.unannounced.announced(change);
  }

  /** As `PresenceRegistry.read`. `isDead` is true for a node that lost its lease longer ago than the grace. */
  read(userIds: readonly string[], now: number, isDead: (node: string) => boolean): ReadonlyMap<string, PresenceRow> {
    const rows = new Map<string, PresenceRow>();
    for (const userId of userIds) {
      const entry = this.entries.get(userId);
      if (entry === undefined) continue;
      const offline = hasOnlyDeadNodes(entry, now, isDead);
      rows.set(userId, offline ? { ...rowOf(entry), own: "offline", shown: "offline" } : rowOf(entry));
    }
    return rows;
  }

  /** The number of known users. */
  get size(): number {
    return this.entries.size;
  }

  clear(): void {
    for (const part of [this.entries, this.nodes, this.schedule, this.unannounced]) part.clear();
  }

  private update(entry: Entry, now: number, sweep: boolean): readonly PresenceChange[] {
    const { change, dueAt, forgotten } = settle(entry, now, this.timing, sweep);
    if (forgotten) this.entries.delete(entry.userId);
    if (forgotten || dueAt === NEVER) this.schedule.delete(entry.userId);
    else this.schedule.set(entry.userId, dueAt);
    return change === "none" ? [] : [this.unannounced.give({ ...rowOf(entry), toOthers: change === "shown" }, now)];
  }
}
