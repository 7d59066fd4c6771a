/** The stage of a presence suite: two nodes' views of the registry, users with sessions, and sweeps. */
import { randomUUID } from "node:crypto";
import { setTimeout } from "node:timers/promises";
import type {
  Arrival,
  ExternalPresence,
  PresenceChange,
  PresenceRegistry,
  PresenceRow,
  PresenceTiming,
} from "@signalbox/core/ports/presence-registry";
import { holds, type Nodes } from "./engine-nodes.ts";

export const LONG_MS = 60_000;
/** Two clocks of this machine may tell one moment so differently. */
export const SLACK_MS = 5;
/** The pause between two sweeps. */
const SWEEP_MS = 20;

// A test waits for the end of a time, and takes what it measures from versions, which are times of the server. Calls that must
// come before an end get a long one: on a busy machine a call may take as long as a short grace.

/** Times to be waited for. No test presumes that a call is made before one of them is over. */
export const BRISK: PresenceTiming = { graceMs: 500, idleMs: 1000, holdMs: 1000, keepMs: LONG_MS };
/** A grace in which a busy machine still makes a few calls, and a hold that ends as much later. */
export const PATIENT: PresenceTiming = { graceMs: 3000, idleMs: LONG_MS, holdMs: 6000, keepMs: LONG_MS };
/** The same, and an offline user is forgotten soon. */
export const FORGETFUL: PresenceTiming = { ...BRISK, keepMs: 700 };

export const person = (): string => `@${randomUUID()}:example.org`;
/** Busy, unless a test says otherwise: a busy user does not become idle meanwhile. */
export const arrival = (userId: string, more: Partial<Arrival> = {}): Arrival => ({
  userId,
  choice: "busy",
  choiceVersion: 1,
  idleForMs: 0,
  ...more,
});

/** Calls of the near node, with their changes counted as told; their effects are read on the far one. */
export class Stage {
  readonly near: PresenceRegistry;
  readonly far: PresenceRegistry;
  readonly sweeper: Sweeper;

  constructor(near: PresenceRegistry, far: PresenceRegistry) {
    this.near = near;
    this.far = far;
    this.sweeper = new Sweeper(far);
  }

  /** A new node with a lease. */
  async open(ttlMs = LONG_MS): Promise<string> {
    const node = randomUUID();
    await this.near.open(node, ttlMs);
    return node;
  }

  async enter(node: string, ...arrivals: readonly Arrival[]): Promise<readonly PresenceChange[]> {
    return this.told(await this.near.enter(node, arrivals));
  }

  async leave(node: string, userId: string, idleForMs = 0): ReturnType<PresenceRegistry["leave"]> {
    const { changes, gone } = await this.near.leave(node, [{ userId, idleForMs }]);
    return { changes: await this.told(changes), gone };
  }

  async touch(userId: string, idleForMs = 0): Promise<readonly PresenceChange[]> {
    return this.told(await this.near.touch([{ userId, idleForMs }]));
  }

  async setExternal(word: ExternalPresence): Promise<readonly PresenceChange[]> {
    return this.told(await this.near.setExternal([word]));
  }

  async choose(
    userId: string,
    choice: Arrival["choice"],
    choiceVersion: number,
  ): ReturnType<PresenceRegistry["choose"]> {
    const { row, changes } = await this.near.choose({ userId, choice, choiceVersion });
    return { row, changes: await this.told(changes) };
  }

  async read(userId: string): Promise<PresenceRow | undefined> {
    return (await this.far.read([userId])).get(userId);
  }

  /** A user with a session on a node of their own. */
  async present(more: Partial<Arrival> = {}): Promise<{ userId: string; node: string; change: PresenceChange }> {
    const [userId, node] = [person(), await this.open()];
    const [change] = await this.enter(node, arrival(userId, more));
    return { userId, node, change: change! };
  }

  /** All that there is to tell now, by user. */
  async settled(): Promise<ReadonlyMap<string, PresenceChange>> {
    return new Map((await this.far.settle()).map((change) => [change.userId, change]));
  }

  private async told(changes: readonly PresenceChange[]): Promise<readonly PresenceChange[]> {
    await this.near.announced(changes);
    return changes;
  }
}

/** Two nodes with this timing. Sweeps begin with the sweeper's start. */
export async function setStage(nodes: Nodes, timing: PresenceTiming): Promise<Stage> {
  const [near, far] = await nodes.open(timing);
  return new Stage(near.engine.presence, far.engine.presence);
}

/** Settles all the time, as gateways do, and keeps the changes. */
class Sweeper {
  private readonly registry: PresenceRegistry;
  /** The changes that sweeps brought, by user. */
  private readonly swept = new Map<string, PresenceChange[]>();
  private sweeping: Promise<void> | undefined;
  private stopped = false;

  constructor(registry: PresenceRegistry) {
    this.registry = registry;
  }

  start(): void {
    this.sweeping = this.sweep();
  }

  async stop(): Promise<void> {
    this.stopped = true;
    await this.sweeping;
  }

  /** The changes of a user after `version` that sweeps brought so far. */
  after(userId: string, version: number): readonly PresenceChange[] {
    return (this.swept.get(userId) ?? []).filter((change) => change.version > version);
  }

  /** The first change of a user after `version` that a sweep brings. */
  async next(userId: string, version: number): Promise<PresenceChange> {
    await holds(() => this.after(userId, version).length > 0);
    return this.after(userId, version)[0]!;
  }

  private async sweep(): Promise<void> {
    while (!this.stopped) {
      const changes = await this.registry.settle();
      await this.registry.announced(changes);
      for (const change of changes) this.swept.set(change.userId, [...(this.swept.get(change.userId) ?? []), change]);
      await setTimeout(SWEEP_MS);
    }
  }
}
