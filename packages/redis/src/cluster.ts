import { setTimeout as sleep } from "node:timers/promises";
import type { Redis } from "ioredis";
import { type Address, ANSWER_MS, askOnce, within } from "./connection.ts";
import { SLOTS, slotOf } from "./slots.ts";
import { Link, type LinkEvents, nameOf, type Topology } from "./topology.ts";

/** The least time between two looks, in milliseconds: a moving slot makes many commands fail at once. */
const PAUSE_MS = 100;
/** How many nodes are asked at a time: one alone may be the one that was away and does not know yet. */
const ASKED = 3;
/** The known nodes are looked at every so many beats although nothing seems wrong. */
const LOOK_BEATS = 2;
const MOST_KNOWN = 64;

interface SlotRange {
  readonly from: number;
  readonly to: number;
  readonly primary: Address;
}

/** What one node takes for true. */
interface View {
  /** Grows with every failover: of two views, the higher one is the newer. */
  readonly epoch: number;
  readonly ranges: readonly SlotRange[];
  readonly nodes: readonly Address[];
}

/**
 * The primaries of a Redis Cluster, found through `seeds` and followed as they change. `changed` is called whenever a slot
 * has another owner than before.
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
  /** The last look and the pause after it; and the one that follows, when somebody wants one. */
  private current: Promise<void> = Promise.resolve();
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
    // A look that has begun may have seen the time before: those who come now wait for the next.
    this.next ??= this.current.then(() => {
      this.next = undefined;
      const look = this.learn().catch((error: unknown) => {
        this.events.log("No node of the Redis Cluster can be reached", error instanceof Error ? error : undefined);
      });
      this.current = look.then(() => sleep(PAUSE_MS, undefined, { ref: false }));
      return look;
    });
    return this.next;
  }

  beat(): void {
    for (const link of this.primaries.values()) void link.commands.beat();
    this.beats = (this.beats + 1) % LOOK_BEATS;
    if (this.beats === 0 || !this.complete()) void this.refresh();
  }

  async close(): Promise<void> {
    this.closed = true;
    await Promise.all(this.links().map((link) => link.close()));
  }

  private async learn(): Promise<void> {
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
    // First, so that nothing is left on the connections that end now.
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

  /** Over the connections at hand; when nobody answers there, from all nodes that were ever named. */
  private async newestView(): Promise<View> {
    const up = shuffled([...this.primaries]).filter(([, link]) => link.commands.up);
    const near = await newest(
      up.slice(0, ASKED).map(([name, link]) => within(ANSWER_MS, viewOf(link.commands.redis, name))),
    );
    if (near !== undefined) return near;
    const addresses = new Map([...this.seeds, ...this.known].map((address) => [nameOf(address), address]));
    const far = await newest([...addresses].map(([name, address]) => askOnce(address, (redis) => viewOf(redis, name))));
    if (far !== undefined) return far;
    throw new Error("none of the known nodes answered");
  }
}

async function newest(asked: readonly Promise<View>[]): Promise<View | undefined> {
  const answers = await Promise.allSettled(asked);
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

/** The view of a node that was reached under the address `name`. */
async function viewOf(redis: Redis, name: string): Promise<View> {
  const [info, slots] = await Promise.all([redis.cluster("INFO"), redis.cluster("SLOTS")]);
  const epoch = Number(/cluster_current_epoch:(\d+)/.exec(String(info))?.[1] ?? 0);
  // A node that does not know its own address, or may not tell, means the one under which it was asked.
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
