import { parseMessageId, parseRoomId } from "@signalbox/protocol/ids";
import { expect, test } from "vitest";
import { clampTimestamp, roomIdOf, subjectIdOf, transactionIdOf, userIdOf } from "./ids.ts";

test("rooms and users of Matrix have ids that stay the same for ever", () => {
  expect(roomIdOf("!harbour:matrix.example")).toBe("67b6586f-ad59-8fef-88d5-fc62e1a4e18d");
  expect(userIdOf("@ada:matrix.example")).toBe("294519b6-e652-85d4-ada6-c6ead471ebd8");
  expect(parseRoomId(roomIdOf("!harbour"))).toMatch(/^.{14}8.{4}[89ab]/);
});

test("a room and a user of the same name are not the same", () => {
  expect(roomIdOf("x")).not.toBe(userIdOf("x"));
});

test("a message's id holds its time and a hash of its event id", () => {
  const id = subjectIdOf("$event", new Date(Date.UTC(2026, 0, 1)));
  expect(id).toBe("019b76da-a800-7940-bfb8-fc9eedd9c606");
  expect(parseMessageId(id)).toBe(id);
  expect(Number.parseInt(id.replace("-", "").slice(0, 12), 16)).toBe(Date.UTC(2026, 0, 1));
  expect(subjectIdOf("$other", new Date(Date.UTC(2026, 0, 1)))).not.toBe(id);
});

test.each([
  [-1, 0],
  [1.5, 1],
  [5000, 1000],
  [Number.POSITIVE_INFINITY, 1000],
])("a time of %d, at 1000, is taken as %d", (ts, time) => {
  expect(clampTimestamp(ts, 1000).getTime()).toBe(time);
});

test("the latest time is the last one that fits an id", () => {
  expect(subjectIdOf("$event", clampTimestamp(1e300, 1e300)).slice(0, 13)).toBe("ffffffff-ffff");
});

test("a repeat with the same client id has the same transaction id, and nothing else has", () => {
  const id = transactionIdOf("!r", "@a", "c-1");
  expect(id).toMatch(/^[\w-]{43}$/);
  expect(transactionIdOf("!r", "@a", "c-1")).toBe(id);
  const others = [
    transactionIdOf("!r", "@a", "c-2"),
    transactionIdOf("!r", "@b", "c-1"),
    transactionIdOf("!s", "@a", "c-1"),
  ];
  const random = [transactionIdOf("!r", "@a", null), transactionIdOf("!r", "@a", null)];
  expect(new Set([id, ...others, ...random]).size).toBe(6);
});
