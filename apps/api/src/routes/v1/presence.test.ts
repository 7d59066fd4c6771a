import type { Actor } from "@signalbox/core/model/actor";
import type { Status } from "@signalbox/protocol/presence";
import { describe, expect, it } from "vitest";
import { fakeApi, fakeUser } from "../../api.fake.ts";

/** The API over a presence of these users, all others offline; `asked` has each viewer and the ids. */
function knowing(people: Record<string, Status>) {
  const known = new Map(Object.entries(people));
  const asked: unknown[] = [];
  const look = async ({ userId }: Actor, ids: readonly string[]) => {
    asked.push([userId, ids]);
    return new Map(ids.map((id) => [id, { userId: id, status: known.get(id) ?? "offline", activeAt: null }]));
  };
  return { asked, ...fakeApi({ presence: { look } }) };
}

describe("GET /v1/presence", () => {
  it("prints each asked id with its state", async () => {
    const { call, asked } = knowing({ p1: "online", p2: "idle" });
    const response = await call("ada", "GET", "/v1/presence?ids=p1,p2,p3");
    expect(await response.json()).toEqual({ data: { p1: "online", p2: "idle", p3: "offline" } });
    expect(asked).toEqual([["ada", ["p1", "p2", "p3"]]]);
  });

  it("prints an id once that was asked for twice, in one list or two", async () => {
    const { call } = knowing({ p1: "busy" });
    expect(await (await call("ada", "GET", "/v1/presence?ids=p1,p1&ids=p2,p1")).text()).toBe(
      '{"data":{"p1":"busy","p2":"offline"}}',
    );
  });

  it("takes every character of a user id, encoded or not", async () => {
    const { call } = knowing({});
    const ids = ["@a.b_c~d:x.org", "a!$=-b", "__proto__", "constructor"];
    const encoded = await call("ada", "GET", `/v1/presence?ids=${ids.map(encodeURIComponent).join("%2C")},a%2Bb`);
    expect(await encoded.text()).toBe(
      `{"data":{${[...ids, "a+b"].map((id) => `${JSON.stringify(id)}:"offline"`).join(",")}}}`,
    );
    expect((await call("ada", "GET", `/v1/presence?ids=${ids.join(",")}`)).status).toBe(200);
  });

  it.each(["", "?ids=", "?ids=,", "?ids=a,,b", "?ids=a,", "?ids=a%20b", "?ids=a,%20b", `?ids=${"a".repeat(129)}`])(
    "refuses %s",
    async (query) => {
      const response = await knowing({}).call("ada", "GET", `/v1/presence${query}`);
      expect(await response.json()).toMatchObject({ status: 400, code: "invalid" });
    },
  );

  it("takes 1000 ids, and names which is wrong", async () => {
    const { call } = knowing({});
    const list = (count: number) => Array.from({ length: count }, (_, index) => `u${index}`).join(",");
    expect((await call("ada", "GET", `/v1/presence?ids=${list(1000)}`)).status).toBe(200);
    expect((await call("ada", "GET", `/v1/presence?ids=${list(1001)}`)).status).toBe(400);
    expect(await (await call("ada", "GET", "/v1/presence?ids=a,b%20,c")).json()).toMatchObject({
      errors: [{ path: "ids.1" }],
    });
  });
});

describe("POST /v1/presence/query", () => {
  it("is the same look-up, and no activity", async () => {
    const { call, touched } = knowing({ p1: "online" });
    const response = await call("ada", "POST", "/v1/presence/query", { ids: ["p1", "p2", "p1"] });
    expect(response.status).toBe(200);
    expect(await response.json()).toEqual({ data: { p1: "online", p2: "offline" } });
    expect(touched).toEqual([]);
  });

  it.each([
    {},
    { ids: [] },
    { ids: "p1" },
    { ids: [5] },
    { ids: [""] },
    { ids: ["a,b"] },
    { ids: ["a b"] },
    { ids: Array(1001).fill("a") },
    ["p1"],
    "{",
  ])("refuses %j", async (body) => {
    expect((await knowing({}).call("ada", "POST", "/v1/presence/query", body)).status).toBe(400);
  });
});

describe("PUT /v1/presence", () => {
  it.each(["online", "idle", "busy", "appear_offline"] as const)("takes %s, and answers with it", async (status) => {
    const { call, touched } = fakeApi({
      presence: {
        choose: async (userId, choice) => ({
          userId,
          status: choice,
          activeAt: new Date(0),
          user: fakeUser({ userId }),
        }),
      },
    });
    expect(await (await call("ada", "PUT", "/v1/presence", { status })).json()).toEqual({
      data: { user_id: "ada", status, last_active_at: "1970-01-01T00:00:00.000Z" },
    });
    expect(touched).toEqual([]);
  });

  it.each([{}, { status: "offline" }, { status: "unavailable" }, { status: null }, { status: ["online"] }, "online"])(
    "refuses %j",
    async (body) => {
      expect((await fakeApi().call("ada", "PUT", "/v1/presence", body)).status).toBe(400);
    },
  );
});
