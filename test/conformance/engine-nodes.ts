/** Engines under test, each with a listener, in the three ways in which they are built. */
import { randomUUID } from "node:crypto";
import { createMemoryEngine } from "@signalbox/core/memory/engine";
import type { Bytes } from "@signalbox/core/model/bytes";
import { systemClock } from "@signalbox/core/ports/clock";
import type { Engine } from "@signalbox/core/ports/engine";
import { DEFAULT_TIMING, type PresenceTiming } from "@signalbox/core/ports/presence-registry";
import type { Channel } from "@signalbox/core/ports/pub-sub";
import { type Redis, startRedis, startRedisCluster } from "@signalbox/infra/redis";
import { createRedisEngine, type RedisEngine } from "@signalbox/redis/engine";
import { vi } from "vitest";

/** An engine and the publications that its listener heard. */
export class TestNode<E extends Engine = Engine> {
  readonly engine: E;
  readonly received: { readonly channel: Channel; readonly payload: Bytes }[] = [];
  readonly restored: Channel[] = [];

  constructor(engine: E) {
    this.engine = engine;
    engine.pubSub.listen({
      message: (channel, payload) => void this.received.push({ channel, payload }),
      restored: (channels) => void this.restored.push(...channels),
    });
  }

  /** The payloads that came by on a channel so far. */
  on({ kind, id }: Channel): readonly Bytes[] {
    return this.received
      .filter(({ channel }) => channel.kind === kind && channel.id === id)
      .map(({ payload }) => payload);
  }
}

export interface Nodes {
  /** Two nodes of one deployment, connected; in one process they are the same. */
  open(timing?: PresenceTiming): Promise<readonly [TestNode, TestNode]>;
  /** The servers behind them, if any. */
  readonly redis?: Redis;
  stop(): Promise<void>;
}

/** Every engine there is. A suite runs over each of them, on servers of its own. */
export const engines = [
  { name: "in-process", start: memoryNodes },
  { name: "Redis", start: async () => nodesOn(await startRedis()) },
  { name: "Redis Cluster", start: async () => nodesOn(await startRedisCluster()) },
];

async function memoryNodes(): Promise<Nodes> {
  const opened: TestNode[] = [];
  return {
    open: async (timing) => {
      const node = new TestNode(createMemoryEngine(systemClock, timing));
      opened.push(node);
      return [node, node];
    },
    stop: async () => void (await Promise.all(opened.map(({ engine }) => engine.close()))),
  };
}

function nodesOn(redis: Redis): Nodes {
  const opened: TestNode[] = [];
  const open = async (timing?: PresenceTiming) => {
    const node = await openNode(redis.url, timing);
    opened.push(node);
    return node;
  };
  return {
    redis,
    open: async (timing) => [await open(timing), await open(timing)],
    stop: async () => {
      await Promise.all(opened.map(({ engine }) => engine.close()));
      await redis.stop();
    },
  };
}

/** A node on Redis, connected. */
export async function openNode(url: string, timing: PresenceTiming = DEFAULT_TIMING): Promise<TestNode<RedisEngine>> {
  const node = new TestNode(createRedisEngine({ url, timing }));
  await holds(() => node.engine.pubSub.connected());
  return node;
}

/** Resolves when `condition` holds. */
export const holds = (condition: () => boolean | Promise<boolean>, timeout = 20_000): Promise<void> =>
  vi.waitFor(
    async () => {
      if (!(await condition())) throw new Error(`This never held: ${condition}`);
    },
    { timeout, interval: 20 },
  );

export const room = (): Channel => ({ kind: "room", id: randomUUID() });
export const user = (): Channel => ({ kind: "user", id: `@${randomUUID()}:example.org` });

/** So many rooms: in a cluster, some on every primary. */
export const rooms = (count: number): readonly Channel[] => Array.from({ length: count }, room);
