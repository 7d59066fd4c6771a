/** Presence in Redis: `lua/presence.lua` keeps the state of one user, `leases.ts` the leases of nodes. */

import { chunksOf, groupBy } from "@signalbox/core/model/groups";
import type {
  Activity,
  Arrival,
  ExternalPresence,
  PresenceChange,
  PresenceRegistry,
  PresenceRow,
  PresenceTiming,
} from "@signalbox/core/ports/presence-registry";
import { type Entry, hasOnlyDeadNodes, rowOf, unknown } from "@signalbox/core/presence/state";
import { Problem } from "@signalbox/protocol/errors";
import type { Redis } from "ioredis";
import { type Commands, load, type Script } from "./commands.ts";
import { BUCKETS, bucketOf, endedKey, nodeKey, presenceKeys } from "./keys.ts";
import { Leases } from "./leases.ts";

const enter = load("enter_presence", "presence");
const leave = load("leave_presence", "presence");
const setExternal = load("set_external_presence", "presence");
const touch = load("touch_presence", "presence");
const choose = load("choose_presence", "presence");
const settle = load("settle_presence", "presence");
const announced = load("announced_presence", "presence");
const endNode = load("end_node_presence", "presence");

/** Users in one round trip, at most: each costs 10 µs, and one server may have all of them. */
const MOST_AT_ONCE = 5000;
/** Users of a bucket in one run of `settle` or `endNode`, at most: the scripts of all buckets run at the same time. */
const MOST_OF_BUCKET = 200;
/** The time for which an ended node is remembered, in milliseconds: a node that was frozen may come back late and enter users. */
const ENDED_MS = 3_600_000;

const ALL_BUCKETS = Array.from({ length: BUCKETS }, (_, bucket) => bucket);

