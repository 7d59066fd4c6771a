/** The promises of an engine as a whole, beside those of its ports: its keys end, and so does the engine. */
import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { engines, type Nodes, room, type TestNode, user } from "./engine-nodes.ts";

// No promise here is about the limit of an answer: a call may take as long as a busy machine needs.
vi.mock("@signalbox/redis/connection", async (actual) => ({ ...(await actual<object>()), ANSWER_MS: 5_000 }));

describe.each(engines)("the $name engine", ({ name, start }) => {
  let nodes: Nodes;
  let near: TestNode;

  beforeAll(async () => {
    nodes = await start();
    [near] = await nodes.open();
  });
  afterAll(() => nodes.stop());

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
