/** Failures of an engine's servers: connections cut, servers killed, frozen, replaced, slots moved. */
import { randomUUID } from "node:crypto";
import type { Channel } from "@signalbox/core/ports/pub-sub";
import { type Redis, type RedisCluster, startRedisCluster } from "@signalbox/infra/redis";
import { createRedisEngine, type RedisEngine } from "@signalbox/redis/engine";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { engines, holds, type Nodes, openNode, room, rooms, TestNode, user } from "./engine-nodes.ts";

type Node = TestNode<RedisEngine>;

/** Publishes to every channel until each was heard once more; resolves with how long that took, in milliseconds. */
async function allHeard(from: Node, to: Node, channels: readonly Channel[]): Promise<number> {
  const began = performance.now();
  const token = randomUUID();
  const deaf = new Map(channels.map((channel) => [channel.id, channel]));
  let seen = to.received.length;
  await holds(() => {
    for (; seen < to.received.length; seen++) {
      const { channel, payload } = to.received[seen]!;
      if (payload === token) deaf.delete(channel.id);
    }
    for (const channel of deaf.values()) from.engine.pubSub.publish(channel, token);
    return deaf.size === 0;
  });
  return performance.now() - began;
}

/** Resolves when each of `channels` was reported as restored, and forgets the reports. */
async function allRestored(node: Node, channels: readonly Channel[]): Promise<void> {
  await holds(() => {
    const ids = new Set(node.restored.map(({ id }) => id));
    return channels.every(({ id }) => ids.has(id));
  });
  node.restored.length = 0;
}

async function took(work: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  await work();
  return performance.now() - began;
}

/** Expects that, while no server answers, nothing throws and nothing waits. */
async function expectAway({ engine }: Node): Promise<void> {
  const lost = engine.lost();
  const id = user().id;
  engine.pubSub.publish(room(), "lost");
  engine.typing.start(randomUUID(), "ada", 1000);
  engine.typing.stop(randomUUID(), "ada");
  // At once, or when a socket that is not known to be dead yet says so.
  await holds(() => engine.lost() > lost);
  expect(engine.lost()).toBe(lost + 1);
  const asked = engine.typing.list([randomUUID()]);
  expect(await took(() => expect(asked).rejects.toMatchObject({ code: "unavailable" }))).toBeLessThan(1000);
  const taken = engine.rateTokens.take(id, 4, 0.01, 5);
  expect(await took(() => expect(taken).rejects.toMatchObject({ code: "unavailable" }))).toBeLessThan(1000);
}

