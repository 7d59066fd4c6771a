/** Tokens that expire or are revoked under a client. */
import { setTimeout as pause } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { inSeconds, sign } from "../support/tokens.ts";
import { passed } from "../support/until.ts";
import type { Person } from "../support/world.ts";
import { Site } from "./site.ts";

const LIFE_S = 5;
const site = new Site("a standalone node");
beforeAll(() => site.start());
afterAll(() => site.stop());
afterEach(() => site.mend());

const revoke = async ({ id }: Person): Promise<void> => {
  const service = await site.world.service();
  expect((await service.asks("POST", `/v1/users/${id}/revoke`)).status).toBe(200);
};

describe("a token that expires", () => {
  test("is replaced in time by the function that fetches it, without a disconnect", async () => {
    const { alice, bob, chatId } = await site.world.chat();
    let fetched = 0;
    const his = site.device(() => {
      fetched++;
      return sign({ sub: bob.id, exp: inSeconds(LIFE_S) });
    });
    await his.realtime.connect();
    const first = Date.now();
    // Three times the life of the first token.
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

  test("without another stops the connection; a new one resumes it", async () => {
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
  test("is fetched once more, for a request and for a connection", async () => {
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

  test("again after that stops the connection", async () => {
    const { id } = await site.world.person();
    const device = site.device(() => sign({ sub: id }, { secret: "x".repeat(40) }));
    await expect(device.realtime.connect()).rejects.toMatchObject({ code: "unauthenticated" });
    expect(device.connection.at(-1)).toEqual({ state: "stopped", code: 4401 });
    await expect(device.client.rooms.list()).rejects.toMatchObject({ code: "unauthenticated", status: 401 });
  });
});

describe("a token that is revoked", () => {
  test("stops a connection without another", async () => {
    const bob = await site.world.person();
    const his = await site.connects(bob);
    await revoke(bob);
    expect(await his.hears("connection", { state: "stopped" })).toEqual({ state: "stopped", code: 4409 });
  });

  test("is replaced by the function that fetches it, and nothing is missed", async () => {
    const { alice, bob, chatId } = await site.world.chat();
    let revoked = Number.NEGATIVE_INFINITY;
    const his = site.device(async () => {
      // Tokens have their age in whole seconds: one of the same second would be revoked as well.
      await passed(revoked, 1100);
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
