import { Agent } from "node:http";
import { connect } from "node:net";
import { Problem } from "@signalbox/protocol/errors";
import { afterEach, expect, test, vi } from "vitest";
import { admitting, closeGateways, eventually } from "./gateway.fake.ts";
import { openStreams } from "./reader.fake.ts";

afterEach(closeGateways);

const UNKNOWN = "660e8400-e29b-41d4-a716-446655440001";

test("a member is answered with a stream that nothing in between keeps or collects", async () => {
  const { roomOf, read } = await openStreams();
  const reader = await read("ann", await roomOf("ann"));
  expect(await reader.answered()).toMatchObject({
    status: 200,
    headers: {
      "content-type": "text/event-stream",
      "cache-control": "no-cache",
      "x-accel-buffering": "no",
      vary: "Origin",
    },
  });
  const [, retry] = /^retry: (\d+)\n\n/.exec(reader.text) ?? [];
  expect(Number(retry)).toBeGreaterThanOrEqual(1000);
  expect(Number(retry)).toBeLessThanOrEqual(3000);
});

test("a room of others, an unknown one and a text that is no room id get the same answer", async () => {
  const { roomOf, ask, authorization, pathOf, gateway, hub } = await openStreams();
  const paths = [await roomOf("ben"), UNKNOWN, "general", "%", "%2F"].map((id) => pathOf(id));
  const answers = await Promise.all(
    paths.map(async (path) => {
      const reader = ask(path, await authorization("ann"));
      return { ...(await reader.problem()), text: reader.text };
    }),
  );
  expect(answers.map(({ status }) => status)).toEqual([404, 404, 404, 404, 404]);
  expect(new Set(answers.map(({ text }) => text)).size).toBe(1);
  expect(answers[0]?.headers["content-type"]).toBe("application/problem+json; charset=utf-8");
  await eventually(() => expect(gateway.sessions()).toBe(0));
  expect(hub.counts()).toMatchObject({ rooms: 0 });
});

test("a room id is taken in all its forms, and a service may read any room", async () => {
  const claims = { userId: "robot", name: null, service: true, issuedAt: new Date(), expiresAt: new Date(8.64e15) };
  const { roomOf, read, say } = await openStreams({ session: { access: admitting(claims) } });
  const chatId = await roomOf("ann");
  const reader = await read("robot", `room-${chatId.toUpperCase()}`);
  await say("ann", chatId);
  await reader.receives("message");
});

test.each([
  ["no token", {}],
  ["nonsense", { Authorization: "Bearer nonsense" }],
  ["another scheme", { Authorization: "Basic YTpi" }],
  ["a socket's subprotocol", { "Sec-WebSocket-Protocol": "bearer.x" }],
])("%s is answered with 401", async (_, headers) => {
  const { ask, pathOf } = await openStreams();
  expect(await ask(pathOf(UNKNOWN), headers).problem()).toMatchObject({
    status: 401,
    code: "unauthenticated",
    headers: { "www-authenticate": "Bearer" },
  });
});

test("a revoked token hears that it is revoked, whether there is such a room or not", async () => {
  const { ask, authorization, pathOf, roomOf, writer, hub } = await openStreams();
  const chatId = await roomOf("ann");
  const headers = await authorization("ann");
  await writer.revoke("ann");
  for (const path of [pathOf(chatId), pathOf(UNKNOWN)])
    expect(await ask(path, headers).problem()).toMatchObject({ status: 401 });
  await eventually(() => expect(hub.counts()).toMatchObject({ users: 0 }));
});

test("a ticket opens one stream, of the user that it was made for", async () => {
  const { ask, pathOf, roomOf, say, ticketOf } = await openStreams();
  const chatId = await roomOf("ann", "ben");
  const path = pathOf(chatId, `?ticket=${await ticketOf("ann")}`);
  const reader = ask(path);
  expect(await reader.answered()).toMatchObject({ status: 200 });
  await say("ben", chatId);
  await reader.receives("message");
  expect(await ask(path).problem()).toMatchObject({ status: 401 });
  expect(await ask(pathOf(chatId, `?ticket=${await ticketOf("cleo")}`)).problem()).toMatchObject({ status: 404 });
});

test("a ticket lives no longer than the token that bought it, and is revoked with it", async () => {
  const { ask, pathOf, roomOf, ticketOf, writer } = await openStreams();
  const path = pathOf(await roomOf("ann"));
  const over = await ticketOf("ann", { expiresAt: Date.now() - 1 });
  expect(await ask(`${path}?ticket=${over}`).problem()).toMatchObject({ status: 401 });
  const brief = ask(`${path}?ticket=${await ticketOf("ann", { expiresAt: Date.now() + 300 })}`);
  expect(await brief.answered()).toMatchObject({ status: 200 });
  expect(await brief.ends()).toBe("end");
  const early = await ticketOf("ann");
  await writer.revoke("ann");
  expect(await ask(`${path}?ticket=${early}`).problem()).toMatchObject({ status: 401 });
});

test("what cannot be a ticket is not looked for, and none is taken where a token is brought", async () => {
  const { ask, authorization, engine, pathOf, roomOf, ticketOf } = await openStreams();
  const path = pathOf(await roomOf("ann"));
  const ticket = await ticketOf("ann");
  const taking = vi.spyOn(engine.tickets, "take");
  for (const wrong of ["", "x".repeat(129)]) await ask(`${path}?ticket=${wrong}`).problem();
  await ask(`${path}?ticket=${ticket}`, await authorization("ann")).answered();
  expect(taking).not.toHaveBeenCalled();
  expect(await engine.tickets.take(ticket)).not.toBeNull();
});

