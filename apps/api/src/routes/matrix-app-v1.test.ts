import { Problem } from "@signalbox/protocol/errors";
import { describe, expect, it } from "vitest";
import { fakeApi } from "../api.fake.ts";

const TOKEN = "the token of the homeserver";
const BEARER = "hs-token";

/** The API with a homeserver, and the transactions that it took. */
function bridged(take?: (transaction: unknown) => Promise<void>) {
  const taken: unknown[] = [];
  const fake = fakeApi({
    matrixHsToken: BEARER,
    matrixUsers: ["@bob:example.org"],
    ingest: {
      take:
        take ??
        (async (transaction) => {
          taken.push(transaction);
        }),
    },
  });
  const call = async (
    method: string,
    path: string,
    body: string | Uint8Array<ArrayBuffer> | null = null,
    headers: Readonly<Record<string, string>> = {},
  ) => {
    const authorization = `Bearer ${BEARER}`;
    const response = await fake.app.request(path, { method, headers: { authorization, ...headers }, body });
    return { status: response.status, body: (await response.json()) as Record<string, unknown> };
  };
  return { ...fake, call, taken };
}

const TRANSACTION = "/_matrix/app/v1/transactions/1";

describe("the homeserver's token", () => {
  const asked = async (headers: Record<string, string>, query = "") => {
    const { app, taken } = bridged();
    const init = { method: "PUT", headers, body: '{"events":[]}' };
    const response = await app.request(`${TRANSACTION}${query}`, init);
    const { errcode } = (await response.json()) as { errcode?: string };
    expect(taken).toHaveLength(response.status === 200 ? 1 : 0);
    return [response.status, errcode];
  };

  it("comes in the header, in the query, or in both", async () => {
    const authorization = `Bearer ${BEARER}`;
    for (const headers of [{ authorization }, { authorization: `bearer ${BEARER}` }])
      expect(await asked(headers)).toEqual([200, undefined]);
    expect(await asked({}, `?access_token=${BEARER}`)).toEqual([200, undefined]);
    expect(await asked({ authorization }, `?access_token=${BEARER}`)).toEqual([200, undefined]);
  });

  it("is 401 when it is missing, 403 when it is another one, anywhere", async () => {
    for (const headers of [{}, { authorization: "Bearer" }, { authorization: `Basic ${BEARER}` }])
      expect(await asked(headers as Record<string, string>)).toEqual([401, "M_MISSING_TOKEN"]);
    const authorization = `Bearer ${BEARER}`;
    for (const wrong of [TOKEN.split(" ")[0] ?? "", `${BEARER}x`, BEARER.slice(1)]) {
      expect(await asked({ authorization: `Bearer ${wrong}` })).toEqual([403, "M_FORBIDDEN"]);
      expect(await asked({}, `?access_token=${wrong}`)).toEqual([403, "M_FORBIDDEN"]);
      expect(await asked({ authorization }, `?access_token=${wrong}`)).toEqual([403, "M_FORBIDDEN"]);
    }
    expect(await asked({ authorization }, "?access_token=")).toEqual([403, "M_FORBIDDEN"]);
  });

  it("is not a user's, and theirs is not the homeserver's", async () => {
    const { call } = bridged();
    expect((await call("PUT", TRANSACTION, "{}", { authorization: "Bearer ada" })).status).toBe(403);
  });

  it("when none is set, leaves nothing there", async () => {
    const { app } = fakeApi();
    const headers = { authorization: "Bearer ", "content-type": "application/json" };
    for (const path of [TRANSACTION, "/transactions/1", "/_matrix/app/v1/ping", "/users/@bob:example.org"]) {
      const response = await app.request(path, { method: "PUT", headers, body: '{"events":[]}' });
      expect(response.status).toBe(404);
      expect(await response.json()).toMatchObject({ code: "not_found" });
    }
  });
});

