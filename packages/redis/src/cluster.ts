import { setTimeout as sleep } from "node:timers/promises";
import type { Redis } from "ioredis";
import { type Address, ANSWER_MS, queryOnce, within } from "./connection.ts";
import { SLOTS, slotOf } from "./slots.ts";
import { Link, type LinkEvents, nameOf, type Topology } from "./topology.ts";

/** The least time between two refreshes, in milliseconds: a moving slot makes many commands fail at once. */
const PAUSE_MS = 100;
/** The nodes of which a refresh reads the slots: a single one may have been away and be out of date. */
const NODES_READ = 3;
/** The beats between two refreshes while nothing seems wrong. */
const REFRESH_BEATS = 2;
const MOST_KNOWN = 64;

interface SlotRange {
  readonly from: number;
  readonly to: number;
  readonly primary: Address;
}

/** The cluster as one node knows it. */
interface View {
  /** Grows with every failover: of two views, the one with the higher epoch is the newer. */
  readonly epoch: number;
  readonly ranges: readonly SlotRange[];
  readonly nodes: readonly Address[];
}

/**
 * The primaries of a Redis Cluster, found through `seeds`, and kept up to date. `changed` is called when a slot has
 * another owner.
 */
export class ClusterTopology implements Topology {
  readonly sharded = true;
  private readonly seeds: readonly Address[];
  private readonly events: LinkEvents;
  private readonly changed: () => void;
  private readonly primaries = new Map<string, Link>();
  private table: readonly (Link | undefined)[] = [];
  private known: readonly Address[] = [];
  private covered: boolean = false;
  /** The last refresh with the pause after it. */
  private current: Promise<void> = Promise.resolve();
  /** The refresh after that one, when one is due. */
  private next: Promise<void> | undefined;
  private beats = 0;
  private closed: boolean = false;

  constructor(seeds: readonly Address[], events: LinkEvents, changed: () => void) {
    this.seeds = seeds;
    this.events = events;
    this.changed = changed;
    void this.refresh();
  }

  owner(name: string): Link | undefined {
    return this.table[slotOf(name)];
  }

  links(): readonly Link[] {
    return [...this.primaries.values()];
  }

  complete(): boolean {
    return this.covered && this.links().every((link) => link.commands.up);
  }

  refresh(): Promise<void> {
    // A refresh under way may have read older slots: callers wait for the next one.
    this.next ??= this.current.then(() => {
      this.next = undefined;
      const refreshed = this.readSlots().catch((error: unknown) => {
        this.events.log("No node of the Redis Cluster can be reached", error instanceof Error ? error : undefined);
      });
      this.current = refreshed.then(() => sleep(PAUSE_MS, undefined, { ref: false }));
      return refreshed;
    });
    return this.next;
  }

  beat(): void {
    for (const link of this.primaries.values()) void link.commands.beat();
    this.beats = (this.beats + 1) % REFRESH_BEATS;
    if (this.beats === 0 || !this.complete()) void this.refresh();
  }

  async close(): Promise<void> {
    this.closed = true;
    await Promise.all(this.links().map((link) => link.close()));
  }

  private async readSlots(): Promise<void> {
    const view = await this.newestView();
    if (this.closed) return;
    this.known = view.nodes.slice(0, MOST_KNOWN);
    const table = Array.from<Link | undefined>({ length: SLOTS });
    const owners = new Set<string>();
    for (const { from, to, primary } of view.ranges) {
      owners.add(nameOf(primary));
      table.fill(this.linkTo(primary), from, to + 1);
    }
    const changed = table.some((link, slot) => link !== this.table[slot]);
    this.table = table;
    this.covered = !table.includes(undefined);
    // Called first, so that no subscription is left on the connections that end now.
    if (changed) this.changed();
    this.closeAllBut(owners);
  }

  private linkTo(primary: Address): Link {
    const name = nameOf(primary);
    const link = this.primaries.get(name) ?? new Link(primary, this.events);
    this.primaries.set(name, link);
    return link;
  }

  private closeAllBut(owners: ReadonlySet<string>): void {
    for (const [name, link] of this.primaries) {
      if (owners.has(name)) continue;
      this.primaries.delete(name);
      void link.close();
    }
  }

  /** The newest view, read over open connections; without an answer there, from the seeds and the nodes of the last view. */
  private async newestView(): Promise<View> {
    const up = shuffled([...this.primaries]).filter(([, link]) => link.commands.up);
    const near = await newest(
      up.slice(0, NODES_READ).map(([name, link]) => within(ANSWER_MS, viewOf(link.commands.redis, name))),
    );
    if (near !== undefined) return near;
    const addresses = new Map([...this.seeds, ...this.known].map((address) => [nameOf(address), address]));
    const far = await newest(
      [...addresses].map(([name, address]) => queryOnce(address, (redis) => viewOf(redis, name))),
    );
    if (far !== undefined) return far;
    throw new Error("none of the known nodes answered");
  }
}

async function newest(reads: readonly Promise<View>[]): Promise<View | undefined> {
  const answers = await Promise.allSettled(reads);
  const views = answers.flatMap((answer) => (answer.status === "fulfilled" ? [answer.value] : []));
  return views.reduce<View | undefined>(
    (best, view) => (best !== undefined && best.epoch >= view.epoch ? best : view),
    undefined,
  );
}

type SlotsReply = readonly (readonly [
  from: number,
  to: number,
  ...nodes: (readonly [host: string | null, port: number])[],
])[];

/** The view of the node at the address `name`. */
async function viewOf(redis: Redis, name: string): Promise<View> {
  const [info, slots] = await Promise.all([redis.cluster("INFO"), redis.cluster("SLOTS")]);
  const epoch = Number(/cluster_current_epoch:(\d+)/.exec(String(info))?.[1] ?? 0);
  // A node that does not know its own address, or hides it, is at the address where it was reached.
  const own = name.slice(0, name.lastIndexOf(":"));
  const rows = (slots as unknown as SlotsReply).map(([from, to, ...nodes]) => ({
    from,
    to,
    nodes: nodes.map(([host, port]) => ({ host: host || own, port })),
  }));
  if (rows.length === 0) throw new Error("the node serves no slots");
  return {
    epoch,
    ranges: rows.flatMap(({ from, to, nodes: [primary] }) => (primary === undefined ? [] : [{ from, to, primary }])),
    nodes: rows.flatMap(({ nodes }) => nodes),
  };
}

function shuffled<T>(items: readonly T[]): readonly T[] {
  return items
    .map((item) => [Math.random(), item] as const)
    .sort(([a], [b]) => a - b)
    .map(([, item]) => item);
}
