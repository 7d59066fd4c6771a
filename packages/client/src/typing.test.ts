import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { TypingStarted, TypingStopped } from "./events.ts";
import { createTyping } from "./typing.ts";

const started = (chatId: string, senderId: string): TypingStarted => ({
  type: "TYPING",
  recipientId: "me",
  chatId,
  senderId,
});
const stopped = (chatId: string, senderId: string): TypingStopped => ({ type: "STOP_TYPING", chatId, senderId });

function stage() {
  const sent: object[] = [];
  const ended: TypingStopped[] = [];
  const link = { live: true };
  const typing = createTyping(
    (frame) => {
      if (link.live) sent.push(frame);
      return link.live;
    },
    (event) => ended.push(event),
  );
  return { typing, sent, ended, link };
}

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

test("typing is sent every 2 s at most, in each chat", () => {
  const { typing, sent } = stage();
  for (let stroke = 0; stroke < 50; stroke++) {
    typing.start("a");
    vi.advanceTimersByTime(100);
  }
  typing.start("b");
  expect(sent).toEqual([...Array(3).fill({ type: "TYPING", chatId: "a" }), { type: "TYPING", chatId: "b" }]);
});

test("without a connection nothing is sent, then or later", () => {
  const { typing, sent, link } = stage();
  link.live = false;
  typing.start("a");
  typing.stop("a");
  link.live = true;
  expect(sent).toEqual([]);
  typing.start("a");
  expect(sent).toEqual([{ type: "TYPING", chatId: "a" }]);
});

test("typing again after a stop, or after the message, is sent at once", () => {
  const { typing, sent } = stage();
  typing.start("a");
  typing.stop("a");
  typing.start("a");
  typing.take(stopped("a", "me"), "me");
  typing.start("a");
  typing.take(stopped("a", "bob"), "me");
  typing.start("a");
  expect(sent.map((frame) => (frame as { type: string }).type)).toEqual(["TYPING", "STOP_TYPING", "TYPING", "TYPING"]);
});

test("the times of a bounded number of chats are remembered", () => {
  const { typing, sent } = stage();
  for (let chat = 0; chat <= 100; chat++) typing.start(`chat ${chat}`);
  typing.start("chat 0");
  typing.start("chat 100");
  expect(sent).toHaveLength(102);
});

test("typists are known by chat, until they stop", () => {
  const { typing } = stage();
  typing.take(started("a", "bob"), "me");
  typing.take(started("a", "eve"), "me");
  typing.take(started("b", "bob"), "me");
  typing.take(stopped("a", "bob"), "me");
  typing.take(stopped("c", "bob"), "me");
  expect([typing.typists("a"), typing.typists("b"), typing.typists("c")]).toEqual([["eve"], ["bob"], []]);
});

test("all typing ends with the connection, with one event for each typist", () => {
  const { typing, ended } = stage();
  typing.take(started("a", "bob"), "me");
  typing.take(started("b", "eve"), "me");
  typing.clear();
  typing.clear();
  expect(ended).toEqual([stopped("a", "bob"), stopped("b", "eve")]);
  expect(typing.typists("a")).toEqual([]);
});

test("all typing ends in a chat that is no longer the user's", () => {
  const { typing, ended } = stage();
  typing.take(started("a", "bob"), "me");
  typing.take(started("b", "bob"), "me");
  typing.leave("a");
  expect(ended).toEqual([stopped("a", "bob")]);
  expect(typing.typists("b")).toEqual(["bob"]);
});
