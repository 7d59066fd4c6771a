import type { Actor } from "@signalbox/core/model/actor";
import type { Choice } from "@signalbox/protocol/presence";
import { describe, expect, it } from "vitest";
import { ADA, BOB, fakeApi, fakeUser, limitedApi } from "../../api.fake.ts";
import { at, online } from "./signals.fake.ts";

describe("presence", () => {
  it("is looked up as the asking user may know it", async () => {
    const asked: unknown[] = [];
    const look = async ({ userId }: Actor, ids: readonly string[]) => {
      asked.push([userId, ids]);
      return new Map([[ADA, online]]);
    };
    const { call } = fakeApi({ presence: { look } });
    expect(await (await call(BOB, "GET", `/chat/api/v1/presence/${ADA}`)).json()).toEqual({
      data: { user_id: ADA, status: "online", last_active_at: "2026-02-24T14:35:00.000Z" },
    });
    expect(asked).toEqual([[BOB, [ADA]]]);
    expect((await call(BOB, "GET", "/chat/api/v1/presence/a%20b")).status).toBe(400);
    expect((await call(BOB, "GET", `/chat/api/v1/presence/${"a".repeat(129)}`)).status).toBe(400);
  });

  it.each([
    ["online", "online"],
    ["idle", "unavailable"],
    ["busy", "unavailable"],
    ["appear_offline", "offline"],
    ["offline", "offline"],
  ] as const)("prints %s as %s", async (status, word) => {
    const { call } = fakeApi({
      presence: { look: async () => new Map([[ADA, { userId: ADA, status, activeAt: null }]]) },
    });
    expect(await (await call(ADA, "GET", `/chat/api/v1/presence/${ADA}`)).json()).toEqual({
      data: { user_id: ADA, status: word, last_active_at: null },
    });
  });

  it.each([
    ["online", "online"],
    ["unavailable", "idle"],
    ["offline", "appear_offline"],
  ] as const)("takes %s as %s", async (word, choice) => {
    const chosen: unknown[] = [];
    const choose = async (userId: string, status: Choice) => {
      chosen.push([userId, status]);
      return { userId, status, activeAt: at("14:36:00"), user: fakeUser({ userId }) };
    };
    const { call, touched } = fakeApi({ presence: { choose } });
    const response = await call(ADA, "PUT", "/chat/api/v1/presence", { status: word });
    expect(await response.json()).toEqual({
      data: { user_id: ADA, status: word, last_active_at: "2026-02-24T14:36:00.000Z" },
    });
    expect(chosen).toEqual([[ADA, choice]]);
    // The registry decides which choices count as activity: to appear offline does not.
    expect(touched).toEqual([]);
  });

  it.each([{}, { status: "idle" }, { status: "appear_offline" }, { status: null }, { status: "constructor" }, []])(
    "refuses %j",
    async (body) => {
      expect((await fakeApi().call(ADA, "PUT", "/chat/api/v1/presence", body)).status).toBe(400);
    },
  );

  it("asks the rate limit before a choice", async () => {
    expect((await limitedApi().call(ADA, "PUT", "/chat/api/v1/presence", { status: "online" })).status).toBe(429);
  });
});
