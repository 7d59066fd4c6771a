import { Problem } from "@signalbox/protocol/errors";
import { describe, expect, it } from "vitest";
import { fakeApi, ROOM } from "./api.fake.ts";

const failing = (error: unknown) => fakeApi({ store: { roomPage: () => Promise.reject(error) } });

describe("errors", () => {
  it("are problems, with one entry per wrong field", async () => {
    const response = await fakeApi().call("ada", "POST", "/v1/rooms", { name: 5, members: ["a b"] });
    expect(response.status).toBe(400);
    expect(response.headers.get("content-type")).toBe("application/problem+json; charset=utf-8");
    expect(await response.json()).toMatchObject({
      type: "urn:signalbox:problem:invalid",
      title: "The request is not valid",
      status: 400,
      code: "invalid",
      errors: [{ path: "name" }, { path: "members.0" }],
    });
  });

  it("say nothing of an unknown error but the id of its log line", async () => {
    const { call, logged } = failing(new Error("password authentication failed"));
    const response = await call("ada", "GET", "/v1/rooms");
    const text = await response.text();
    expect(response.status).toBe(500);
    expect(text).not.toContain("password");
    const errorId = /error ([0-9a-f-]{36})/.exec(text)?.[1];
    expect(JSON.parse(logged.join(""))).toMatchObject({ errorId, err: { message: "password authentication failed" } });
  });

  it("say in whole seconds when to try again", async () => {
    const response = await failing(new Problem("rate_limited", "too many", { retryAfterMs: 1001 })).call(
      "ada",
      "GET",
      "/v1/rooms",
    );
    expect(response.status).toBe(429);
    expect(response.headers.get("retry-after")).toBe("2");
    expect(await response.json()).toMatchObject({ code: "rate_limited", retryAfterMs: 1001 });
  });

  it("are 503 when the store is away", async () => {
    const response = await failing(new Problem("unavailable", "the store is away")).call("ada", "GET", "/v1/rooms");
    expect(response.status).toBe(503);
  });

  it("are 404 for unknown paths and 405 for methods that a path does not take, token or not", async () => {
    const { app } = fakeApi();
    const unknown = await app.request("/v1/nothing");
    expect(unknown.status).toBe(404);
    expect(await unknown.json()).toMatchObject({ code: "not_found" });
    const refused = await app.request(`/v1/rooms/${ROOM}`, { method: "POST" });
    expect(refused.status).toBe(405);
    expect(refused.headers.get("allow")).toBe("GET, PATCH, DELETE");
    expect(await refused.json()).toMatchObject({ status: 405, code: "invalid" });
    expect((await app.request("/v1/rooms", { method: "BREW" })).status).toBe(405);
  });
});

describe("authentication", () => {
  it("takes a Bearer token from the header, and from nowhere else", async () => {
    const { app } = fakeApi({ store: { roomPage: async () => [] } });
    const statusOf = async (path: string, headers: Record<string, string> = {}) =>
      (await app.request(path, { headers })).status;
    expect(await statusOf("/v1/rooms", { authorization: "bearer ada" })).toBe(200);
    for (const authorization of ["Bearer", "Bearer  ", "Basic ada", "ada", "Bearer a b"])
      expect(await statusOf("/v1/rooms", { authorization })).toBe(401);
    expect(await statusOf("/v1/rooms?token=ada&access_token=ada", { cookie: "token=ada" })).toBe(401);
  });

  it("names the scheme when it refuses", async () => {
    const response = await fakeApi().call("bad", "GET", "/v1/rooms");
    expect(response.status).toBe(401);
    expect(response.headers.get("www-authenticate")).toBe("Bearer");
  });
});