describe.each(engines)("the $name engine", ({ start }) => {
  let nodes: Nodes;
  let redis: Redis;
  let near: Node;
  let far: Node;
  const channels = [...rooms(60), user()];

  beforeAll(async () => {
    nodes = await start();
    if (nodes.redis === undefined) return;
    ({ redis } = nodes);
    [near, far] = await Promise.all([openNode(redis.url), openNode(redis.url)]);
    await far.engine.pubSub.subscribe(channels);
  });
  beforeEach(({ skip }) => {
    skip(nodes.redis === undefined, "There is no server that could fail: this engine is never away and loses nothing.");
  });
  afterAll(async () => {
    if (nodes.redis !== undefined) await Promise.all([near, far].map(({ engine }) => engine.close()));
    await nodes.stop();
  });

  test("a first subscription is no restoration", async () => {
    await allHeard(near, far, channels);
    expect(far.restored).toEqual([]);
  });

  test("cut connections come back, and their channels are reported as restored", async () => {
    for (const node of redis.nodes) await node.command("CLIENT", "KILL", "TYPE", "pubsub");
    for (const node of redis.nodes) await node.command("CLIENT", "KILL", "TYPE", "normal");
    await allRestored(far, channels);
    await allHeard(near, far, channels);
  });

  test("a channel that was given up while the connection was cut stays silent", async () => {
    const [given, ...others] = rooms(30);
    await far.engine.pubSub.subscribe([given!, ...others]);
    for (const node of redis.nodes) await node.command("CLIENT", "KILL", "TYPE", "pubsub");
    far.engine.pubSub.unsubscribe([given!]);
    await allRestored(far, others);
    near.engine.pubSub.publish(given!, "unheard");
    await allHeard(near, far, others);
    expect(far.on(given!)).toEqual([]);
    far.engine.pubSub.unsubscribe(others);
  });

  test("servers that freeze make nothing wait, keep the engine small, and are noticed when they go on", async () => {
    redis.pause();
    const lost = near.engine.lost();
    const megabyte = "x".repeat(1024 * 1024);
    for (let count = 0; count < 20; count++) near.engine.pubSub.publish(channels[0]!, megabyte);
    expect(near.engine.lost() - lost).toBeGreaterThanOrEqual(12);
    const id = user().id;
    const taken = near.engine.rateTokens.take(id, 1, 1, 5);
    expect(await took(() => expect(taken).rejects.toMatchObject({ code: "unavailable" }))).toBeLessThan(1000);
    await holds(() => !near.engine.pubSub.connected() && !far.engine.pubSub.connected());
    await expectAway(near);
    redis.resume();
    expect(await took(() => holds(() => near.engine.pubSub.connected() && far.engine.pubSub.connected()))).toBeLessThan(
      1000,
    );
    await allHeard(near, far, channels);
  });

  test("an outage of every server makes nothing wait but subscriptions, which begin with the return", async () => {
    await redis.kill();
    await holds(() => !near.engine.pubSub.connected() && !far.engine.pubSub.connected());
    far.restored.length = 0;
    await expectAway(near);
    const [late, given] = [room(), room()];
    let subscribed = false;
    const waiting = far.engine.pubSub.subscribe([late, given]).then(() => {
      subscribed = true;
    });
    far.engine.pubSub.unsubscribe([given]);
    // An engine that begins in the outage finds its way when it ends.
    const young = new TestNode(createRedisEngine({ url: redis.url }));
    const hears = young.engine.pubSub.subscribe([late]);
    await expectAway(young);
    expect(subscribed).toBe(false);
    await redis.start();
    expect(await took(() => holds(() => near.engine.pubSub.connected() && far.engine.pubSub.connected()))).toBeLessThan(
      1000,
    );
    await Promise.all([waiting, hears]);
    await allRestored(far, channels);
    await allHeard(near, far, [...channels, late]);
    await allHeard(near, young, [late]);
    expect(young.restored).toEqual([]);
    await young.engine.close();
  });

  test("what fails is said at most once a second, without what was sent", async () => {
    const said: string[] = [];
    const engine = createRedisEngine({
      url: "redis://127.0.0.1:1",
      log: (message, error) => void said.push(`${message} ${error?.message} ${JSON.stringify(error)}`),
    });
    engine.pubSub.publish(room(), "a secret");
    for (let count = 0; count < 100; count++) engine.typing.start(randomUUID(), "secret-user", 1000);
    await holds(() => said.length === 2);
    await engine.close();
    expect(said.join()).not.toContain("secret");
    expect(() => createRedisEngine({ url: "http://secret" })).toThrow(/^A Redis URL is (?!.*secret)/);
  });
});

