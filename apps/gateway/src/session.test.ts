import { Problem } from "@signalbox/protocol/errors";
import { afterEach, expect, onTestFinished, test, vi } from "vitest";
import { admitting, Client, closeGateways, eventually, openGateway } from "./gateway.fake.ts";
import { SUBPROTOCOL } from "./handshake.ts";
import { Heartbeat } from "./heartbeat.ts";

afterEach(closeGateways);

test("a silent session is closed with 4408: without AUTH, and without the RESUME that it announced", async () => {
  const { open, enter, gateway } = await openGateway();
  const [anonymous, held] = [open(), await enter("ann", "?resume=1")];
  expect(await Promise.all([anonymous.closes(), held.closes()])).toEqual([4408, 4408]);
  await eventually(() => expect(gateway.sessions()).toBe(0));
}, 10_000);

test.each([
  ["nonsense", "nonsense"],
  ["nothing", ""],
  ["a token above 16 KiB", "x".repeat(16_385)],
])("a token that is %s is accepted and then closed with 4401", async (_, token) => {
  const { url } = await openGateway();
  const client = new Client(url, [], { headers: { Authorization: `Bearer ${token}` } });
  const other = new Client(url, [SUBPROTOCOL, `bearer.${token}`], {});
  client.ws.on("open", () => token === "" && client.send({ type: "AUTH", token }));
  expect(await Promise.all([client.closes(), other.closes()])).toEqual([4401, 4401]);
});

test("a token that expired a second ago is refused, and one that expires ends its session within a second", async () => {
  const { open, tokenOf } = await openGateway();
  const late = open("", { early: [{ type: "AUTH", token: await tokenOf("ann", -1) }] });
  expect(await late.closes()).toBe(4401);

  const token = await tokenOf("ann", 2);
  const expiresAt = JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString()).exp * 1000;
  const brief = open("", { early: [{ type: "AUTH", token }] });
  await brief.receives("READY");
  expect(await brief.closes()).toBe(4401);
  expect(Date.now() - expiresAt).toBeGreaterThanOrEqual(0);
  expect(Date.now() - expiresAt).toBeLessThan(1300);
});

test("claims that are over when the session comes in end it at once", async () => {
  const claims = { userId: "ann", name: null, service: false, issuedAt: new Date(), expiresAt: new Date(0) };
  const { open } = await openGateway({ session: { access: admitting(claims) } });
  const client = open("", { early: [{ type: "AUTH", token: "x" }] });
  await client.receives("READY");
  expect(await client.closes()).toBe(4401);
});

test("a session without a pong is closed with 4002, others go on", async () => {
  vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
  onTestFinished(() => void vi.useRealTimers());
  const heartbeat = new Heartbeat();
  const { enter, deps } = await openGateway({ session: { heartbeat } });
  expect(deps.heartbeat).toBe(heartbeat);
  const [ann, ben] = await Promise.all([enter("ann", "", { autoPong: false }), enter("ben")]);
  const pinged = new Promise((resolve) => ann.ws.once("ping", resolve));
  const bens = new Promise((resolve) => ben.ws.once("ping", resolve));
  vi.advanceTimersByTime(25_000);
  await Promise.all([pinged, bens]);
  // A round trip: its pong has been read by then.
  ben.send({ type: "PING" });
  await ben.receives("PONG");
  vi.advanceTimersByTime(10_000);
  expect(await ann.closes()).toBe(4002);
  expect(ben.code).toBeUndefined();
});

test("a peer that does not read its close frame is cut after a second", async () => {
  const { enter, gateway, hub, writer } = await openGateway();
  const client = await enter("ann");
  client.ws.pause();
  await writer.revoke("ann");
  const began = performance.now();
  await eventually(() => expect(gateway.sessions()).toBe(0));
  expect(performance.now() - began).toBeGreaterThan(900);
  expect(performance.now() - began).toBeLessThan(2500);
  expect(hub.counts().users).toBeLessThanOrEqual(1);
  client.ws.resume();
  expect(await client.closes()).toBe(4409);
});

