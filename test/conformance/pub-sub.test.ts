/** The promises of `PubSub`, held by every engine. Breaks and losses, which only a server causes, are in `engine-faults.test.ts`. */
import { randomUUID } from "node:crypto";
import type { Channel } from "@signalbox/core/ports/pub-sub";
import { slotOf } from "@signalbox/redis/slots";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { engines, holds, type Nodes, room, rooms, type TestNode, user } from "./engine-nodes.ts";

// No promise here is about the limit of an answer: a call may take as long as a busy machine needs.
vi.mock("@signalbox/redis/connection", async (actual) => ({ ...(await actual<object>()), ANSWER_MS: 5_000 }));

describe.each(engines)("publish and subscribe on the $name engine", ({ start }) => {
  let nodes: Nodes;
  let near: TestNode;
  let far: TestNode;

  beforeAll(async () => {
    nodes = await start();
    [near, far] = await nodes.open();
  });
  afterAll(() => nodes.stop());

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

  test("a channel that is subscribed, given up and subscribed again in one breath is subscribed", async () => {
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
      // A publication is dropped when too many wait: a node that publishes as fast as it can would lose some.
      if (turn % 500 === 0) await holds(() => far.on(channels[0]!).length >= turn - 500);
      for (const channel of turn % 10 === 0 ? channels : channels.slice(0, 1))
        near.engine.pubSub.publish(channel, String(turn));
    }
    await holds(() => far.received.length === before + 50_000 + 4 * 5_000);
    expect(far.on(channels[0]!)).toEqual(Array.from({ length: 50_000 }, (_, turn) => String(turn)));
    for (const channel of channels.slice(1)) {
      expect(far.on(channel)).toEqual(Array.from({ length: 5_000 }, (_, turn) => String(turn * 10)));
    }
  });

  test("1,400 channels that are subscribed at once each hear", async () => {
    const channels = rooms(1400);
    await far.engine.pubSub.subscribe(channels);
    for (const channel of channels) near.engine.pubSub.publish(channel, "heard");
    await holds(() => {
      const heard = new Set(far.received.slice(-1400).map(({ channel }) => channel.id));
      return channels.every(({ id }) => heard.has(id));
    });
    far.engine.pubSub.unsubscribe(channels);
  });

  test("many channels cost few commands, in a cluster one for each slot", async ({ skip }) => {
    const { redis } = nodes;
    if (redis === undefined) return skip("A subscription within one process is no command.");
    const channels = rooms(1400);
    const commands = async () => {
      const stats = await Promise.all(redis.nodes.map((node) => node.command("INFO", "commandstats")));
      return stats.reduce((sum, text) => sum + Number(/cmdstat_s?subscribe:calls=(\d+)/.exec(text)?.[1] ?? 0), 0);
    };
    const before = await commands();
    await far.engine.pubSub.subscribe(channels);
    const most = redis.nodes.length > 1 ? new Set(channels.map(({ id }) => slotOf(id))).size : 2;
    expect((await commands()) - before).toBeLessThanOrEqual(most);
    far.engine.pubSub.unsubscribe(channels);
  });

  describe("a confirmed publication", () => {
    test("arrives once it is taken, after what was published before it", async () => {
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

    test("is taken also when no node listens", async () => {
      await near.engine.pubSub.publishConfirmed(room(), "into the void");
    });

    test("arrives in the order of the calls, also when 200 are made at once", async () => {
      const channel = room();
      const turns = Array.from({ length: 200 }, (_, turn) => String(turn));
      await far.engine.pubSub.subscribe([channel]);
      await Promise.all(turns.map((turn) => near.engine.pubSub.publishConfirmed(channel, turn)));
      await holds(() => far.on(channel).length === 200);
      expect(far.on(channel)).toEqual(turns);
    });
  });
});
