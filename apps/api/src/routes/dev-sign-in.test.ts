import { describe, expect, it } from "vitest";
import { fakeApi } from "../api.fake.ts";

const signer = {
  sign: async (userId: string, { name, ttl }: { name?: string; ttl: number }) => `${userId} ${name} ${ttl}`,
};
const FRIEND = "https://chat.example.org";
const { app } = fakeApi({ signer, allowedOrigins: [FRIEND] });

const post = (body: unknown, headers: Record<string, string> = {}, at = "http://localhost") =>
  app.request(`${at}/dev/sign-in`, { method: "POST", headers, body: JSON.stringify(body) });

describe("POST /dev/sign-in", () => {
  it("answers with a token of an hour for any user", async () => {
    const response = await post({ userId: "ada", name: "Ada" });
    expect(response.status).toBe(200);
    expect(response.headers.get("cache-control")).toBe("no-store");
    expect(await response.json()).toEqual({ token: "ada Ada 3600" });
    expect(await (await post({ userId: "ada" })).json()).toEqual({ token: "ada undefined 3600" });
  });

  it.each([{}, { userId: "no user" }, { userId: "ada", name: " " }, []])("refuses %j", async (body) => {
    expect((await post(body)).status).toBe(400);
  });

  it("is not there without a signer", async () => {
    const response = await fakeApi().app.request("/dev/sign-in", { method: "POST", body: '{"userId":"ada"}' });
    expect(response.status).toBe(404);
  });

  it.each([
    ["http://localhost:8080", "http://localhost:8080"],
    ["http://127.0.0.1:8080", "http://127.0.0.1:8080"],
    ["http://[::1]:8080", "http://[::1]:8080"],
    // Behind a proxy that ends TLS.
    ["https://192.0.2.7", "http://192.0.2.7"],
    [FRIEND, "http://localhost:8080"],
    ["https://CHAT.example.org", "http://localhost:8080"],
  ])("serves a page of %s at %s", async (origin, at) => {
    const response = await post({ userId: "ada" }, { origin }, at);
    expect(response.status).toBe(200);
  });

  it.each([
    ["http://evil.example", "http://localhost:8080", "ALLOWED_ORIGINS does not name"],
    ["null", "http://localhost:8080", "ALLOWED_ORIGINS does not name"],
    ["http://localhost:3000", "http://localhost:8080", "ALLOWED_ORIGINS does not name"],
    ["http://127.0.0.1:8080", "http://localhost:8080", "ALLOWED_ORIGINS does not name"],
    // Their own name, led to this machine.
    ["http://evil.example:8080", "http://evil.example:8080", "under localhost or an address"],
    ["http://localhost.evil.example", "http://localhost.evil.example", "under localhost or an address"],
  ])("gives a page of %s no token at %s under any Content-Type, and says why", async (origin, at, why) => {
    const response = await post({ userId: "ada" }, { origin, "content-type": "text/plain" }, at);
    expect(response.status).toBe(403);
    expect(await response.json()).toMatchObject({ code: "forbidden", detail: expect.stringContaining(why) });
  });
});
