import { expect, test } from "vitest";
import { ActionTimes, keyOf, latencyOf, lineOf } from "./event-log.ts";

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

test("the latency of an own action counts from its call, once", () => {
  const times = new ActionTimes();
  times.start("k", 1000);
  const startedAt = times.take(keyOf(sent));
  expect(latencyOf(sent, startedAt, 1012)).toBe(12);
  expect(times.take(keyOf(sent))).toBeUndefined();
});

test("the latency of other events counts from the server's time, if they have one", () => {
  expect(latencyOf(sent, undefined, Date.parse(sent.timeStamp) + 5)).toBe(5);
  expect(latencyOf({ type: "STOP_TYPING", chatId: "room", senderId: "bob" }, undefined, 5)).toBeUndefined();
});

test("actions without an event are forgotten, the oldest first", () => {
  const times = new ActionTimes();
  for (let each = 0; each <= 1000; each++) times.start(`k${each}`, each);
  expect([times.take("k0"), times.take("k1"), times.take("k1000")]).toEqual([undefined, 1, 1000]);
});

test("a line has the event, its user and its gateway; `connection` events have none", () => {
  const about = { number: 1, at: 2, node: "Gateway 1", latencyMs: 3 };
  const line = { ...about, type: "SEND_MSG", chatId: "room", userId: "alice", seq: 7 };
  expect(lineOf({ name: "message", event: sent }, about)).toEqual(line);
  expect(lineOf({ name: "connection", event: { state: "live" } }, about)).toBeUndefined();
});