describe("a transaction", () => {
  const events = [{ event_id: "$1" }, "garbage"];

  it("is taken whole, on either path", async () => {
    const { call, taken } = bridged();
    const body = { events, ephemeral: [{ type: "m.typing" }], other: 1 };
    for (const path of [TRANSACTION, "/transactions/1"])
      expect(await call("PUT", path, JSON.stringify(body))).toEqual({ status: 200, body: {} });
    expect(taken).toEqual([body, body]);
  });

  it("holds 16 MiB, announced or not, and not one byte more", async () => {
    const { call, taken } = bridged();
    const whole = JSON.stringify({ events: [], pad: "" });
    const full = whole.replace('""', `"${"x".repeat(16 * 2 ** 20 - whole.length)}"`);
    expect((await call("PUT", TRANSACTION, full)).status).toBe(200);
    expect((await call("PUT", TRANSACTION, full, { "content-length": String(16 * 2 ** 20) })).status).toBe(200);
    expect(taken).toHaveLength(2);
    expect(await call("PUT", TRANSACTION, `${full} `)).toMatchObject({ status: 413, body: { errcode: "M_TOO_LARGE" } });
    const announced = { "content-length": String(16 * 2 ** 20 + 1) };
    expect((await call("PUT", TRANSACTION, full, announced)).status).toBe(413);
    expect(taken).toHaveLength(2);
  });

  it("is refused in Matrix's own words when it is none", async () => {
    const { call } = bridged();
    for (const body of ["", "{", "events=1", new Uint8Array([0x22, 0xff, 0x22])])
      expect(await call("PUT", TRANSACTION, body)).toMatchObject({ status: 400, body: { errcode: "M_NOT_JSON" } });
    for (const body of ["5", "null", "[]", "{}", '{"events":{}}', '{"events":null}', '{"ephemeral":[]}'])
      expect(await call("PUT", TRANSACTION, body)).toMatchObject({ status: 400, body: { errcode: "M_BAD_JSON" } });
  });

  it("is to be sent again while the store is away", async () => {
    const { call } = bridged(() => Promise.reject(new Problem("unavailable", "the store is away")));
    expect(await call("PUT", TRANSACTION, '{"events":[]}')).toEqual({
      status: 503,
      body: { errcode: "M_UNKNOWN", error: "the store is away" },
    });
  });

  it("that fails for a reason of ours says nothing but the id of its log line", async () => {
    const { call, logged } = bridged(() => Promise.reject(new Error("select secret")));
    const { status, body } = await call("PUT", TRANSACTION, '{"events":[]}');
    expect(status).toBe(500);
    expect(JSON.stringify(body)).not.toContain("secret");
    const errorId = /error ([0-9a-f-]{36})/.exec(String(body.error))?.[1];
    expect(JSON.parse(logged.join(""))).toMatchObject({ errorId });
  });
});

describe("what else a homeserver calls", () => {
  it("is a ping, with a transaction id or without, or with nothing", async () => {
    const { call } = bridged();
    for (const body of ['{"transaction_id":"a"}', '{"transaction_id":null}', "{}", null])
      expect(await call("POST", "/_matrix/app/v1/ping", body)).toEqual({ status: 200, body: {} });
  });

  it("is whether a user is one of ours", async () => {
    const { call } = bridged();
    const bob = encodeURIComponent("@bob:example.org");
    for (const path of [`/_matrix/app/v1/users/${bob}`, `/users/${bob}`])
      expect(await call("GET", path)).toEqual({ status: 200, body: {} });
    const eve = encodeURIComponent("@eve:example.org");
    expect(await call("GET", `/_matrix/app/v1/users/${eve}`)).toMatchObject({
      status: 404,
      body: { errcode: "M_NOT_FOUND" },
    });
  });

  it("is a room by its alias, of which we make none", async () => {
    const { call } = bridged();
    for (const path of ["/_matrix/app/v1/rooms/%23den%3Aexample.org", "/rooms/%23den%3Aexample.org"])
      expect(await call("GET", path)).toMatchObject({ status: 404, body: { errcode: "M_NOT_FOUND" } });
  });

  it("is not recognized otherwise: 405 for another method, 404 for another path", async () => {
    const { app, call } = bridged();
    const unrecognized = { errcode: "M_UNRECOGNIZED" };
    for (const [method, path] of [
      ["POST", TRANSACTION],
      ["GET", "/_matrix/app/v1/ping"],
      ["PUT", "/_matrix/app/v1/users/@bob:example.org"],
      ["DELETE", "/transactions/1"],
    ] as const)
      expect(await call(method, path)).toMatchObject({ status: 405, body: unrecognized });
    expect((await app.request(TRANSACTION)).headers.get("allow")).toBe("PUT");
    for (const path of ["/_matrix/app/v1/thirdparty/protocol/irc", "/_matrix/app/unstable/keys/claim", "/_matrix/app"])
      expect(await call("POST", path)).toMatchObject({ status: 404, body: unrecognized });
  });

  it("is counted by route, never by path", async () => {
    const { call, metrics } = bridged();
    await call("PUT", TRANSACTION, '{"events":[]}');
    await call("GET", "/_matrix/app/v1/users/@secret:example.org");
    const text = await metrics.registry.metrics();
    expect(text).toContain('route="/_matrix/app/v1/transactions/:txnId",status="200"');
    expect(text).not.toContain("secret");
  });
});