describe.each(engines)("the $name engine while its cluster changes", ({ name }) => {
  const isCluster = name === "Redis Cluster";
  let redis: RedisCluster;
  let near: Node;
  let far: Node;
  const channels = rooms(300);

  beforeAll(async () => {
    if (!isCluster) return;
    redis = await startRedisCluster();
    [near, far] = await Promise.all([openNode(redis.url), openNode(redis.url)]);
    await far.engine.pubSub.subscribe(channels);
    await allHeard(near, far, channels);
  });
  beforeEach(({ skip }) => {
    skip(!isCluster, "There are no slots that could move, and no replica that could take over.");
  });
  afterAll(async () => {
    if (!isCluster) return;
    await Promise.all([near, far].map(({ engine }) => engine.close()));
    await redis.stop();
  });

  test("a slot that moves takes its channels along", async () => {
    const [moving] = channels;
    await move(redis, moving!.id);
    await allRestored(far, [moving!]);
    await allHeard(near, far, channels);
  });

  test("a look at many users' presence goes through although a part of it has just moved", async () => {
    // Enough to be in every bucket: all of a server's buckets are asked for at once.
    const people = Array.from({ length: 300 }, () => randomUUID());
    for (const bucket of [3, 7, 11]) {
      await move(redis, `p:${bucket}`);
      expect(await near.engine.presence.read(people)).toEqual(new Map());
    }
    await allHeard(near, far, channels);
  });

  test("a server that drops subscriptions and keeps their slot is found out", async () => {
    const [dropped] = rooms(1);
    await far.engine.pubSub.subscribe([dropped!]);
    const owner = await ownerOf(redis, dropped!);
    const slot = await owner.command("CLUSTER", "KEYSLOT", dropped!.id);
    await owner.command("CLUSTER", "DELSLOTS", slot);
    await owner.command("CLUSTER", "ADDSLOTS", slot);
    await allRestored(far, [dropped!]);
    await redis.ready();
    await allHeard(near, far, [...channels, dropped!]);
  });

  test("a replica that takes over on request takes the channels along", async () => {
    const replica = redis.nodes.find(({ role }) => role === "replica")!;
    await replica.command("CLUSTER", "FAILOVER");
    await holds(async () => (await replica.currentRole()) === "primary");
    await holds(() => far.restored.length > 50);
    await allHeard(near, far, channels);
    far.restored.length = 0;
  });

  test("a primary that freezes is replaced although its connections stay open", async () => {
    const [victim] = await redis.primaries();
    victim!.pause();
    await allHeard(near, far, channels);
    victim!.resume();
    await holds(async () => (await victim!.currentRole()) === "replica");
    await redis.ready();
    await allHeard(near, far, channels);
    far.restored.length = 0;
  });

  test("a primary that is killed is replaced, and every channel is heard again", async () => {
    const [victim, other] = await redis.primaries();
    await victim!.kill();
    const began = performance.now();
    await holds(
      async () =>
        (await redis.primaries()).length === 3 && (await other!.command("CLUSTER", "INFO")).includes("state:ok"),
    );
    const failover = performance.now() - began;
    const after = await allHeard(near, far, channels);
    expect(after).toBeLessThan(2000);
    expect(far.restored.length).toBeGreaterThan(50);
    expect(near.engine.pubSub.connected()).toBe(true);
    process.stderr.write(
      `failover after ${failover.toFixed(0)} ms, every channel heard ${after.toFixed(0)} ms later\n`,
    );
    // The dead node is among those named in the URL: a node that comes now finds the others.
    const young = await openNode(`redis+cluster://127.0.0.1:${victim!.port},127.0.0.1:${other!.port}`);
    await young.engine.pubSub.subscribe(channels);
    await allHeard(near, young, channels);
    await young.engine.close();
    await victim!.start();
    await redis.ready();
    await allHeard(near, far, channels);
  });
});

/** Gives an empty slot, that of `tag`, to another primary. */
async function move(redis: RedisCluster, tag: string): Promise<void> {
  const source = await ownerOf(redis, { id: tag });
  const target = (await redis.primaries()).find((node) => node !== source)!;
  const slot = await source.command("CLUSTER", "KEYSLOT", tag);
  const targetId = await target.command("CLUSTER", "MYID");
  await target.command("CLUSTER", "SETSLOT", slot, "IMPORTING", await source.command("CLUSTER", "MYID"));
  await source.command("CLUSTER", "SETSLOT", slot, "MIGRATING", targetId);
  for (const node of [target, source]) await node.command("CLUSTER", "SETSLOT", slot, "NODE", targetId);
}

/** The primary that serves a hash tag: the others send us elsewhere. */
async function ownerOf(redis: RedisCluster, { id }: Pick<Channel, "id">) {
  for (const node of await redis.primaries()) {
    if ((await node.command("EXISTS", `{${id}}`).catch(() => "elsewhere")) === "0") return node;
  }
  throw new Error("No primary serves the room");
}