describe("bodies", () => {
  const post = (body: NonNullable<RequestInit["body"]> | null, headers: Record<string, string> = {}) =>
    fakeApi().app.request("/v1/rooms", {
      method: "POST",
      headers: { authorization: "Bearer ada", ...headers },
      body,
      duplex: "half",
    } as RequestInit);

  it("hold 256 KiB, announced or not", async () => {
    const whole = JSON.stringify({ name: "a".repeat(262_144 - '{"name":""}'.length) });
    expect(await (await post(whole)).json()).toMatchObject({ code: "invalid", errors: [{ path: "name" }] });
    expect((await post(`${whole} `)).status).toBe(413);
    expect((await post(whole, { "content-length": "262145" })).status).toBe(413);
    expect((await post(whole, { "content-length": "262144" })).status).toBe(400);
  });

  it("are JSON in UTF-8", async () => {
    for (const body of [null, "", "{", "name=Den", new Uint8Array([0x22, 0xff, 0x22])]) {
      const response = await post(body, { "content-type": "text/plain" });
      expect(await response.json()).toMatchObject({ code: "invalid" });
    }
  });

  it("that end early are the client's fault", async () => {
    const broken = new ReadableStream({
      pull(controller) {
        controller.error(new Error("aborted"));
      },
    });
    expect(await (await post(broken)).json()).toMatchObject({ code: "invalid", detail: "the body ended early" });
  });
});

describe("other origins", () => {
  const origin = "https://chat.example.org";
  const headersOf = async (asked: string, path: string, options: RequestInit = {}) => {
    const { app } = fakeApi({ allowedOrigins: [origin] });
    return (await app.request(path, { ...options, headers: { origin: asked, ...options.headers } })).headers;
  };

  it("may read answers when they are allowed, errors included", async () => {
    for (const path of ["/healthz", "/v1/rooms", "/nothing"])
      expect((await headersOf(origin, path)).get("access-control-allow-origin")).toBe(origin);
  });

  it("may ask first, without a token", async () => {
    const headers = await headersOf(origin, `/v1/rooms/${ROOM}`, {
      method: "OPTIONS",
      headers: { "access-control-request-method": "PATCH", "access-control-request-headers": "authorization" },
    });
    expect(headers.get("access-control-allow-methods")).toContain("PATCH");
    expect(headers.get("access-control-allow-headers")).toContain("Authorization");
    expect(headers.get("access-control-allow-credentials")).toBeNull();
  });

  it("that are not allowed are refused when they ask first, and told why; the log has one line of it", async () => {
    const { app, logged } = fakeApi({ allowedOrigins: [origin] });
    const headers = { origin: "https://evil.example", "access-control-request-method": "POST" };
    for (let count = 0; count < 2; count++) {
      const response = await app.request("/v1/rooms", { method: "OPTIONS", headers });
      expect(response.status).toBe(403);
      expect(response.headers.get("access-control-allow-origin")).toBeNull();
      const { code, detail } = (await response.json()) as { code: string; detail: string };
      expect([code, detail]).toEqual([
        "forbidden",
        expect.stringMatching(/"https:\/\/evil\.example".*ALLOWED_ORIGINS/),
      ]);
    }
    expect(logged.map((line) => JSON.parse(line))).toMatchObject([{ level: "warn", origin: "https://evil.example" }]);
  });

  it("are told nothing when they are not allowed, or none is", async () => {
    expect((await headersOf("https://evil.example", "/healthz")).get("access-control-allow-origin")).toBeNull();
    const response = await fakeApi().app.request("/healthz", { headers: { origin } });
    expect([...response.headers.keys()]).toEqual(["content-type"]);
  });
});

describe("operations", () => {
  it("answers whether it is alive and ready", async () => {
    const { app, health } = fakeApi();
    expect((await app.request("/healthz")).status).toBe(200);
    expect((await app.request("/readyz")).status).toBe(503);
    health.started();
    expect(await (await app.request("/readyz")).json()).toEqual({ status: "ok", checks: {} });
  });

  it("counts requests by route, never by path or made-up method", async () => {
    const { app, call } = fakeApi();
    await call("bad", "DELETE", `/v1/rooms/${ROOM}`);
    await app.request("/made/up", { method: "BREW" });
    const text = await (await app.request("/metrics")).text();
    expect(text).toContain(
      'signalbox_http_request_seconds_count{method="DELETE",route="/v1/rooms/:roomId",status="401"} 1',
    );
    expect(text).toContain('signalbox_http_request_seconds_count{method="other",route="unmatched",status="404"} 1');
    expect(text).not.toContain(ROOM);
  });
});
