import { expect, test } from "vitest";
import { Calls, keyOf, latencyOf, lineOf } from "./wire.ts";

const sent = {
  type: "SEND_MSG",
  recipientId: "alice",
  chatId: "room",
  senderId: "alice",
  seq: 7,
  timeStamp: "2026-01-05T10:00:00.000Z",
  message: "hi",
  messageId: "id-7",
  clientMessageId: "k",
} as const;

test("the latency of one's own action counts from its call, once", () => {
  const calls = new Calls();
  calls.called("k", 1000);
  const called = calls.take(keyOf(sent));
  expect(latencyOf(sent, called, 1012)).toBe(12);
  expect(calls.take(keyOf(sent))).toBeUndefined();
});

test("the latency of others' events counts from the server's time, where they say one", () => {
  expect(latencyOf(sent, undefined, Date.parse(sent.timeStamp) + 5)).toBe(5);
  expect(latencyOf({ type: "STOP_TYPING", chatId: "room", senderId: "bob" }, undefined, 5)).toBeUndefined();
});

test("calls whose event never comes are forgotten, the oldest first", () => {
  const calls = new Calls();
  for (let each = 0; each <= 1000; each++) calls.called(`k${each}`, each);
  expect([calls.take("k0"), calls.take("k1"), calls.take("k1000")]).toEqual([undefined, 1, 1000]);
});

test("a line says what came, from whom and from where; the connection's own news is none", () => {
  const about = { number: 1, at: 2, node: "Gateway 1", latencyMs: 3 };
  const line = { ...about, type: "SEND_MSG", chatId: "room", userId: "alice", seq: 7 };
  expect(lineOf({ name: "message", event: sent }, about)).toEqual(line);
  expect(lineOf({ name: "connection", event: { state: "live" } }, about)).toBeUndefined();
});
