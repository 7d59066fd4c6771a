/** The promises of the Engine port, held by every engine. What only a server can do to one is in `engine-faults.test.ts`. */
import { randomUUID } from "node:crypto";
import type { Channel } from "@signalbox/core/ports/pub-sub";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  clusterNodes,
  holds,
  memoryNodes,
  type Nodes,
  redisNodes,
  room,
  rooms,
  type TestNode,
  user,
} from "./engine-nodes.ts";

const factories = [
  { name: "in-process", start: memoryNodes },
  { name: "Redis", start: redisNodes },
  { name: "Redis Cluster", start: clusterNodes },
];

describe.each(factories)("the $name engine", ({ name, start }) => {
  let nodes: Nodes;
  let near: TestNode;
  let far: TestNode;

  beforeAll(async () => {
    nodes = await start();
    [near, far] = await nodes.open();
  });
  afterAll(() => nodes.stop());

  describe("publish and subscribe", () => {
    test("a publication reaches the node that subscribed, on a channel of every kind", async () => {
      const channels: Channel[] = [room(), user(), { kind: "node", id: randomUUID() }];
      await far.engine.pubSub.subscribe(channels);
      for (const channel of channels) near.engine.pubSub.publish(channel, `to ${channel.kind}`);
      await holds(() => channels.every((channel) => far.on(channel).length === 1));
      expect(channels.map((channel) => far.on(channel))).toEqual([["to room"], ["to user"], ["to node"]]);
    });

    test("a node hears its own publications, and nothing before publish returns", async () => {
      const channel = room();
      await far.engine.pubSub.subscribe([channel]);
      far.engine.pubSub.publish(channel, "own");
      expect(far.on(channel)).toEqual([]);
      await holds(() => far.on(channel).length === 1);
    });

    test("a channel of another kind or room is another channel", async () => {
      const id = randomUUID();
      const last = room();
      await far.engine.pubSub.subscribe([{ kind: "user", id }, last]);
      near.engine.pubSub.publish({ kind: "room", id }, "not for the user");
      near.engine.pubSub.publish(room(), "not subscribed");
      near.engine.pubSub.publish(last, "last");
      await holds(() => far.on(last).length === 1);
      expect(far.on({ kind: "room", id })).toEqual([]);
      expect(far.on({ kind: "user", id })).toEqual([]);
    });

    test("what is published from the moment that subscribe resolves arrives", async () => {
      for (const channel of rooms(50)) {
        await far.engine.pubSub.subscribe([channel]);
        near.engine.pubSub.publish(channel, "at once");
        await holds(() => far.on(channel).length === 1);
      }
    });

    test("subscribing twice is one subscription", async () => {
      const channel = room();
      await Promise.all([far.engine.pubSub.subscribe([channel, channel]), far.engine.pubSub.subscribe([channel])]);
      await far.engine.pubSub.subscribe([channel]);
      near.engine.pubSub.publish(channel, "once");
      near.engine.pubSub.publish(channel, "end");
      await holds(() => far.on(channel).includes("end"));
      expect(far.on(channel)).toEqual(["once", "end"]);
    });

    test("subscribing to nothing resolves", async () => {
      await far.engine.pubSub.subscribe([]);
    });

    test("an ended subscription hears no more, unknown channels are passed over, and it may begin again", async () => {
      const [ended, kept] = [room(), room()];
      await far.engine.pubSub.subscribe([ended, kept]);
      far.engine.pubSub.unsubscribe([ended, room()]);
      // Subscribing goes the way that unsubscribing went: once it is through, so is that.
      await far.engine.pubSub.subscribe([room()]);
      near.engine.pubSub.publish(ended, "too late");
      near.engine.pubSub.publish(kept, "kept");
      await holds(() => far.on(kept).length === 1);
      expect(far.on(ended)).toEqual([]);
      await far.engine.pubSub.subscribe([ended]);
      near.engine.pubSub.publish(ended, "again");
      await holds(() => far.on(ended).includes("again"));
    });

    test("whoever subscribes, gives up and subscribes again in one breath is subscribed", async () => {
      const channel = room();
      const first = far.engine.pubSub.subscribe([channel]);
      far.engine.pubSub.unsubscribe([channel]);
      await far.engine.pubSub.subscribe([channel]);
      far.engine.pubSub.unsubscribe([channel]);
      await far.engine.pubSub.subscribe([channel]);
      await first;
      near.engine.pubSub.publish(channel, "here");
      await holds(() => far.on(channel).length === 1);
    });

    test("every byte from 0 to 255 survives, and so does nothing at all", async () => {
      const channel = room();
      const bytes = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte)).toString("latin1");
      await far.engine.pubSub.subscribe([channel]);
      near.engine.pubSub.publish(channel, bytes);
      near.engine.pubSub.publish(channel, "");
      await holds(() => far.on(channel).length === 2);
      expect(far.on(channel)).toEqual([bytes, ""]);
    });

    test("50,000 publications to a channel arrive in the order in which they were handed in", async () => {
      const channels = rooms(5);
      await far.engine.pubSub.subscribe(channels);
      const before = far.received.length;
      for (let turn = 0; turn < 50_000; turn++) {
        for (const channel of turn % 10 === 0 ? channels : channels.slice(0, 1))
          near.engine.pubSub.publish(channel, String(turn));
        // Hints are dropped when too many wait, or when a server under load has not answered for a while: a node that publishes as
        // fast as it can would lose some.
        if (turn % 500 === 499)
          await holds(() => near.engine.pubSub.connected() && far.on(channels[0]!).length > turn - 1000);
      }
      await holds(() => far.received.length === before + 50_000 + 4 * 5_000);
      expect(far.on(channels[0]!)).toEqual(Array.from({ length: 50_000 }, (_, turn) => String(turn)));
      for (const channel of channels.slice(1)) {
        expect(far.on(channel)).toEqual(Array.from({ length: 5_000 }, (_, turn) => String(turn * 10)));
      }
    });

    test("1,400 channels are subscribed in less than a second, and each hears", async () => {
      const channels = rooms(1400);
      const began = performance.now();
      await far.engine.pubSub.subscribe(channels);
      expect(performance.now() - began).toBeLessThan(1000);
      for (const channel of channels) near.engine.pubSub.publish(channel, "heard");
      const heard = new Set<string>();
      await holds(() => {
        for (const { channel } of far.received.slice(-1400)) heard.add(channel.id);
        return channels.every(({ id }) => heard.has(id));
      });
      far.engine.pubSub.unsubscribe(channels);
    });
  });

  describe("announce", () => {
    test("an announcement that was taken arrives, after what was published before it", async () => {
      const channels = [room(), user()];
      await far.engine.pubSub.subscribe(channels);
      for (const channel of channels) {
        near.engine.pubSub.publish(channel, "published");
        await near.engine.pubSub.publishConfirmed(channel, "announced");
      }
      await holds(() => channels.every((channel) => far.on(channel).length === 2));
      expect(channels.map((channel) => far.on(channel))).toEqual([
        ["published", "announced"],
        ["published", "announced"],
      ]);
    });

    test("an announcement that nobody listens to is taken, too", async () => {
      await near.engine.pubSub.publishConfirmed(room(), "into the void");
    });

    test("200 announcements at once arrive in the order in which they were handed in", async () => {
      const channel = room();
      const turns = Array.from({ length: 200 }, (_, turn) => String(turn));
      await far.engine.pubSub.subscribe([channel]);
      await Promise.all(turns.map((turn) => near.engine.pubSub.publishConfirmed(channel, turn)));
      await holds(() => far.on(channel).length === 200);
      expect(far.on(channel)).toEqual(turns);
    });
  });

  describe("tickets", () => {
    test("what is kept under a ticket is handed out once, on any node", async () => {
      const ticket = randomUUID();
      const content = JSON.stringify({ userId: "ada", name: "Ada Löwe 🦁", text: 'a "quote"\n' });
      await near.engine.tickets.put(ticket, content, 60_000);
      expect(await far.engine.tickets.take(ticket)).toBe(content);
      expect(await far.engine.tickets.take(ticket)).toBeNull();
      expect(await near.engine.tickets.take(ticket)).toBeNull();
    });

    test("of many who take a ticket, one gets it", async () => {
      const ticket = randomUUID();
      await near.engine.tickets.put(ticket, "content", 60_000);
      const takes = Array.from({ length: 20 }, (_, turn) => (turn % 2 === 0 ? near : far).engine.tickets.take(ticket));
      expect((await Promise.all(takes)).filter((taken) => taken !== null)).toEqual(["content"]);
    });

    test("an unknown ticket holds nothing, and neither does one that ran out", async () => {
      expect(await far.engine.tickets.take(randomUUID())).toBeNull();
      const [spent, running] = [randomUUID(), randomUUID()];
      await near.engine.tickets.put(running, "content", 60_000);
      await near.engine.tickets.put(spent, "content", 1);
      const began = performance.now();
      await holds(() => performance.now() - began > 5);
      expect(await far.engine.tickets.take(spent)).toBeNull();
      expect(await far.engine.tickets.take(running)).toBe("content");
    });
  });

  describe("typing", () => {
    test("who types is listed by room, for as long as the note lasts, rooms without anybody left out", async () => {
      const [busy, other, empty] = [randomUUID(), randomUUID(), randomUUID()];
      const began = Date.now();
      near.engine.typing.start(busy, "ada", 30_000);
      near.engine.typing.start(busy, "bob", 20_000);
      near.engine.typing.start(other, "ada", 10_000);
      await holds(async () => (await far.engine.typing.list([busy, other])).size === 2);
      const listed = await far.engine.typing.list([busy, other, empty]);
      expect(new Set(listed.keys())).toEqual(new Set([busy, other]));
      const [ada, bob, ...others] = [...listed.get(busy)!].sort((a, b) => b.remainingMs - a.remainingMs);
      expect([ada!.userId, bob!.userId, others]).toEqual(["ada", "bob", []]);
      expect(ada!.remainingMs).toBeGreaterThan(20_000);
      expect(ada!.remainingMs).toBeLessThanOrEqual(30_000);
      expect(bob!.remainingMs).toBeLessThanOrEqual(20_000);
      // The engine runs on this machine: its clock is ours.
      expect(ada!.startedAt).toBeGreaterThanOrEqual(began - 5);
      expect(ada!.startedAt).toBeLessThanOrEqual(Date.now() + 5);
    });

    test("a repeat prolongs the note and keeps its start", async () => {
      const id = randomUUID();
      const typist = async () => (await far.engine.typing.list([id])).get(id)?.[0];
      near.engine.typing.start(id, "ada", 5_000);
      await holds(async () => (await typist()) !== undefined);
      const first = await typist();
      await holds(async () => (await typist())!.remainingMs < first!.remainingMs - 20);
      near.engine.typing.start(id, "ada", 60_000);
      await holds(async () => (await typist())!.remainingMs > 5_000);
      expect(Math.abs((await typist())!.startedAt - first!.startedAt)).toBeLessThanOrEqual(1);
    });

    test("a note taken back is gone at once, one that ran out without anybody's doing, and a new one starts anew", async () => {
      const id = randomUUID();
      const listed = async () => ((await far.engine.typing.list([id])).get(id) ?? []).map(({ userId }) => userId);
      near.engine.typing.start(id, "ada", 60_000);
      near.engine.typing.start(id, "bob", 400);
      await holds(async () => (await listed()).length === 2);
      near.engine.typing.stop(id, "ada");
      near.engine.typing.stop(id, "nobody");
      await holds(async () => !(await listed()).includes("ada"));
      const ended = Date.now();
      await holds(async () => (await listed()).length === 0);
      near.engine.typing.start(id, "bob", 60_000);
      await holds(async () => (await listed()).length === 1);
      expect((await far.engine.typing.list([id])).get(id)![0]!.startedAt).toBeGreaterThanOrEqual(ended - 5);
    });

    test("many rooms are asked in one call", async () => {
      const ids = Array.from({ length: 300 }, () => randomUUID());
      for (const id of ids) near.engine.typing.start(id, "ada", 60_000);
      await holds(async () => (await far.engine.typing.list(ids)).size === 300);
    });
  });

  describe("tokens", () => {
    test("a bucket grants its burst, then what has come back, and says when the next token is there", async () => {
      const id = user().id;
      expect(await near.engine.rateTokens.take(id, 3, 0.5, 4)).toEqual({ granted: 3, retryAfterMs: 0 });
      const rest = await far.engine.rateTokens.take(id, 3, 0.5, 4);
      expect(rest.granted).toBe(1);
      expect(rest.retryAfterMs).toBeGreaterThan(1000);
      expect(rest.retryAfterMs).toBeLessThanOrEqual(2000);
      expect((await near.engine.rateTokens.take(id, 1, 0.5, 4)).granted).toBe(0);
      await holds(async () => (await near.engine.rateTokens.take(id, 1, 0.5, 4)).granted === 1);
    });

    test("a bucket never holds more than its burst, and buckets of two users are two", async () => {
      const [ada, bob] = [user().id, user().id];
      await near.engine.rateTokens.take(ada, 1, 10_000, 5);
      await holds(async () => (await near.engine.rateTokens.take(ada, 0, 10_000, 5)).retryAfterMs === 0);
      expect((await near.engine.rateTokens.take(ada, 100, 10_000, 5)).granted).toBeLessThanOrEqual(5);
      expect((await near.engine.rateTokens.take(bob, 100, 0.01, 7)).granted).toBe(7);
    });

    test("all nodes together are granted no more than the burst", async () => {
      const id = user().id;
      const takes = Array.from({ length: 100 }, (_, turn) =>
        (turn % 2 === 0 ? near : far).engine.rateTokens.take(id, 1, 0.01, 30),
      );
      const granted = (await Promise.all(takes)).reduce((sum, take) => sum + take.granted, 0);
      expect(granted).toBe(30);
    });

    test("a clock's worth of requests is granted at the rate, not above", async () => {
      const id = user().id;
      const began = performance.now();
      let granted = (await near.engine.rateTokens.take(id, 10, 200, 10)).granted;
      await holds(async () => {
        granted += (await near.engine.rateTokens.take(id, 10, 200, 10)).granted;
        return granted >= 60;
      });
      expect(granted).toBeLessThanOrEqual(10 + (200 * (performance.now() - began)) / 1000);
    });
  });

  test("every key lives only as long as it is of use", async ({ skip }) => {
    if (nodes.redis === undefined)
      return skip("There are no keys in this process; what its maps keep is tested beside them.");
    near.engine.typing.start(randomUUID(), "ada", 60_000);
    await near.engine.rateTokens.take(user().id, 1, 1, 10);
    await near.engine.tickets.put(randomUUID(), "content", 60_000);
    const script = `local left = 0
      for _, key in ipairs(redis.call('KEYS', '*')) do
        if redis.call('PTTL', key) < 0 then left = left + 1 end
      end
      return { left, redis.call('DBSIZE') }`;
    for (const node of nodes.redis.nodes.filter(({ role }) => role === "primary")) {
      expect(await node.command("EVAL", script, 0)).toBe("0");
    }
  });

  test("a closed engine keeps quiet, waits for nothing, and may be closed again", async () => {
    const [node] = await nodes.open();
    const { engine } = node;
    const channel = room();
    await engine.pubSub.subscribe([channel]);
    expect(engine.pubSub.connected()).toBe(true);
    await engine.close();
    await engine.close();
    expect(engine.pubSub.connected()).toBe(false);
    engine.pubSub.publish(channel, "into the void");
    engine.typing.start(channel.id, "ada", 1000);
    engine.typing.stop(channel.id, "ada");
    engine.pubSub.unsubscribe([channel]);
    await engine.pubSub.subscribe([room()]);
    await expect(engine.pubSub.publishConfirmed(channel, "into the void")).rejects.toMatchObject({
      code: "unavailable",
    });
    await expect(engine.tickets.put("ticket", "content", 1000)).rejects.toMatchObject({ code: "unavailable" });
    await expect(engine.rateTokens.take("ada", 1, 1, 5)).rejects.toMatchObject({ code: "unavailable" });
    expect(node.received, name).toEqual([]);
  });
});
