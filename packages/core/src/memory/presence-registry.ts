import { Problem } from "@signalbox/protocol/errors";
import type { Clock } from "../ports/clock.ts";
import type {
  Activity,
  Arrival,
  ExternalPresence,
  PresenceChange,
  PresenceRegistry,
  PresenceTiming,
} from "../ports/presence-registry.ts";
import { choose, enter, hasSession, leave, rowOf, setExternal, touch } from "../presence/state.ts";
import { Leases } from "./leases.ts";
import { PresenceTable } from "./presence-table.ts";
import { wallTime } from "./wall-time.ts";

/** The presence registry of a single process, by `clock`. It is always available, and forgets a user after `keepMs` offline. */
export class MemoryPresence implements PresenceRegistry {
  private readonly timing: PresenceTiming;
  private readonly now: () => number;
  private readonly leases = new Leases();
  private readonly table: PresenceTable;

  constructor(clock: Clock, timing: PresenceTiming) {
    this.timing = timing;
    this.now = wallTime(clock);
    this.table = new PresenceTable(timing);
  }

  async open(node: string, ttlMs: number): Promise<void> {
    this.leases.open(node, this.now() + ttlMs);
  }

  async renew(node: string, ttlMs: number): ReturnType<PresenceRegistry["renew"]> {
    const now = this.now();
    const held = this.leases.renew(node, now + ttlMs);
    return { held, expired: this.leases.expired(now).filter((expired) => expired.node !== node) };
  }

  async claim(node: string, ttlMs: number): Promise<boolean> {
    const now = this.now();
    return this.leases.claim(node, now + ttlMs, now);
  }

  async endNode(node: string, forMs: number): Promise<void> {
    this.table.endNode(node, this.now() + forMs);
    this.leases.end(node);
  }

  async enter(node: string, arrivals: readonly Arrival[]): Promise<readonly PresenceChange[]> {
    // No sweep would find users that enter an ended node.
    if (!this.leases.has(node)) throw new Problem("unavailable", "This node's lease is gone");
    const now = this.now();
    return arrivals.flatMap((arrival) => {
      const entry = this.table.admit(arrival.userId);
      this.table.join(node, arrival.userId);
      enter(entry, node, arrival, now, this.timing);
      return this.table.settle(entry, now);
    });
  }

  async leave(node: string, departures: readonly Activity[]): ReturnType<PresenceRegistry["leave"]> {
    const now = this.now();
    const changes: PresenceChange[] = [];
    const gone: string[] = [];
    for (const { userId, idleForMs } of departures) {
      this.table.part(node, userId);
      const entry = this.table.find(userId);
      if (entry !== undefined && leave(entry, node, idleForMs, now, this.timing)) {
        changes.push(...this.table.settle(entry, now));
      }
      if (entry === undefined || !hasSession(entry)) gone.push(userId);
    }
    return { changes, gone };
  }

  async setExternal(presences: readonly ExternalPresence[]): Promise<readonly PresenceChange[]> {
    const now = this.now();
    return presences.flatMap((presence) => {
      const entry = presence.forMs > 0 ? this.table.admit(presence.userId) : this.table.find(presence.userId);
      if (entry === undefined) return [];
      setExternal(entry, presence, now, this.timing);
      return this.table.settle(entry, now);
    });
  }

  async touch(activities: readonly Activity[]): Promise<readonly PresenceChange[]> {
    const now = this.now();
    return activities.flatMap((activity) => {
      const entry = this.table.find(activity.userId);
      return entry !== undefined && touch(entry, activity.idleForMs, now) ? this.table.settle(entry, now) : [];
    });
  }

  async choose(choice: Omit<Arrival, "idleForMs">): ReturnType<PresenceRegistry["choose"]> {
    const now = this.now();
    const entry = this.table.admit(choice.userId);
    const here = hasSession(entry, (node) => this.leases.endOf(node) > now);
    const chosen = choose(entry, choice, here, now, this.timing);
    const changes = chosen ? this.table.settle(entry, now) : [];
    return { row: rowOf(entry), changes };
  }

  async settle(): Promise<readonly PresenceChange[]> {
    return this.table.sweep(this.now());
  }

  async announced(changes: readonly PresenceChange[]): Promise<void> {
    this.table.announced(changes);
  }

  async read(userIds: readonly string[]): ReturnType<PresenceRegistry["read"]> {
    const now = this.now();
    return this.table.read(userIds, now, (node) => this.leases.endOf(node) + this.timing.graceMs < now);
  }

  async close(node: string): Promise<void> {
    // All users have left. A user that failed to leave would be online for ever.
    await this.endNode(node, this.timing.graceMs);
  }

  /** The number of known users. */
  get size(): number {
    return this.table.size;
  }

  clear(): void {
    this.leases.clear();
    this.table.clear();
  }
}
