/** Who is here, in Redis: `lua/presence.lua` keeps the state of one user, `leases.ts` the leases of nodes. */

import type {
  Activity,
  Arrival,
  ExternalPresence,
  PresenceChange,
  PresenceRegistry,
  PresenceRow,
  PresenceTiming,
} from "@signalbox/core/ports/presence-registry";
import { type Entry, isStranded, rowOf, unknown } from "@signalbox/core/presence/state";
import { Problem } from "@signalbox/protocol/errors";
import type { Redis } from "ioredis";
import { type Commands, load, type Script } from "./commands.ts";
import { BUCKETS, bucketOf, evictedKey, nodeKey, presenceKeys } from "./keys.ts";
import { Leases } from "./leases.ts";

const enter = load("enter_presence", "presence");
const leave = load("leave_presence", "presence");
const vouch = load("vouch_presence", "presence");
const touch = load("touch_presence", "presence");
const choose = load("choose_presence", "presence");
const settle = load("settle_presence", "presence");
const told = load("told_presence", "presence");
const evict = load("evict_presence", "presence");

/** How many users go in one round trip: each costs 10 µs, and one server may have them all. */
const MOST_AT_ONCE = 5000;
/** How many users of a bucket are settled, or evicted, by one script: all buckets are at it at the same time. */
const MOST_OF_BUCKET = 200;
/** How long an evicted node is known as such, in milliseconds: for longer than one that was frozen may believe that it lives. */
const EVICTED_MS = 3_600_000;

const ALL_BUCKETS = Array.from({ length: BUCKETS }, (_, bucket) => bucket);

/** A `Registry` that all nodes share. Times are those of the servers; no two servers' times are ever compared. */
export class RedisPresence implements PresenceRegistry {
  private readonly commands: Commands;
  private readonly timing: PresenceTiming;
  private readonly leases: Leases;

  constructor(commands: Commands, timing: PresenceTiming) {
    this.commands = commands;
    this.timing = timing;
    this.leases = new Leases(commands);
  }

  open(node: string, ttlMs: number): Promise<void> {
    return this.leases.open(node, ttlMs);
  }

  renew(node: string, ttlMs: number): ReturnType<PresenceRegistry["renew"]> {
    return this.leases.renew(node, ttlMs);
  }

  claim(node: string, ttlMs: number): Promise<boolean> {
    return this.leases.claim(node, ttlMs);
  }

  async endNode(node: string, forMs: number): Promise<void> {
    await Promise.all(ALL_BUCKETS.map((bucket) => this.evictFrom(bucket, node, forMs)));
    // Last: while anybody may be left, the node is remembered as one to be evicted.
    await this.leases.end(node);
  }

  async enter(node: string, arrivals: readonly Arrival[]): Promise<readonly PresenceChange[]> {
    const replies = await inBuckets(arrivals, userOf, (bucket, group) => {
      const keys = [nodeKey(bucket, node), evictedKey(bucket, node)];
      return this.run(enter, bucket, { keys, args: [node, JSON.stringify(group)] });
    });
    if (replies.includes(null)) throw new Problem("unavailable", "This node's lease is gone");
    return changesOf(replies);
  }

  async leave(node: string, departures: readonly Activity[]): ReturnType<PresenceRegistry["leave"]> {
    const replies = await inBuckets(departures, userOf, (bucket, group) =>
      this.run(leave, bucket, { keys: [nodeKey(bucket, node)], args: [node, JSON.stringify(group)] }),
    );
    const left = replies as [changes: string[], gone: string[]][];
    return { changes: changesOf(left.map(([changes]) => changes)), gone: left.flatMap(([, gone]) => gone) };
  }

  async setExternal(words: readonly ExternalPresence[]): Promise<readonly PresenceChange[]> {
    return changesOf(
      await inBuckets(words, userOf, (bucket, group) => this.run(vouch, bucket, { args: [JSON.stringify(group)] })),
    );
  }

  async touch(activities: readonly Activity[]): Promise<readonly PresenceChange[]> {
    return changesOf(
      await inBuckets(activities, userOf, (bucket, group) =>
        this.run(touch, bucket, { args: [JSON.stringify(group)] }),
      ),
    );
  }

  async choose(choice: Omit<Arrival, "idleForMs">): ReturnType<PresenceRegistry["choose"]> {
    const living = [...(await this.leases.list())].flatMap(([node, leftMs]) => (leftMs > 0 ? [node] : []));
    const reply = await this.run(choose, bucketOf(choice.userId), {
      args: [JSON.stringify(choice), JSON.stringify(living)],
    });
    const [row, changes] = reply as [row: string, changes: string[]];
    return { row: JSON.parse(row), changes: changesOf([changes]) };
  }

  async settle(): Promise<readonly PresenceChange[]> {
    return changesOf(
      await Promise.all(ALL_BUCKETS.map((bucket) => this.run(settle, bucket, { args: [MOST_OF_BUCKET] }))),
    );
  }

