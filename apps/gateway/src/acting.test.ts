import type { RateLimit } from "@signalbox/core/commands/rate-limit";
import { afterEach, expect, test, vi } from "vitest";
import { type Client, closeGateways, eventually, openGateway } from "./gateway.fake.ts";

afterEach(closeGateways);

const ping = (ref: unknown) => ({ type: "PING", ref });

test("a choice is acknowledged with how its user sees themselves, and told to their other sessions, not to others as it is", async () => {
  const { enter, roomOf } = await openGateway();
  await roomOf("ann", "ben");
  const [phone, laptop, ben] = await Promise.all([enter("ann"), enter("ann"), enter("ben")]);
  phone.send({ type: "PRESENCE", status: "busy", ref: 1 });
  expect(await phone.receives("ACK")).toMatchObject({
    ref: 1,
    data: { type: "PRESENCE", userId: "ann", status: "busy", lastActiveAt: expect.any(String) },
  });
  const told = (client: Client, status: string) =>
    eventually(() => expect(client.of("PRESENCE")).toContainEqual(expect.objectContaining({ userId: "ann", status })));
  await Promise.all([told(laptop, "busy"), told(ben, "busy")]);
  phone.send({ type: "PRESENCE", status: "appear_offline", ref: 2 }, { type: "PRESENCE", status: "away", ref: 3 });
  await told(laptop, "appear_offline");
  expect(await phone.receives("ERROR")).toMatchObject({ ref: 3, code: "invalid" });
  expect(ben.of("PRESENCE").map(({ status }) => status)).not.toContain("appear_offline");
});

test("the typing of a user that appears offline is shown to no other", async () => {
  const { enter, roomOf } = await openGateway();
  const chatId = await roomOf("ann", "ben");
  const [ann, ben] = await Promise.all([enter("ann"), enter("ben")]);
  ann.send({ type: "PRESENCE", status: "appear_offline", ref: 1 });
  await ann.receives("ACK");
  ann.send({ type: "TYPING", chatId, ref: 2 }, { type: "SEND_MSG", chatId, message: "hello", ref: 3 });
  await ann.receives("ACK", 3);
  await ben.receives("SEND_MSG");
  expect(ben.of("TYPING")).toEqual([]);
});

test("a marker is acknowledged and reaches the user's other sessions alone; one in a strange room is not found", async () => {
  const { enter, roomOf, say } = await openGateway();
  const chatId = await roomOf("ann", "ben");
  const { messageId } = JSON.parse(await say("ben", chatId));
  const [phone, laptop, ben, cleo] = await Promise.all([enter("ann"), enter("ann"), enter("ben"), enter("cleo")]);
  const marker = { type: "MARKER", chatId, messageId };
  phone.send({ ...marker, messageId: `msg-${messageId}`, ref: 1 });
  expect(await phone.receives("ACK")).toEqual({ type: "ACK", ref: 1, data: marker });
  expect(await laptop.receives("MARKER")).toEqual(marker);
  cleo.send({ ...marker, ref: 2 });
  expect(await cleo.receives("ERROR")).toMatchObject({ ref: 2, code: "not_found" });
  ben.send(ping(1));
  await ben.receives("PONG");
  expect(ben.of("MARKER")).toEqual([]);
});

test("choices and markers take a token each, and their turn among the actions", async () => {
  const taken: string[] = [];
  const answers: (() => void)[] = [];
  const rateLimit: RateLimit = { take: () => new Promise((resolve) => void answers.push(resolve)) };
  const { enter, roomOf, say, deps } = await openGateway({ session: { rateLimit } });
  const chatId = await roomOf("ann");
  const { messageId } = JSON.parse(await say("ann", chatId));
  for (const [name, target] of [
    ["act", deps.writer],
    ["setMarker", deps.writer],
    ["choose", deps.presence],
  ] as const) {
    const original = Reflect.get(target, name) as (...args: unknown[]) => unknown;
    Reflect.set(target, name, (...args: unknown[]) => {
      taken.push(name);
      return original(...args);
    });
  }
  const client = await enter("ann");
  client.send(
    { type: "MARKER", chatId, messageId, ref: 1 },
    { type: "SEND_MSG", chatId, message: "hello", ref: 2 },
    { type: "PRESENCE", status: "busy", ref: 3 },
    { type: "ACTIVE", ref: 4 },
    ping(5),
  );
  await client.receives("PONG");
  expect([answers.length, taken]).toEqual([3, []]);
  for (const answer of answers.reverse()) answer();
  await client.receives("ACK", 3);
  expect(taken).toEqual(["setMarker", "act", "choose"]);
});

test("actions, typing and ACTIVE are what a person does; PINGs, markers and nonsense are not", async () => {
  const { enter, roomOf, say, hub } = await openGateway();
  const chatId = await roomOf("ann");
  const { messageId } = JSON.parse(await say("ann", chatId));
  const client = await enter("ann");
  const active = vi.spyOn(hub, "active");
  client.send({ type: "SEND_MSG", chatId, message: "x" }, { type: "TYPING", chatId }, { type: "ACTIVE" });
  client.send({ type: "MARKER", chatId, messageId }, "x", { type: "ACTION" }, { type: "SEND_MSG" }, ping(1));
  await client.receives("PONG");
  expect(active.mock.calls).toEqual([["ann"], ["ann"], ["ann"]]);
});
