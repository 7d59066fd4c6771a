/** What tests of a registry play on: two nodes' views of it, people who come and go, and somebody who sweeps. */
import { randomUUID } from "node:crypto";
import type {
  Arrival,
  ExternalPresence,
  PresenceChange,
  PresenceRegistry,
  PresenceRow,
  PresenceTiming,
} from "@signalbox/core/ports/presence-registry";
import { clusterNodes, holds, memoryNodes, type Nodes, redisNodes } from "./engine-nodes.ts";

/** A grace in which a busy machine still makes two calls. */
export const TIMING: PresenceTiming = { graceMs: 500, idleMs: 1000, holdMs: 1000, keepMs: 700 };
export const LONG_MS = 60_000;
/** Two clocks of this machine may tell one moment so differently. */
export const SLACK_MS = 5;

export const factories = [
  { name: "in-process", start: memoryNodes },
  { name: "Redis", start: redisNodes },
  { name: "Redis Cluster", start: clusterNodes },
];

export const person = (): string => `@${randomUUID()}:example.org`;
/** Busy, unless it is said: who is busy does not become idle while a test looks elsewhere. */
export const arrival = (userId: string, more: Partial<Arrival> = {}): Arrival => ({
  userId,
  choice: "busy",
  choiceVersion: 1,
  idleForMs: 0,
  ...more,
});

/** Calls of the near node, whose changes count as told; what they did is read on the far one. */
export class Stage {
  readonly nodes: Nodes;
  readonly near: PresenceRegistry;
  readonly far: PresenceRegistry;
  readonly sweeper: Sweeper;

  constructor(nodes: Nodes, near: PresenceRegistry, far: PresenceRegistry) {
    this.nodes = nodes;
    this.near = near;
    this.far = far;
    this.sweeper = new Sweeper(far);
  }

  async stop(): Promise<void> {
    await this.sweeper.stop();
    await this.nodes.stop();
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

  async vouch(word: ExternalPresence): Promise<readonly PresenceChange[]> {
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

  /** Somebody with a session on a node of their own. */
  async present(more: Partial<Arrival> = {}): Promise<{ userId: string; node: string; change: PresenceChange }> {
    const [userId, node] = [person(), await this.open()];
    const [change] = await this.enter(node, arrival(userId, more));
    return { userId, node, change: change! };
  }

  /** Everything that there is to tell now, by user. */
  async settled(): Promise<ReadonlyMap<string, PresenceChange>> {
    return new Map((await this.far.settle()).map((change) => [change.userId, change]));
  }

  private async told(changes: readonly PresenceChange[]): Promise<readonly PresenceChange[]> {
    await this.near.announced(changes);
    return changes;
  }
}

/** Two nodes with the timing of these tests, and sweeps. */
export async function setStage(start: () => Promise<Nodes>): Promise<Stage> {
  const nodes = await start();
  const [near, far] = await nodes.open(TIMING);
  const stage = new Stage(nodes, near.engine.presence, far.engine.presence);
  stage.sweeper.start();
  return stage;
}

/** Settles all the time, as gateways do, and remembers what there was to tell. */
class Sweeper {
  private readonly registry: PresenceRegistry;
  private readonly swept: PresenceChange[] = [];
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

  /** What sweeps brought of a user. */
  of(userId: string): readonly PresenceChange[] {
    return this.swept.filter((change) => change.userId === userId);
  }

  /** The first that sweeps say of a user after `version`. */
  async next(userId: string, version: number): Promise<PresenceChange> {
    const later = () => this.of(userId).find((change) => change.version > version);
    await holds(() => later() !== undefined);
    return later()!;
  }

  private async sweep(): Promise<void> {
    while (!this.stopped) {
      const changes = await this.registry.settle();
      await this.registry.announced(changes);
      this.swept.push(...changes);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }
}
