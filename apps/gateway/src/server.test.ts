import { get } from "node:http";
import { connect } from "node:net";
import { json } from "node:stream/consumers";
import { afterEach, expect, onTestFinished, test, vi } from "vitest";
import { closeGateways, eventually, openGateway, socketOf } from "./gateway.fake.ts";

afterEach(closeGateways);

interface Refusal {
  readonly status: number | undefined;
  readonly retryAfter?: string | undefined;
  /** The problem that the answer holds. */
  readonly detail?: string;
}

/** The answer to a refused request for an upgrade. */
const answer = (url: string, headers: Record<string, string> = {}) =>
  new Promise<Refusal>((resolve, reject) => {
    const upgrade = { Connection: "Upgrade", Upgrade: "websocket", "Sec-WebSocket-Version": "13" };
    const key = { "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==" };
    const request = get(url.replace("ws:", "http:"), { headers: { ...upgrade, ...key, ...headers } }, (response) => {
      const { statusCode: status, headers: given } = response;
      json(response).then(
        (body) => resolve({ status, retryAfter: given["retry-after"], detail: (body as { detail: string }).detail }),
        reject,
      );
    });
    request.on("upgrade", (response, socket) => {
      resolve({ status: response.statusCode });
      socket.destroy();
    });
    request.on("error", reject);
  });

test("above MAX_SESSIONS, a session is refused with 503 and Retry-After, and let in when another left", async () => {
  const { enter, gateway, url } = await openGateway({ maxSessions: 2 });
  const [first] = await Promise.all([enter("ann"), enter("ben")]);
  expect(await answer(url)).toEqual({ status: 503, retryAfter: "1", detail: "no more sessions here" });
  first.ws.close();
  await eventually(() => expect(gateway.sessions()).toBe(1));
  await enter("cleo");
});

test("only /realtime is a socket, only for pages of this host", async () => {
  const { url, port } = await openGateway();
  const status = async (path: string, headers?: Record<string, string>) =>
    (await answer(url.replace("/realtime", path), headers)).status;
  expect(
    await Promise.all(["/", "/realtime/", "/Realtime", "//realtime", "/x?/realtime"].map((path) => status(path))),
  ).toEqual([404, 404, 404, 404, 404]);
  expect(await status("/realtime", { Origin: "https://evil.example.org" })).toBe(403);
  expect(await status("/realtime", { Origin: "null" })).toBe(403);
  expect(await status("/realtime", { Origin: `http://127.0.0.1:${port}` })).toBe(101);
  expect(await status("/realtime?resume=1&x=%")).toBe(101);
});

test("a list of origins adds to the node's own page; a refusal says why, to the page and once in the log", async () => {
  const friend = "https://app.example.org";
  const { url, port, logged } = await openGateway({ allowedOrigins: [friend] });
  const own = `http://127.0.0.1:${port}`;
  for (const origin of [friend, own]) expect((await answer(url, { Origin: origin })).status).toBe(101);
  for (let count = 0; count < 2; count++)
    expect(await answer(url, { Origin: "https://evil.example" })).toMatchObject({
      status: 403,
      detail: expect.stringMatching(/"https:\/\/evil\.example".*ALLOWED_ORIGINS.*"127\.0\.0\.1:\d+"/),
    });
  expect(logged.map((line) => JSON.parse(line))).toMatchObject([{ origin: "https://evil.example" }]);
});

// A socket that asked for an upgrade has no other listener: an error on it would end the process.
test("a peer that resets while it is refused does no harm, and one that stays is cut", async () => {
  const { port, sockets } = await openGateway();
  const refused = Array.from({ length: 20 }, (_, index) => {
    const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
    socket.on("error", () => {});
    socket.write("GET /nowhere HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
    // Unread bytes have the kernel answer with a reset as well.
    socket.write("x".repeat(100_000));
    if (index % 2 === 0) setTimeout(() => socket.resetAndDestroy(), 1);
    return socket;
  });
  await eventually(() => expect(refused.every((socket) => socket.bytesRead > 0 || socket.destroyed)).toBe(true));
  await eventually(() => expect(sockets.size).toBe(0));
  for (const socket of refused) socket.destroy();
});

test("a drain spreads its closes with 1012, lets no session in, and resolves when they are gone", async () => {
  const { enter, gateway, url } = await openGateway();
  const clients = await Promise.all(["a", "b", "c", "d"].map((userId) => enter(userId)));
  const closedAt = clients.map(() => 0);
  const began = performance.now();
  for (const [index, { ws }] of clients.entries()) ws.on("close", () => (closedAt[index] = performance.now() - began));
  const drained = gateway.drain();
  expect((await answer(url)).status).toBe(503);
  await drained;
  expect(gateway.sessions()).toBe(0);
  expect(clients.map(({ code }) => code)).toEqual([1012, 1012, 1012, 1012]);
  const [first = 0, , , last = 0] = closedAt.sort((a, b) => a - b);
  expect(first).toBeLessThan(1200);
  expect(last).toBeGreaterThan(3500);
}, 15_000);

test("a frame above 256 KiB closes with 1009, and the session is over also when its client stays", async () => {
  const { enter, gateway, hub, roomOf } = await openGateway();
  await roomOf("ann");
  const client = await enter("ann");
  const raw = socketOf(client);
  raw.pause();
  client.ws.send("x".repeat(300_000));
  await eventually(() => expect(hub.counts()).toMatchObject({ users: 0 }));
  await eventually(() => expect(gateway.sessions()).toBe(0));
  raw.resume();
  expect(await client.closes()).toBe(1009);
});

test("garbage instead of frames ends the session, and no other", async () => {
  const { enter, gateway } = await openGateway();
  const [ann, ben] = await Promise.all([enter("ann"), enter("ben")]);
  const raw = socketOf(ann);
  raw.write(Buffer.from([0xff, 0xff, 0xff, 0xff]));
  await ann.closes();
  await eventually(() => expect(gateway.sessions()).toBe(1));
  ben.send({ type: "PING", ref: 1 });
  await ben.receives("PONG");
});

test("sessions leave no subscriber, no room and no timer behind", async () => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"], shouldAdvanceTime: true });
  onTestFinished(() => void vi.useRealTimers());
  const { enter, open, gateway, hub, roomOf } = await openGateway({ maxSessions: 1000 });
  await roomOf("ann", "ben");
  await enter("ben");
  await eventually(() => expect(hub.counts()).toMatchObject({ users: 1, rooms: 1 }));
  const before = vi.getTimerCount();
  for (let round = 0; round < 10; round++) {
    const clients = await Promise.all([enter("ann"), enter("ann", "?resume=1"), enter("cleo")]);
    const anonymous = open();
    await eventually(() => expect(gateway.sessions()).toBe(5));
    for (const { ws } of [...clients, anonymous]) round % 2 === 0 ? ws.close() : ws.terminate();
    await eventually(() => expect(gateway.sessions()).toBe(1));
  }
  await eventually(() => expect(hub.counts()).toMatchObject({ users: 1, rooms: 1 }));
  await eventually(() => expect(vi.getTimerCount()).toBeLessThanOrEqual(before));
}, 20_000);