test("a session that stops reading is closed with 4001 and gets only whole frames; others get everything", async () => {
  const { enter, roomOf, say, gateway } = await openGateway({ session: { bufferBytes: 65_536 } });
  const chatId = await roomOf("ann", "ben");
  const [slow, quick] = await Promise.all([enter("ann"), enter("ben")]);
  slow.ws.pause();
  let said = 0;
  const message = "x".repeat(30_000);
  const held = gateway.sessions();
  while (slow.ws.readyState === slow.ws.OPEN && said < 2000) {
    await say("ben", chatId, message);
    said++;
    await quick.receives("SEND_MSG", said);
    if (gateway.sessions() < held) break;
  }
  slow.ws.resume();
  // Cut when it was paused for longer than a second after the close.
  expect([4001, 1006]).toContain(await slow.closes());
  const seqs = slow.of("SEND_MSG").map(({ seq }) => seq);
  expect(seqs).toEqual(seqs.map((_, index) => index + 2));
  expect(quick.of("SEND_MSG")).toHaveLength(said);
  expect(said).toBeLessThan(2000);
}, 30_000);

test("a session with a buffer smaller than a READY or an event comes in and gets both", async () => {
  const { enter, roomOf, say } = await openGateway({ session: { bufferBytes: 1024 } });
  const rooms = await Promise.all(Array.from({ length: 50 }, () => roomOf("ann")));
  const chatId = rooms[0] ?? "";
  await say("ann", chatId, "x".repeat(32_000));
  const client = await enter("ann", "?resume=1");
  client.send({ type: "RESUME", rooms: { [chatId]: 0 } });
  await client.receives("RESUMED");
  // Behind it comes what is true at the moment.
  expect(client.frames.slice(0, 4).map(({ type }) => type)).toEqual(["READY", "NEW_CHAT", "SEND_MSG", "RESUMED"]);
});

test("a resume that the store cannot serve ends with 4003, so that its client comes again", async () => {
  const { enter, roomOf, store, hub } = await openGateway();
  const chatId = await roomOf("ann");
  const client = await enter("ann", "?resume=1");
  store.underway = (method) =>
    method === "resumable" ? Promise.reject(new Problem("unavailable", "away")) : undefined;
  client.send({ type: "RESUME", rooms: { [chatId]: 99 } });
  expect(await client.closes()).toBe(4003);
  await eventually(() => expect(hub.counts()).toMatchObject({ users: 0 }));
});

test("a session that is closed while its token is checked takes no subscriber", async () => {
  let release: () => void = () => {};
  const checked = new Promise<void>((resolve) => (release = resolve));
  const claims = { userId: "ann", name: null, service: false, issuedAt: new Date(), expiresAt: new Date(8.64e15) };
  const verify = vi.fn(() => checked.then(() => claims));
  const access = { ...admitting(claims), verify };
  const { open, gateway, hub } = await openGateway({ session: { access } });
  const client = open("", { early: [{ type: "AUTH", token: "x" }] });
  await eventually(() => expect(verify).toHaveBeenCalled());
  await gateway.drain();
  expect(await client.closes()).toBe(1012);
  release();
  await checked;
  await new Promise((resolve) => setImmediate(resolve));
  expect(hub.counts().users).toBe(0);
});

test("a revocation that comes while a session enters does not let it in", async () => {
  const { open, tokenOf, writer, store, hub } = await openGateway();
  let release: () => void = () => {};
  store.underway = (method) => (method === "roomsOf" ? new Promise<void>((resolve) => (release = resolve)) : undefined);
  const client = open("", { early: [{ type: "AUTH", token: await tokenOf("ann") }] });
  await eventually(() => expect(store.calls.get("roomsOf")).toBe(1));
  await writer.revoke("ann");
  release();
  expect([4401, 4409]).toContain(await client.closes());
  expect(client.frames).toEqual([]);
  await eventually(() => expect(hub.counts().users).toBe(0));
});

test("a session is read from its READY on, however long what is true at the moment takes", async () => {
  const { enter, hub } = await openGateway();
  vi.spyOn(hub.joining, "resumeFrom").mockReturnValue(new Promise(() => {}));
  const client = await enter("ann");
  client.send({ type: "PING" });
  await client.receives("PONG");
});
