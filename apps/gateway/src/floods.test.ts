import type { AuthenticatedClaims } from "@signalbox/node/access";
import { afterEach, expect, onTestFinished, test, vi } from "vitest";
import {
  admitting,
  type Client,
  clientFrames,
  closeGateways,
  eventually,
  openGateway,
  socketOf,
} from "./gateway.fake.ts";

afterEach(closeGateways);

const ping = (ref: unknown) => ({ type: "PING", ref });

test("AUTH frames are bounded like actions: those above the bound wait in the socket", async () => {
  let underWay = 0;
  let most = 0;
  const held: (() => void)[] = [];
  const claims = { userId: "ann", name: null, service: false, issuedAt: new Date(), expiresAt: new Date(8.64e15) };
  const authenticate = () => {
    most = Math.max(most, ++underWay);
    return new Promise<AuthenticatedClaims>((resolve) => {
      held.push(() => {
        underWay--;
        resolve({ ...claims, hidden: false });
      });
    });
  };
  const access = { ...admitting(claims), authenticate };
  const { open } = await openGateway({ session: { access } });
  const [client, other] = [0, 1].map(() => open("", { early: [{ type: "AUTH", token: "x" }] })) as [Client, Client];
  await Promise.all([client.receives("READY"), other.receives("READY")]);
  // Each is so large that a read brings few of them.
  const auth = { type: "AUTH", token: "x".repeat(16_000), ref: 1 };
  for (let count = 0; count < 600; count++) client.send(auth);
  await eventually(() => expect(held.length).toBeGreaterThan(255));
  // Time enough for a gateway that would read on.
  for (let round = 1; round <= 20; round++) {
    other.send(ping(round));
    await other.receives("PONG", round);
  }
  expect(most).toBeLessThan(300);
  const release = setInterval(() => held.splice(0).forEach((each) => void each()), 1);
  await client.receives("ACK", 600);
  clearInterval(release);
});

test("a flood of PINGs that is not read is closed, and keeps no other session waiting", async () => {
  const { enter, deps } = await openGateway({ session: { bufferBytes: 65_536 } });
  const [flooding, other] = await Promise.all([enter("ann"), enter("ben")]);
  const raw = socketOf(flooding);
  flooding.ws.pause();
  const flood = clientFrames(Array.from({ length: 20_000 }, () => ping("x".repeat(128))));
  let waited = 0;
  for (let round = 1; round < 60 && !raw.destroyed; round++) {
    raw.write(flood);
    const began = performance.now();
    other.send(ping(round));
    await other.receives("PONG", round);
    waited = Math.max(waited, performance.now() - began);
    if (deps.hub.counts().users === 1) break;
  }
  flooding.ws.resume();
  // 1006: it was cut when it had not read its close frame for a second.
  expect([4001, 4029, 1006]).toContain(await flooding.closes());
  expect(other.code).toBeUndefined();
  expect(waited).toBeLessThan(2000);
}, 30_000);

test.each([
  ["garbage", "x", "ERROR"],
  ["actions that are not valid", { type: "SEND_MSG" }, "ERROR"],
  ["PINGs", { type: "PING" }, "PONG"],
])(
  "a flood of %s is answered a thousand times and then closed with 4029, and another session is served meanwhile",
  async (_, frame, answer) => {
    const { enter } = await openGateway();
    const [flooding, other] = await Promise.all([enter("ann"), enter("ben")]);
    socketOf(flooding).write(clientFrames(Array.from({ length: 100_000 }, () => frame)));
    const began = performance.now();
    other.send(ping(1));
    await other.receives("PONG");
    expect(performance.now() - began).toBeLessThan(2000);
    expect([4029, 1006]).toContain(await flooding.closes());
    expect(flooding.of(answer).length).toBeGreaterThanOrEqual(1000);
    expect(flooding.of(answer).length).toBeLessThan(2000);
  },
);

test("frames that are no actions are let through at 200 a second for any length of time", async () => {
  const { enter } = await openGateway();
  let now = performance.now();
  const clock = vi.spyOn(performance, "now").mockImplementation(() => now);
  onTestFinished(() => clock.mockRestore());
  const client = await enter("ann");
  for (let second = 1; second <= 20; second++) {
    for (let count = 0; count < 200; count++) client.send({ type: "PING" });
    await client.receives("PONG", second * 200);
    now += 1000;
  }
  expect(client.code).toBeUndefined();
});
