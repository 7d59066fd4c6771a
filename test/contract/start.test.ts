/** CONTRACT section 9: nodes that are started, told nothing or something wrong, stopped, and started again. */
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type NodeProcess, startNode } from "@signalbox/infra/node";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { ask, dataOf, expectProblem, jsonOf, type Room } from "../support/http.ts";
import { Client, type Knock } from "../support/socket-client.ts";
import { SECRET } from "../support/tokens.ts";

describe("a standalone node that is told nothing", () => {
  let folder: string;
  let node: NodeProcess;

  const start = async () => {
    node = await startNode({ kind: "standalone", env: { DATA_DIR: folder } });
  };
  const knock = (token: string, more: Knock = {}) => Client.open(node.realtime, { token, ...more });
  /** The tokens that it printed. */
  const printed = () =>
    vi.waitFor(() => {
      const tokens = node.log().flatMap((line) => line.match(/eyJ[\w-]+\.[\w-]+\.[\w-]+/g) ?? []);
      expect(tokens).toHaveLength(2);
      return tokens as [string, string];
    });

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "signalbox-start-"));
    await start();
  });
  afterAll(async () => {
    await node.stop();
    await rm(folder, { recursive: true, force: true });
  });

  test("prints its URL and two tokens of different users to try", async () => {
    const sessions = await Promise.all((await printed()).map((token) => knock(token)));
    expect(node.log().join("\n")).toContain(node.url);
    const users = await Promise.all(sessions.map(async (each) => (await each.receives({ type: "READY" })).userId));
    expect(new Set(users).size).toBe(2);
    for (const session of sessions) session.close();
  });

  test("lets in pages of its own origin only", async () => {
    const [token] = await printed();
    const session = await knock(token, { origin: node.url });
    await session.receives({ type: "READY" });
    session.close();
    await expect(knock(token, { origin: "https://chat.example.org" })).rejects.toThrow("403");
    const { headers } = await ask(`${node.url}/v1/rooms`, { token, headers: { origin: "https://chat.example.org" } });
    expect(headers.get("access-control-allow-origin")).toBeNull();
  });

  test("signs in whoever says who they are, until their token ends in an hour", async () => {
    const asked = Date.now();
    const answer = await ask(`${node.url}/dev/sign-in`, { method: "POST", body: { userId: "carol", name: "Carol" } });
    const { token } = jsonOf(answer) as { token: string };
    const { sub, name, exp, roles } = jsonOf({ ...answer, text: atob(token.split(".")[1] ?? "") });
    expect({ sub, name, roles }).toEqual({ sub: "carol", name: "Carol", roles: undefined });
    expect(Math.abs(Number(exp) * 1000 - asked - 3_600_000)).toBeLessThan(5000);
    const session = await knock(token, { origin: node.url });
    await session.receives({ type: "READY", userId: "carol" });
    session.close();
    expectProblem(await ask(`${node.url}/dev/sign-in`, { method: "POST", body: { userId: "no user" } }), "invalid");
  });

  test("gives no token to a page of another origin, as whatever it posts", async () => {
    for (const origin of ["https://chat.example.org", "null", node.url.replace("127.0.0.1", "localhost")]) {
      const headers = { origin, "content-type": "text/plain" };
      const answer = await ask(`${node.url}/dev/sign-in`, { method: "POST", body: '{"userId":"carol"}', headers });
      expectProblem(answer, "forbidden");
    }
    const own = await ask(`${node.url}/dev/sign-in`, {
      method: "POST",
      body: { userId: "carol" },
      headers: { origin: node.url },
    });
    expect(own.status, own.text).toBe(200);
  });

  test("tells its page that everything is here", async () => {
    const answer = await ask(`${node.url}/console.json`);
    expect(jsonOf(answer)).toEqual({ signInUrl: "/dev/sign-in", apis: [""], gateways: [""] });
  });

  test("closes its sessions with 1012 when it is stopped, and has everything, tokens included, when it is back", async () => {
    const [first, second] = await printed();
    const [alice, bob] = [await knock(first), await knock(second)];
    const { userId } = await bob.receives({ type: "READY" });
    const body = { name: "A room", members: [userId] };
    const { id: chatId } = dataOf<Room>(await ask(`${node.url}/v1/rooms`, { method: "POST", token: first, body }), 201);
    const { seq } = await alice.acts({ type: "SEND_MSG", chatId, message: "before" });

    const stopped = node.stop();
    // The sessions' ends are spread: with the first the node drains, until the last.
    await Promise.race([alice.closed, bob.closed]);
    expect((await ask(`${node.url}/readyz`)).status).toBe(503);
    for (const session of [alice, bob]) expect((await session.closed).code).toBe(1012);
    await stopped;
    expect(await readdir(join(folder, "postgres"))).not.toContain("postmaster.pid");

    await start();
    const back = await knock(second, { query: "?resume=1" });
    await back.receives({ type: "READY" });
    back.send({ type: "RESUME", rooms: { [chatId]: 1 } });
    await back.receives({ type: "RESUMED" });
    expect(back.events(chatId)).toMatchObject([{ type: "SEND_MSG", message: "before", seq }]);
    const event = await back.acts({ type: "SEND_MSG", chatId, message: "after" });
    expect(event.seq).toBe(seq + 1);
    back.close();
  });
});

describe("a node that is told something wrong", () => {
  test.concurrent.each([
    ["api", "JWT_SECRET", {}],
    ["gateway", "REDIS_URL", { JWT_SECRET: SECRET, DATABASE_URL: "postgres://127.0.0.1:1/none" }],
    ["standalone", "JWT_SECRET", { JWT_SECRET: "a short secret" }],
    ["standalone", "ACTION_RATE", { ACTION_RATE: "fast" }],
    ["standalone", "ALLOWED_ORIGINS", { ALLOWED_ORIGINS: "no-origin.test" }],
  ] as const)("does not start as %s: one line names %s, and not what it was told", async (kind, variable, env) => {
    const failure = await startNode({ kind, env }).then(
      () => "it started",
      (error: unknown) => String(error),
    );
    const [, ...lines] = failure.split("\n").filter((line) => line !== "");
    expect(lines).toEqual([expect.stringContaining(variable)]);
    for (const told of Object.values(env)) expect(failure).not.toContain(told);
  });
});