/** The presence registry that all nodes share. Times are the servers' own; times of two servers are never compared. */
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
    await Promise.all(ALL_BUCKETS.map((bucket) => this.endNodeIn(bucket, node, forMs)));
    // Last, so that after a failure another claim ends the rest.
    await this.leases.end(node);
  }

  async enter(node: string, arrivals: readonly Arrival[]): Promise<readonly PresenceChange[]> {
    const replies = await inBuckets(arrivals, (bucket, group) => {
      const keys = [nodeKey(bucket, node), endedKey(bucket, node)];
      return this.run(enter, bucket, { keys, args: [node, JSON.stringify(group)] });
    });
    if (replies.includes(null)) throw new Problem("unavailable", "This node's lease is gone");
    return changesOf(replies);
  }

  async leave(node: string, departures: readonly Activity[]): ReturnType<PresenceRegistry["leave"]> {
    const replies = await inBuckets(departures, (bucket, group) =>
      this.run(leave, bucket, { keys: [nodeKey(bucket, node)], args: [node, JSON.stringify(group)] }),
    );
    const left = replies as [changes: string[], gone: string[]][];
    return { changes: changesOf(left.map(([changes]) => changes)), gone: left.flatMap(([, gone]) => gone) };
  }

  async setExternal(presences: readonly ExternalPresence[]): Promise<readonly PresenceChange[]> {
    return changesOf(
      await inBuckets(presences, (bucket, group) => this.run(setExternal, bucket, { args: [JSON.stringify(group)] })),
    );
  }

  async touch(activities: readonly Activity[]): Promise<readonly PresenceChange[]> {
    return changesOf(
      await inBuckets(activities, (bucket, group) => this.run(touch, bucket, { args: [JSON.stringify(group)] })),
    );
  }

  async choose(choice: Omit<Arrival, "idleForMs">): ReturnType<PresenceRegistry["choose"]> {
    const live = [...(await this.leases.list())].flatMap(([node, leftMs]) => (leftMs > 0 ? [node] : []));
    const reply = await this.run(choose, bucketOf(choice.userId), {
      args: [JSON.stringify(choice), JSON.stringify(live)],
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
    await inBuckets(versions, (bucket, group) => this.run(announced, bucket, { args: [JSON.stringify(group)] }));
  }

  async read(userIds: readonly string[]): Promise<ReadonlyMap<string, PresenceRow>> {
    // Sent together: the leases cost no round trip of their own.
    const [leases, known] = await Promise.all([this.leases.list(), this.fetch([...new Set(userIds)])]);
    const isDead = (node: string) => (leases.get(node) ?? -Infinity) < -this.timing.graceMs;
    const rows = new Map<string, PresenceRow>();
    for (const { entries, now } of known)
      for (const entry of entries) {
        const row = rowOf(entry);
        rows.set(row.userId, hasOnlyDeadNodes(entry, now, isDead) ? { ...row, own: "offline", shown: "offline" } : row);
      }
    return rows;
  }

  async close(node: string): Promise<void> {
    // All users have left. A user that failed to leave would be online for ever.
    await this.endNode(node, this.timing.graceMs);
  }

  /** The entries of the known users, by server: each list has the time of its server's clock. */
  private async fetch(userIds: readonly string[]): Promise<readonly Known[]> {
    const groups = chunksOf(userIds, MOST_AT_ONCE).flatMap((chunk) =>
      [...groupBy(chunk, bucketOf)].map(([bucket, ids]): Group => ({ key: presenceKeys(bucket)[0], ids })),
    );
    const servers = groupBy(groups, ({ key }) => this.commands.serverOf(key));
    return (await Promise.all([...servers.values()].map((of) => this.readFrom(of)))).flat();
  }

  /**
   * Reads all buckets of one server, and its time, as one call: each command alone would have a timeout and a retry of
   * its own.
   */
  private async readFrom(groups: readonly Group[]): Promise<readonly Known[]> {
    const [first] = groups;
    if (first === undefined) return [];
    try {
      // Not a script: a read need not be atomic, and a script takes the server three times as long.
      return [await this.commands.send(first.key, (redis) => readGroups(redis, groups))];
    } catch (error) {
      if (groups.length === 1) throw error;
      // Some buckets may have moved, each to another server.
      return (await Promise.all(groups.map((group) => this.readFrom([group])))).flat();
    }
  }

  private async endNodeIn(bucket: number, node: string, forMs: number): Promise<void> {
    const keys = [nodeKey(bucket, node), endedKey(bucket, node)];
    const args = [node, forMs, MOST_OF_BUCKET, ENDED_MS];
    while (Number(await this.run(endNode, bucket, { keys, args })) > 0);
  }

  private run(
    script: Script,
    bucket: number,
    { keys = [], args }: { keys?: readonly string[]; args: readonly (string | number)[] },
  ): Promise<unknown> {
    return this.commands.run(script, [...presenceKeys(bucket), ...keys], [JSON.stringify(this.timing), ...args]);
  }
}

/** Calls `run` once for each bucket with its items, for all buckets at the same time; very many items in several rounds. */
async function inBuckets<T extends { readonly userId: string }, R>(
  items: readonly T[],
  run: (bucket: number, group: readonly T[]) => Promise<R>,
): Promise<readonly R[]> {
  const replies: R[] = [];
  for (const chunk of chunksOf(items, MOST_AT_ONCE)) {
    const groups = groupBy(chunk, ({ userId }) => bucketOf(userId));
    replies.push(...(await Promise.all([...groups].map(([bucket, group]) => run(bucket, group)))));
  }
  return replies;
}

/** Users of one bucket, with their entries at `key`. */
interface Group {
  readonly key: string;
  readonly ids: readonly string[];
}

/** Entries of one server, and its time: milliseconds since the epoch. */
interface Known {
  readonly entries: readonly Entry[];
  readonly now: number;
}

async function readGroups(redis: Redis, groups: readonly Group[]): Promise<Known> {
  const [time, ...found] = await Promise.all([redis.time(), ...groups.map(({ key, ids }) => redis.hmget(key, ...ids))]);
  const [seconds, micros] = time.map(Number) as [number, number];
  const entries = found.flatMap((jsons, group) =>
    jsons.flatMap((json, index) => (json === null ? [] : [entryOf(groups[group]!.ids[index]!, json)])),
  );
  return { entries, now: seconds * 1000 + Math.floor(micros / 1000) };
}

const changesOf = (replies: readonly unknown[]): readonly PresenceChange[] =>
  (replies as string[][]).flat().map((json) => JSON.parse(json));

/** An entry in the form of core's state machine. */
function entryOf(userId: string, json: string): Entry {
  const kept = JSON.parse(json);
  // Not spread, which takes two and a half times as long: all entries of a large room are read at once.
  return Object.assign(unknown(userId), kept, { nodes: new Map(Object.entries(kept.nodes)) });
}
