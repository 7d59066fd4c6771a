/** Long outages of Redis and Postgres, and a Redis primary replaced by its replica, all under load. */
import { setTimeout as pause } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { busyRooms } from "../support/cluster/busy-rooms.ts";
import { freezePostgres } from "../support/cluster/postgres-faults.ts";
import { expectSendsWhileRedisIsFrozen } from "../support/cluster/redis-faults.ts";
import { Stage } from "../support/cluster/stage.ts";
import { passed, until } from "../support/until.ts";

const stage = new Stage();
beforeAll(() => stage.start());
afterAll(() => stage.stop());
afterEach(() => stage.mend());

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
      await scene.endsWhole();
      await primary.start();
      await redis.ready();
    }
  });

  test("is away for ten seconds and comes back empty: sends are acknowledged, and delivered in order", async () => {
    const scene = await busyRooms(stage);
    await stage.cluster.redis.kill();
    for (let second = 0; second < 10; second += 2) {
      await Promise.all([pause(2000), scene.load.goesOn(5000)]);
      // The store delivers in place of Redis.
      await stage.complete(scene.sessions, scene.chatIds, 2000);
    }
    const readiness = await Promise.all(stage.gateways.map(({ url }) => fetch(`${url}/readyz`)));
    expect(readiness.map(({ status }) => status)).toEqual([200, 200]);
    expect(await readiness[0]!.json()).toMatchObject({ status: "degraded" });
    await stage.cluster.redis.start();
    await scene.endsWhole();
    const after = await busyRooms(stage);
    await after.load.goesOn(5000);
    await after.endsWhole();
  });

  test("is frozen for six seconds: connections stay open, and sends are acknowledged", () =>
    expectSendsWhileRedisIsFrozen(stage, 6000));
});

describe("Postgres", () => {
  test("is frozen for eight seconds: sends answer 503, typing works, no acknowledged send is lost", async () => {
    const scene = await busyRooms(stage);
    const [reader, farReader, author] = scene.sessions;
    const chatId = scene.chatIds[0]!;
    const thaw = await freezePostgres(stage);
    try {
      const frozenAt = Date.now();
      const refused = author!.asks({ type: "SEND_MSG", chatId, message: "not now" });
      // A gateway with actions that wait for the store still announces typing at once.
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
      expect(typed()!.at - frozenAt, "the way of a TYPING, in milliseconds").toBeLessThan(1000);
      await passed(frozenAt, 8000);
    } finally {
      thaw();
    }
    await scene.load.goesOn(10_000);
    await scene.endsWhole();
  });
});
