/** CONTRACT section 9: nodes that start without settings or with a wrong one, stop, and start again. */
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { startNode } from "@signalbox/infra/node";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { ask, dataOf, expectProblem, jsonOf, type Room } from "../support/http.ts";
import { Standalone } from "../support/servers.ts";
import { Client, type SocketOptions } from "../support/socket-client.ts";
import { SECRET } from "../support/tokens.ts";

describe("a standalone node without settings", () => {
  let server: Standalone;

  const connect = (token: string, more: SocketOptions = {}) => Client.open(server.node.realtime, { token, ...more });
  /** The tokens of its log. */
  const printed = () =>
    vi.waitFor(() => {
      const tokens = server.node.log().flatMap((line) => line.match(/eyJ[\w-]+\.[\w-]+\.[\w-]+/g) ?? []);
      expect(tokens).toHaveLength(2);
      return tokens as [string, string];
    });

  beforeAll(async () => {
    server = await Standalone.start();
  });
  afterAll(() => server.stop());

  test("prints its URL and two tokens of different users to try", async () => {
    const sessions = await Promise.all((await printed()).map((token) => connect(token)));
    expect(server.node.log().join("\n")).toContain(server.url);
    const users = await Promise.all(sessions.map(async (each) => (await each.receives({ type: "READY" })).userId));
    expect(new Set(users).size).toBe(2);
    for (const session of sessions) session.close();
  });

  test("takes sessions of pages of its own origin only", async () => {
    const [token] = await printed();
    const session = await connect(token, { origin: server.url });
    await session.receives({ type: "READY" });
    session.close();
    await expect(connect(token, { origin: "https://chat.example.org" })).rejects.toThrow("403");
    const { headers } = await ask(`${server.url}/v1/rooms`, { token, headers: { origin: "https://chat.example.org" } });
    expect(headers.get("access-control-allow-origin")).toBeNull();
  });

  test("signs in any user id, with a token for an hour", async () => {
    const asked = Date.now();
    const answer = await ask(`${server.url}/dev/sign-in`, { method: "POST", body: { userId: "carol", name: "Carol" } });
    const { token } = jsonOf(answer) as { token: string };
    const { sub, name, exp, roles } = jsonOf({ ...answer, text: atob(token.split(".")[1] ?? "") });
    expect({ sub, name, roles }).toEqual({ sub: "carol", name: "Carol", roles: undefined });
    expect(Math.abs(Number(exp) * 1000 - asked - 3_600_000)).toBeLessThan(5000);
    const session = await connect(token, { origin: server.url });
    await session.receives({ type: "READY", userId: "carol" });
    session.close();
    expectProblem(await ask(`${server.url}/dev/sign-in`, { method: "POST", body: { userId: "no user" } }), "invalid");
  });

  test("gives no token to a page of another origin, with any content type", async () => {
    for (const origin of ["https://chat.example.org", "null", server.url.replace("127.0.0.1", "localhost")]) {
      const headers = { origin, "content-type": "text/plain" };
      const answer = await ask(`${server.url}/dev/sign-in`, { method: "POST", body: '{"userId":"carol"}', headers });
      expectProblem(answer, "forbidden");
    }
    const own = await ask(`${server.url}/dev/sign-in`, {
      method: "POST",
      body: { userId: "carol" },
      headers: { origin: server.url },
    });
    expect(own.status, own.text).toBe(200);
  });

  test("tells its page to use this node for everything", async () => {
    const answer = await ask(`${server.url}/console.json`);
    expect(jsonOf(answer)).toEqual({ signInUrl: "/dev/sign-in", apis: [""], gateways: [""] });
  });

  test("closes its sessions with 1012 when it stops, and keeps everything, tokens included, over a restart", async () => {
    const [first, second] = await printed();
    const [alice, bob] = [await connect(first), await connect(second)];
    const { userId } = await bob.receives({ type: "READY" });
    const body = { name: "A room", members: [userId] };
    const { id: chatId } = dataOf<Room>(
      await ask(`${server.url}/v1/rooms`, { method: "POST", token: first, body }),
      201,
    );
    const { seq } = await alice.acts({ type: "SEND_MSG", chatId, message: "before" });

    const stopped = server.node.stop();
    // The closes are spread: the node drains from the first to the last.
    await Promise.race([alice.closed, bob.closed]);
    expect((await ask(`${server.url}/readyz`)).status).toBe(503);
    for (const session of [alice, bob]) expect((await session.closed).code).toBe(1012);
    await stopped;
    expect(await readdir(join(server.folder, "postgres"))).not.toContain("postmaster.pid");

    await server.startAgain();
    const back = await connect(second, { query: "?resume=1" });
    await back.receives({ type: "READY" });
    await back.resumes({ [chatId]: 1 });
    expect(back.events(chatId)).toMatchObject([{ type: "SEND_MSG", message: "before", seq }]);
    const event = await back.acts({ type: "SEND_MSG", chatId, message: "after" });
    expect(event.seq).toBe(seq + 1);
    back.close();
  });
});

describe("a node with a wrong setting", () => {
  test.concurrent.each([
    ["api", "JWT_SECRET", {}],
    ["gateway", "REDIS_URL", { JWT_SECRET: SECRET, DATABASE_URL: "postgres://127.0.0.1:1/none" }],
    ["standalone", "JWT_SECRET", { JWT_SECRET: "a short secret" }],
    ["standalone", "ACTION_RATE", { ACTION_RATE: "fast" }],
    ["standalone", "ALLOWED_ORIGINS", { ALLOWED_ORIGINS: "no-origin.test" }],
  ] as const)("does not start as %s: one line names %s, and not its value", async (kind, variable, env) => {
    const failure = await startNode({ kind, env }).then(
      () => "it started",
      (error: unknown) => String(error),
    );
    const [, ...lines] = failure.split("\n").filter((line) => line !== "");
    expect(lines).toEqual([expect.stringContaining(variable)]);
    for (const value of Object.values(env)) expect(failure).not.toContain(value);
  });
});
