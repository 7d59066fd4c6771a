/** Short outages of Redis and Postgres, with recovery. Longer ones: `test/slow`. */
import { setTimeout as pause } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { busyRooms } from "../support/cluster/busy-rooms.ts";
import { stopPostgres } from "../support/cluster/postgres-faults.ts";
import { expectSendsWhileRedisIsFrozen } from "../support/cluster/redis-faults.ts";
import type { ResumingClient } from "../support/cluster/resuming-client.ts";
import { Stage } from "../support/cluster/stage.ts";
import { until } from "../support/until.ts";

const stage = new Stage();
let endPostgres: (() => Promise<void>) | undefined;
beforeAll(() => stage.start());
afterAll(async () => {
  await endPostgres?.();
  await stage.stop();
});
afterEach(() => stage.mend());

describe("Redis", () => {
  test("loses every publication of a second under load: sends are acknowledged, and delivered 2 s later", async () => {
    const scene = await busyRooms(stage);
    await stage.dropHints();
    await Promise.all([pause(1000), scene.load.goesOn(5000)]);
    await stage.passHints();
    await scene.endsWhole();
  });

  test("is frozen for three seconds under load: sends are acknowledged, and delivered 2 s after its return", () =>
    expectSendsWhileRedisIsFrozen(stage, 3000));
});

describe("Postgres", () => {
  test("is away: sends answer 503, none is acknowledged, streams stay open, typing works; it recovers by itself", async () => {
    const scene = await busyRooms(stage);
    const [reader, farReader] = scene.sessions as [ResumingClient, ResumingClient];
    const chatId = scene.chatIds[0]!;
    const start = await stopPostgres(stage);
    const action = { type: "SEND_MSG", chatId, message: "not now" };
    // A node refuses in order: with a refusal, all that was sent before is answered.
    const refusals = await Promise.all(scene.sessions.slice(2).map((session) => session.asks(action)));
    for (const refusal of refusals) expect(refusal).toMatchObject({ type: "ERROR", code: "unavailable" });
    for (const api of [0, 1]) expect(await stage.posts(api, scene.owner, action)).toMatchObject({ status: 503 });
    const acknowledged = scene.load.count();
    const typedAt = Date.now();
    expect(await reader.asks({ type: "TYPING", chatId })).toMatchObject({ type: "ACK" });
    const typing = ({ type, senderId }: { type: string; senderId: string }) =>
      type === "TYPING" && senderId === reader.userId;
    await until(
      () => farReader.signals.some(typing),
      2000,
      () => stage.report([farReader], ["no TYPING"]),
    );
    expect(farReader.signals.find(typing)!.at - typedAt).toBeLessThan(1000);
    expect(scene.load.count()).toBe(acknowledged);
    endPostgres = await start();
    await scene.load.goesOn(10_000);
    await scene.endsWhole();
  });
});
