/** Redis and Postgres gone for longer, and a Redis primary replaced by its replica, all under load. */
import { setTimeout as pause } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { busyRooms, type Scene } from "../support/cluster/busy-rooms.ts";
import { freezePostgres } from "../support/cluster/postgres-faults.ts";
import { Stage } from "../support/cluster/stage.ts";
import { until } from "../support/until.ts";

const stage = new Stage();
beforeAll(() => stage.start());
afterAll(() => stage.stop());
afterEach(() => stage.mend());

/** Ends the load and holds the scene to having everything within 2 s; nobody was sent away meanwhile. */
async function nothingLost({ load, sessions, chatIds, keeps }: Scene): Promise<void> {
  const acknowledged = await load.stop();
  await stage.complete(sessions, chatIds, 2000);
  await keeps(acknowledged);
  for (const { closings } of sessions) expect(closings).toEqual([]);
}

describe("Redis", () => {
  test("loses each of its primaries in turn: replicas take over, and nothing is lost", async () => {
    const { redis } = stage.cluster;
    for (let round = 0; round < 3; round++) {
      const scene = await busyRooms(stage);
      const primary = (await redis.primaries())[round % 3]!;
      await primary.kill();
      await until(
        async () => (await redis.primaries()).length === 3,
        20_000,
        () => "no replica took over",
      );
      await scene.load.goesOn(5000);
      await nothingLost(scene);
      await primary.start();
      await redis.ready();
    }
  });

  test("is away altogether for ten seconds and comes back empty: sends are acknowledged, all is there in order", async () => {
    const scene = await busyRooms(stage);
    await stage.cluster.redis.kill();
    for (let second = 0; second < 10; second += 2) {
      await Promise.all([pause(2000), scene.load.goesOn(5000)]);
      // What Redis does not bring, the store does.
      await stage.complete(scene.sessions, scene.chatIds, 2000);
    }
    const readiness = await Promise.all(stage.gateways.map(({ url }) => fetch(`${url}/readyz`)));
    expect(readiness.map(({ status }) => status)).toEqual([200, 200]);
    expect(await readiness[0]!.json()).toMatchObject({ status: "degraded" });
    await stage.cluster.redis.start();
    await nothingLost(scene);
    const after = await busyRooms(stage);
    await after.load.goesOn(5000);
    await nothingLost(after);
  });

  test("is frozen for six seconds, so that connections stay open and nothing answers", async () => {
    const scene = await busyRooms(stage);
    stage.cluster.redis.pause();
    try {
      await Promise.all([pause(6000), scene.load.goesOn(5000)]);
    } finally {
      stage.cluster.redis.resume();
    }
    await nothingLost(scene);
    await stage.cluster.redis.ready();
  });
});

describe("Postgres", () => {
  test("is frozen for eight seconds: sends answer 503, typing goes on, nothing acknowledged is lost", async () => {
    const scene = await busyRooms(stage);
    const [reader, farReader, author] = scene.sessions;
    const chatId = scene.chatIds[0]!;
    const thaw = await freezePostgres(stage);
    try {
      const frozenAt = Date.now();
      const refused = author!.asks({ type: "SEND_MSG", chatId, message: "not now" });
      // A gateway whose actions wait for the store still says at once who types.
      await reader!.asks({ type: "TYPING", chatId });
      const typed = () =>
        farReader!.signals.find(({ type, senderId }) => type === "TYPING" && senderId === reader!.userId);
      await until(
        () => typed() !== undefined,
        8000,
        () => stage.report([reader!, farReader!], ["no TYPING"]),
      );
      expect(await refused).toMatchObject({ type: "ERROR", code: "unavailable" });
      expect(await stage.posts(0, scene.owner, { type: "SEND_MSG", chatId, message: "not now" })).toMatchObject({
        status: 503,
      });
      expect(typed()!.at - frozenAt, "how long a TYPING took, in milliseconds").toBeLessThan(1000);
      await until(
        () => Date.now() > frozenAt + 8000,
        9000,
        () => "eight seconds did not pass",
      );
    } finally {
      thaw();
    }
    await scene.load.goesOn(10_000);
    await nothingLost(scene);
  });
});
