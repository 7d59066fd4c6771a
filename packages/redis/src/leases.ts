/** The leases of nodes, in Lua scripts with a typed method each. All methods reject as those of `Commands`. */
import type { ExpiredNode } from "@signalbox/core/ports/presence-registry";
import { type Commands, load } from "./commands.ts";
import { LEASE_KEYS } from "./keys.ts";

const open = load("open_lease");
const renew = load("renew_lease");
const claim = load("claim_lease");
const list = load("list_leases");
const end = load("end_lease");

/** Expired nodes in one reply, at most. */
const MOST_EXPIRED = 100;

export class Leases {
  private readonly commands: Commands;

  constructor(commands: Commands) {
    this.commands = commands;
  }

  /** As `PresenceRegistry.open`. */
  async open(node: string, ttlMs: number): Promise<void> {
    await this.commands.run(open, LEASE_KEYS, [node, Math.ceil(ttlMs)]);
  }

  /** As `PresenceRegistry.renew`. */
  async renew(node: string, ttlMs: number): Promise<{ held: boolean; expired: readonly ExpiredNode[] }> {
    const reply = await this.commands.run(renew, LEASE_KEYS, [node, Math.ceil(ttlMs), MOST_EXPIRED]);
    const [held, expired] = reply as [held: number, expired: (string | number)[]];
    return { held: held === 1, expired: [...pairs(expired)].map(([name, forMs]) => ({ node: name, forMs })) };
  }

  /** As `PresenceRegistry.claim`. */
  async claim(node: string, ttlMs: number): Promise<boolean> {
    return (await this.commands.run(claim, LEASE_KEYS, [node, Math.ceil(ttlMs)])) === 1;
  }

  /** The milliseconds until the end of each node's lease; negative after the end. */
  async list(): Promise<ReadonlyMap<string, number>> {
    return new Map(pairs((await this.commands.run(list, LEASE_KEYS, [])) as (string | number)[]));
  }

  /** Forgets a node. */
  async end(node: string): Promise<void> {
    await this.commands.run(end, LEASE_KEYS, [node]);
  }
}

/** Nodes, each with the milliseconds that follow it. */
function* pairs(reply: readonly (string | number)[]): Generator<[node: string, ms: number]> {
  for (let index = 0; index < reply.length; index += 2) yield [String(reply[index]), Number(reply[index + 1])];
}