  async announced(changes: readonly PresenceChange[]): Promise<void> {
    const versions = changes.map(({ userId, version }) => ({ userId, version }));
    await inBuckets(versions, userOf, (bucket, group) => this.run(told, bucket, { args: [JSON.stringify(group)] }));
  }

  async read(userIds: readonly string[]): Promise<ReadonlyMap<string, PresenceRow>> {
    const asked = [...new Set(userIds)];
    // Sent together: the leases cost no round trip of their own.
    const [leases, known] = await Promise.all([this.leases.list(), this.fetch(asked)]);
    const isDead = (node: string) => (leases.get(node) ?? -Infinity) < -this.timing.graceMs;
    const rows = new Map<string, PresenceRow>();
    for (const { entries, now } of known)
      for (const entry of entries) {
        const row = rowOf(entry);
        rows.set(row.userId, isStranded(entry, now, isDead) ? { ...row, own: "offline", shown: "offline" } : row);
      }
    return rows;
  }

  async close(node: string): Promise<void> {
    // All have left. Whoever has not, because a call failed, would count for ever.
    await this.endNode(node, this.timing.graceMs);
  }

  /** Those of the users who are known, in lists; `now`: by the clock of a list's server, as the times in its entries are. */
  private async fetch(userIds: readonly string[]): Promise<readonly Known[]> {
    const servers = new Map<unknown, Group[]>();
    await inBuckets(userIds, itself, async (bucket, ids) => {
      const [key] = presenceKeys(bucket);
      const server = this.commands.serverOf(key);
      servers.set(server, [...(servers.get(server) ?? []), { key, ids }]);
    });
    return (await Promise.all([...servers.values()].map((groups) => this.ask(groups)))).flat();
  }

  /** Asks a server for all of its buckets and its time at once: each command by itself would bring a time limit and a second try of its own. */
  private async ask(groups: readonly Group[]): Promise<readonly Known[]> {
    const [first] = groups;
    if (first === undefined) return [];
    try {
      // No script: of a read nothing has to be done in one, and it would take the server three times as long.
      return [await this.commands.send(first.key, (redis) => look(redis, groups))];
    } catch (error) {
      if (groups.length === 1) throw error;
      // Some may have gone elsewhere, each to a server of its own.
      return (await Promise.all(groups.map((group) => this.ask([group])))).flat();
    }
  }

  private async evictFrom(bucket: number, node: string, forMs: number): Promise<void> {
    const keys = [nodeKey(bucket, node), evictedKey(bucket, node)];
    const args = [node, forMs, MOST_OF_BUCKET, EVICTED_MS];
    while (Number(await this.run(evict, bucket, { keys, args })) > 0);
  }

  private run(
    script: Script,
    bucket: number,
    { keys = [], args }: { keys?: readonly string[]; args: readonly (string | number)[] },
  ): Promise<unknown> {
    return this.commands.run(script, [...presenceKeys(bucket), ...keys], [JSON.stringify(this.timing), ...args]);
  }
}

/** Asks each bucket once about those who are in it, all at the same time; of very many, some after the others. */
async function inBuckets<T, R>(
  items: readonly T[],
  nameOf: (item: T) => string,
  ask: (bucket: number, group: readonly T[]) => Promise<R>,
): Promise<readonly R[]> {
  const replies: R[] = [];
  for (let start = 0; start < items.length; start += MOST_AT_ONCE) {
    const groups = new Map<number, T[]>();
    for (const item of items.slice(start, start + MOST_AT_ONCE)) {
      const bucket = bucketOf(nameOf(item));
      const group = groups.get(bucket);
      if (group === undefined) groups.set(bucket, [item]);
      else group.push(item);
    }
    replies.push(...(await Promise.all([...groups].map(([bucket, group]) => ask(bucket, group)))));
  }
  return replies;
}

/** Users of one bucket, whose entries are at `key`. */
interface Group {
  readonly key: string;
  readonly ids: readonly string[];
}

interface Known {
  readonly entries: readonly Entry[];
  readonly now: number;
}

async function look(redis: Redis, groups: readonly Group[]): Promise<Known> {
  const [time, ...found] = await Promise.all([redis.time(), ...groups.map(({ key, ids }) => redis.hmget(key, ...ids))]);
  const [seconds, micros] = time.map(Number) as [number, number];
  const entries = found.flatMap((jsons, group) =>
    jsons.flatMap((json, index) => (json === null ? [] : [entryOf(groups[group]!.ids[index]!, json)])),
  );
  return { entries, now: seconds * 1000 + Math.floor(micros / 1000) };
}

const userOf = ({ userId }: { readonly userId: string }): string => userId;
const itself = (userId: string): string => userId;

const changesOf = (replies: readonly unknown[]): readonly PresenceChange[] =>
  (replies as string[][]).flat().map((json) => JSON.parse(json));

/** An entry as core knows it. */
function entryOf(userId: string, json: string): Entry {
  const kept = JSON.parse(json);
  // Not spread: so an entry would take two and a half times as long, and those of a large room are read at once.
  return Object.assign(unknown(userId), kept, { nodes: new Map(Object.entries(kept.nodes)) });
}
