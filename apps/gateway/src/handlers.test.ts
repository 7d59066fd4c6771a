import type { RateLimit } from "@signalbox/core/commands/rate-limit";
import { Problem } from "@signalbox/protocol/errors";
import { afterEach, expect, onTestFinished, test, vi } from "vitest";
import { clientFrames, closeGateways, eventually, openGateway, socketOf } from "./gateway.fake.ts";

afterEach(closeGateways);

const ping = (ref: unknown) => ({ type: "PING", ref });

test("frames that come in one piece with the handshake are read when the session is in, in their order", async () => {
  const { open, roomOf, tokenOf } = await openGateway();
  const chatId = await roomOf("ann");
  const token = await tokenOf("ann");
  const say = (ref: number) => ({ type: "SEND_MSG", chatId, message: `message ${ref}`, ref });
  const client = open("", { early: [{ type: "AUTH", token }, ping("first"), say(1), say(2), say(3), ping("last")] });
  await client.receives("ACK", 3);
  expect(client.frames[0]?.type).toBe("READY");
  expect(client.of("PONG").map(({ ref }) => ref)).toEqual(["first", "last"]);
  expect(client.of("ACK").map(({ ref, data }) => [ref, data.message])).toEqual([
    [1, "message 1"],
    [2, "message 2"],
    [3, "message 3"],
  ]);
  expect(client.of("ERROR")).toEqual([]);
});

test("so is a RESUME right behind the AUTH, and a second AUTH", async () => {
  const { open, roomOf, say, tokenOf } = await openGateway();
  const chatId = await roomOf("ann");
  await say("ann", chatId);
  const token = await tokenOf("ann");
  const auth = { type: "AUTH", token };
  const client = open("?resume=1", { early: [auth, { ...auth, ref: 1 }, { type: "RESUME", rooms: { [chatId]: 1 } }] });
  await client.receives("RESUMED");
  await client.receives("ACK");
  expect(client.frames[0]?.type).toBe("READY");
  expect(client.of("SEND_MSG").map(({ seq }) => seq)).toEqual([2]);
  expect(client.of("ERROR")).toEqual([]);
});

test("without AUTH, anything else that is a frame closes with 4401", async () => {
  const { open, gateway } = await openGateway();
  const clients = [ping(1), { type: "RESUME", rooms: {} }, { type: "TYPING", chatId: "x" }].map((frame) =>
    open("", { early: [frame, { type: "AUTH", token: "x" }] }),
  );
  expect(await Promise.all(clients.map((client) => client.closes()))).toEqual([4401, 4401, 4401]);
  await eventually(() => expect(gateway.sessions()).toBe(0));
});

test("a fresh token of the same user prolongs the session, one that does not hold changes nothing", async () => {
  vi.useFakeTimers({ toFake: ["setInterval", "clearInterval", "Date"], now: Date.now() });
  onTestFinished(() => void vi.useRealTimers());
  const { open, tokenOf } = await openGateway();
  const token = await tokenOf("ann", 5);
  const [prolonged, other] = [0, 1].map(() => open("", { early: [{ type: "AUTH", token }] }));
  await Promise.all([prolonged?.receives("READY"), other?.receives("READY")]);
  const fresh = await tokenOf("ann", 3600);
  prolonged?.send({ type: "AUTH", token: fresh, ref: "good" }, { type: "AUTH", token: "nonsense", ref: "bad" });
  expect(await prolonged?.receives("ACK")).toMatchObject({ ref: "good", data: { expiresAt: expect.any(String) } });
  expect(await prolonged?.receives("ERROR")).toMatchObject({ ref: "bad", code: "unauthenticated" });
  vi.advanceTimersByTime(7000);
  expect(await other?.closes()).toBe(4401);
  prolonged?.send(ping(1));
  await prolonged?.receives("PONG");
});

test("a token of another user closes with 4403", async () => {
  const { enter, tokenOf } = await openGateway();
  const client = await enter("ann");
  client.send({ type: "AUTH", token: await tokenOf("ben") });
  expect(await client.closes()).toBe(4403);
});

test("RESUME is refused twice, without ?resume=1, and with nonsense, and the connection stays", async () => {
  const { enter, roomOf } = await openGateway();
  const chatId = await roomOf("ann");
  const [live, held] = await Promise.all([enter("ann"), enter("ann", "?resume=1")]);
  const resume = (rooms: unknown, ref: number) => ({ type: "RESUME", rooms, ref });
  live.send(resume({}, 1));
  expect(await live.receives("ERROR")).toMatchObject({ ref: 1, code: "invalid" });
  held.send(resume("all", 1), resume({ constructor: 1, general: 1 }, 2), resume({ [chatId]: 1 }, 3), resume({}, 4));
  await held.receives("ERROR", 3);
  expect(held.of("ERROR").map(({ ref }) => ref)).toEqual([1, 2, 4]);
  expect(held.of("RESUMED")).toHaveLength(1);
});

test.each([
  "",
  "null",
  "1",
  '"PING"',
  "[]",
  "{}",
  "{",
  '{"type":1}',
  '{"type":["PING"]}',
  '{"type":"__proto__"}',
  '{"type":"constructor"}',
  '{"type":"toString"}',
  '{"type":"hasOwnProperty"}',
  '{"__proto__":{"type":"PING"}}',
  '{"type":"PING","ref":{}}',
  '{"type":"PING","ref":null}',
  '{"type":"PING","ref":1e999}',
  '{"type":"READY"}',
  '{"type":"SEND_MSG"}',
])("%s is answered with invalid, and the connection stays", async (json) => {
  const { enter, logged } = await openGateway();
  const client = await enter("ann");
  client.send(json, ping("after"));
  expect(await client.receives("ERROR")).toEqual({ type: "ERROR", code: "invalid", detail: expect.any(String) });
  expect(await client.receives("PONG")).toEqual({ type: "PONG", ref: "after" });
  expect(logged).toEqual([]);
});