test.each(["", "-1", "1.5", "x", "1e3", "9007199254740992", "0x1", " 1"])(
  "%j is no place to go on from",
  async (cursor) => {
    const { ask, authorization, pathOf, roomOf } = await openStreams();
    const path = pathOf(await roomOf("ann"), `?last_event_id=${encodeURIComponent(cursor)}`);
    expect(await ask(path, await authorization("ann")).problem()).toMatchObject({ status: 400, code: "invalid" });
  },
);

test("other methods are refused, other paths are left alone", async () => {
  const { ask, authorization, pathOf, roomOf } = await openStreams();
  const path = pathOf(await roomOf("ann"));
  const headers = await authorization("ann");
  for (const method of ["POST", "PUT", "DELETE", "OPTIONS"])
    expect(await ask(path, headers, { method }).problem()).toMatchObject({ status: 405, headers: { allow: "GET" } });
  expect((await ask(path, headers, { method: "HEAD" }).answered()).status).toBe(405);
  for (const other of [`${path}/`, `${path}/snapshot`, `/x${path}`, path.toUpperCase(), "//", "/"])
    expect(await ask(other, headers).answered()).toMatchObject({
      status: 404,
      headers: { "transfer-encoding": "chunked" },
    });
});

test("pages of allowed origins may read answers of every kind, others none", async () => {
  const origin = "https://chat.example.org";
  const { ask, authorization, pathOf, roomOf } = await openStreams({ allowedOrigins: [origin] });
  const path = pathOf(await roomOf("ann"));
  const headers = await authorization("ann");
  const allowed = { "access-control-allow-origin": origin, vary: "Origin" };
  const asked = { "Access-Control-Request-Method": "GET", "Access-Control-Request-Headers": "authorization" };
  expect(await ask(path, { ...headers, Origin: origin }).answered()).toMatchObject({ status: 200, headers: allowed });
  expect(await ask(path, { Origin: origin }).answered()).toMatchObject({ status: 401, headers: allowed });
  expect(await ask(path, { Origin: origin, ...asked }, { method: "OPTIONS" }).answered()).toMatchObject({
    status: 204,
    headers: { ...allowed, "access-control-allow-headers": "Authorization, Last-Event-ID" },
  });
  for (const method of ["GET", "OPTIONS"]) {
    const stranger = { ...headers, Origin: "https://evil.example.org", ...asked };
    const { status, headers: given } = await ask(path, stranger, { method }).answered();
    expect(status).toBe(method === "GET" ? 200 : 403);
    expect(Object.keys(given).filter((name) => name.startsWith("access-control"))).toEqual([]);
    expect(given.vary).toBe("Origin");
  }
});

test("streams and sockets are counted together: above MAX_SESSIONS there is a 503 for both", async () => {
  const { ask, authorization, enter, gateway, pathOf, read, roomOf } = await openStreams({ maxSessions: 2 });
  const chatId = await roomOf("ann");
  const [reader] = await Promise.all([read("ann", chatId), enter("ann")]);
  expect(gateway.sessions()).toBe(2);
  const headers = await authorization("ann");
  expect(await ask(pathOf(chatId), headers).problem()).toMatchObject({
    status: 503,
    code: "unavailable",
    headers: { "retry-after": "1" },
  });
  reader.request.destroy();
  await eventually(() => expect(gateway.sessions()).toBe(1));
  await enter("ann");
});

test("a store that is away is a 503, a fault of ours a 500 that says nothing and is logged without the ticket", async () => {
  const { ask, pathOf, roomOf, store, logged, hub, gateway, ticketOf } = await openStreams();
  const path = pathOf(await roomOf("ann"));
  const refused = async () => ask(`${path}?ticket=${await ticketOf("ann")}`).problem();
  store.underway = () => Promise.reject(new Problem("unavailable", "away"));
  expect(await refused()).toMatchObject({ status: 503 });
  store.underway = () => Promise.reject(new Error("a bug"));
  const ticket = await ticketOf("ann");
  const reader = ask(`${path}?ticket=${ticket}`);
  expect(await reader.problem()).toMatchObject({ status: 500, code: "internal" });
  expect(reader.text).not.toContain("bug");
  expect(logged.join("")).toContain("a stream could not be opened");
  expect(logged.join("")).not.toContain(ticket);
  await eventually(() => expect([gateway.sessions(), hub.counts().users]).toEqual([0, 0]));
});

test("many requests over one connection leave nothing on it", async () => {
  const { ask, gateway, pathOf, sockets } = await openStreams();
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  for (let count = 0; count < 30; count++) await ask(pathOf(UNKNOWN), {}, { agent }).problem();
  expect(sockets.size).toBe(1);
  const [socket] = sockets;
  expect(socket?.listenerCount("close")).toBeLessThan(10);
  expect(gateway.sessions()).toBe(0);
  agent.destroy();
});

test("streams that wait for their turn on one connection are given back with it", async () => {
  const { authorization, gateway, hub, pathOf, port, roomOf } = await openStreams();
  const path = pathOf(await roomOf("ann"));
  const { Authorization } = await authorization("ann");
  const socket = connect(port, "127.0.0.1");
  const request = `GET ${path} HTTP/1.1\r\nHost: a\r\nAuthorization: ${Authorization}\r\n\r\n`;
  socket.write(request.repeat(3));
  await eventually(() => expect(gateway.sessions()).toBe(3));
  socket.destroy();
  await eventually(() => expect([gateway.sessions(), hub.counts().users]).toEqual([0, 0]));
});
