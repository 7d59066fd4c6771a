/** Tokens that end under a client, by themselves or because they were revoked. */
import { setTimeout as pause } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { inSeconds, sign } from "../support/tokens.ts";
import { until } from "../support/until.ts";
import type { Person } from "../support/world.ts";
import { Site } from "./site.ts";

const LIFE_S = 3;
const site = new Site("a standalone node");
beforeAll(() => site.start());
afterAll(() => site.stop());
afterEach(() => site.mend());

const revoke = async ({ id }: Person): Promise<void> => {
  const service = await site.world.service();
  expect((await service.asks("POST", `/v1/users/${id}/revoke`)).status).toBe(200);
};

describe("a token that expires", () => {
  test("is replaced in time by the function that fetches it: nobody notices", async () => {
    const { alice, bob, chatId } = await site.world.chat();
    let fetched = 0;
    const his = site.device(() => {
      fetched++;
      return sign({ sub: bob.id, exp: inSeconds(LIFE_S) });
    });
    await his.realtime.connect();
    const first = Date.now();
    // Three lives of the first one.
    for (let index = 0; Date.now() < first + 3000 * LIFE_S; index++) {
      await alice.says(chatId, `message ${index}`);
      await his.realtime.sendMessage(chatId, `answer ${index}`);
      await his.hasAll(chatId, 2, 2 * index + 3);
      await pause(200);
    }
    expect(fetched).toBeGreaterThanOrEqual(3);
    expect(fetched).toBeLessThan(12);
    expect(his.connection).toEqual([{ state: "connecting" }, { state: "live" }]);
    await expect(his.client.rooms.list()).resolves.toMatchObject({ data: [{ id: chatId }] });
  });

  test("and is the only one, stops the connection; with another it goes on from where it was", async () => {
    const { alice, bob, chatId } = await site.world.chat();
    const his = site.device(await sign({ sub: bob.id, exp: inSeconds(3) }));
    await his.realtime.connect();
    await alice.says(chatId, "heard");
    expect(await his.hears("connection", { state: "stopped" })).toEqual({ state: "stopped", code: 4401 });
    await alice.says(chatId, "missed");
    await expect(his.client.rooms.list()).rejects.toMatchObject({ code: "unauthenticated" });
    await expect(his.realtime.connect()).rejects.toMatchObject({ code: "unauthenticated" });
    his.client.setAuth(await sign({ sub: bob.id }));
    await his.realtime.connect();
    await his.hasAll(chatId, 2, 3);
    expect(his.of("message").map(({ message }) => message)).toEqual(["heard", "missed"]);
  });
});

describe("a token that is refused", () => {
  test("is fetched anew once, for a request and for a connection alike", async () => {
    const { id, token } = await site.world.person();
    const expired = await sign({ sub: id, iat: inSeconds(-7200), exp: inSeconds(3600) }, { secret: "x".repeat(40) });
    const answers = [expired, token, expired, token];
    const device = site.device(async () => answers.shift()!);
    expect(await device.client.rooms.list()).toEqual({ data: [], next_cursor: null });
    expect(answers).toHaveLength(2);
    device.client.setAuth(async () => answers.shift()!);
    await device.realtime.connect();
    expect(answers).toEqual([]);
    expect(device.connection.at(-1)).toEqual({ state: "live" });
  });

  test("again and again, stops the connection", async () => {
    const { id } = await site.world.person();
    const device = site.device(() => sign({ sub: id }, { secret: "x".repeat(40) }));
    await expect(device.realtime.connect()).rejects.toMatchObject({ code: "unauthenticated" });
    expect(device.connection.at(-1)).toEqual({ state: "stopped", code: 4401 });
    await expect(device.client.rooms.list()).rejects.toMatchObject({ code: "unauthenticated", status: 401 });
  });
});

describe("a token that is revoked", () => {
  test("stops a connection that has no other", async () => {
    const bob = await site.world.person();
    const his = await site.connects(bob);
    await revoke(bob);
    expect(await his.hears("connection", { state: "stopped" })).toEqual({ state: "stopped", code: 4409 });
  });

  test("is replaced by the function that fetches it: nothing is missed", async () => {
    const { alice, bob, chatId } = await site.world.chat();
    let revoked = Number.NEGATIVE_INFINITY;
    const his = site.device(async () => {
      // A token tells its age in whole seconds, and one of the same second would be revoked, too.
      await until(
        () => Date.now() > revoked + 1100,
        3000,
        () => "the second is not over",
      );
      return sign({ sub: bob.id });
    });
    await his.realtime.connect();
    await alice.says(chatId, "before");
    revoked = Date.now();
    await revoke(bob);
    await alice.says(chatId, "after");
    await his.livesAfter(2);
    await his.hasAll(chatId, 2, 3);
    expect(his.connection.map(({ state }) => state)).not.toContain("stopped");
  });
});