test("nothing that a frame holds gets into the answer's prototype, and a ref comes back as it was", async () => {
  const { enter } = await openGateway();
  const client = await enter("ann");
  const refs = ["", "__proto__", "constructor", '\u00e9\u{1f44d}"\\', "x".repeat(128), 0, -1.5, 1e300, 2 ** 53];
  client.send(...refs.map(ping), '{"type":"PING","__proto__":{"ref":"polluted"},"ref":"own"}');
  await client.receives("PONG", refs.length + 1);
  expect(client.of("PONG").map(({ ref }) => ref)).toEqual([...refs, "own"]);
});

test("a ref beyond 128 characters, binary frames and JSON of 256 KiB and any depth are refused; others are served", async () => {
  const { enter } = await openGateway();
  const client = await enter("ann");
  client.send(ping("x".repeat(129)), ping("x".repeat(200_000)));
  client.ws.send(Buffer.from('{"type":"PING"}'), { binary: true });
  client.send(
    "[".repeat(131_072) + "]".repeat(131_072),
    `{"type":"PING","deep":${'{"a":'.repeat(40_000)}1${"}".repeat(40_001)}`,
  );
  client.send(`{"type":"SEND_MSG","chatId":${"[".repeat(100_000)}${"]".repeat(100_000)},"message":"hello"}`);
  await client.receives("ERROR", 5);
  await client.receives("PONG");
  expect(new Set(client.of("ERROR").map(({ code }) => code))).toEqual(new Set(["invalid"]));
});

test("actions in flight when a session closes are committed, and nothing comes of their answers", async () => {
  const { enter, roomOf, store } = await openGateway();
  const chatId = await roomOf("ann");
  const client = await enter("ann");
  for (let ref = 0; ref < 50; ref++) client.send({ type: "SEND_MSG", chatId, message: "bye", ref });
  client.ws.close(1000);
  expect(await client.closes()).toBe(1000);
  await eventually(() => expect(store.room(chatId)?.lastSeq).toBe(51));
});

test("frames behind a close are not read", async () => {
  const { enter, roomOf, store, tokenOf } = await openGateway();
  const chatId = await roomOf("ann");
  const client = await enter("ann");
  const raw = socketOf(client);
  const closing = { type: "AUTH", token: await tokenOf("ben") };
  const say = { type: "SEND_MSG", chatId, message: "late" };
  raw.write(clientFrames([closing]));
  expect(await client.closes()).toBe(4403);
  raw.write(clientFrames([say, say]));
  expect(store.room(chatId)?.lastSeq).toBe(1);
});

test("actions act in their order although the limit answers out of order, and refusals end nothing", async () => {
  const refused = new Problem("rate_limited", "too many actions", { retryAfterMs: 5 });
  const takes: { resolve(): void; reject(error: unknown): void }[] = [];
  const rateLimit: RateLimit = { take: () => new Promise((resolve, reject) => void takes.push({ resolve, reject })) };
  const { enter, roomOf } = await openGateway({ session: { rateLimit } });
  const chatId = await roomOf("ann");
  const client = await enter("ann");
  for (const ref of [1, 2, 3, 4]) client.send({ type: "SEND_MSG", chatId, message: String(ref), ref });
  await eventually(() => expect(takes).toHaveLength(4));
  takes[3]?.resolve();
  takes[1]?.reject(refused);
  takes[2]?.resolve();
  // An unhandled rejection would end the process here.
  client.send(ping(1));
  await client.receives("PONG");
  expect(client.of("ACK")).toEqual([]);
  takes[0]?.resolve();
  await client.receives("ACK", 3);
  expect(client.of("ACK").map(({ ref }) => ref)).toEqual([1, 3, 4]);
  expect(client.of("ERROR")).toMatchObject([{ ref: 2, code: "rate_limited", retryAfterMs: 5 }]);
});

test("a socket that goes on for 10 s against the limit is closed with 4029, one that pauses is not", async () => {
  const rateLimit: RateLimit = { take: () => Promise.reject(new Problem("rate_limited", "too many actions")) };
  const { enter, roomOf } = await openGateway({ session: { rateLimit } });
  const chatId = await roomOf("ann", "ben");
  const [defiant, calm] = await Promise.all([enter("ann"), enter("ben")]);
  let now = performance.now();
  const began = now;
  const clock = vi.spyOn(performance, "now").mockImplementation(() => now);
  const typing = { type: "TYPING", chatId };
  for (let times = 1; defiant.code === undefined && times < 20; times++) {
    defiant.send(typing);
    if (times % 3 === 1) calm.send(typing);
    await eventually(() => expect(defiant.of("ERROR").length === times || defiant.code !== undefined).toBe(true));
    await calm.receives("ERROR", Math.ceil(times / 3));
    now += 1000;
  }
  clock.mockRestore();
  expect(await defiant.closes()).toBe(4029);
  expect(now - began).toBeGreaterThanOrEqual(10_000);
  expect(calm.code).toBeUndefined();
});
