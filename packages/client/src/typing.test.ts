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

test("typing is said every 2 s at most, in each chat", () => {
  const { typing, sent } = stage();
  for (let stroke = 0; stroke < 50; stroke++) {
    typing.start("a");
    vi.advanceTimersByTime(100);
  }
  typing.start("b");
  expect(sent).toEqual([...Array(3).fill({ type: "TYPING", chatId: "a" }), { type: "TYPING", chatId: "b" }]);
});

test("without a connection nothing is said, and nothing is owed", () => {
  const { typing, sent, link } = stage();
  link.live = false;
  typing.start("a");
  typing.stop("a");
  link.live = true;
  expect(sent).toEqual([]);
  typing.start("a");
  expect(sent).toEqual([{ type: "TYPING", chatId: "a" }]);
});

test("whoever stopped, or sent the message, and types on is heard at once", () => {
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

test("chats in which something was said are remembered up to a bound", () => {
  const { typing, sent } = stage();
  for (let chat = 0; chat <= 100; chat++) typing.start(`chat ${chat}`);
  typing.start("chat 0");
  typing.start("chat 100");
  expect(sent).toHaveLength(102);
});

test("who types is known by chat, until they stop", () => {
  const { typing } = stage();
  typing.take(started("a", "bob"), "me");
  typing.take(started("a", "eve"), "me");
  typing.take(started("b", "bob"), "me");
  typing.take(stopped("a", "bob"), "me");
  typing.take(stopped("c", "bob"), "me");
  expect([typing.now("a"), typing.now("b"), typing.now("c")]).toEqual([["eve"], ["bob"], []]);
});

test("when the connection goes nobody types any more, and each is told of once", () => {
  const { typing, ended } = stage();
  typing.take(started("a", "bob"), "me");
  typing.take(started("b", "eve"), "me");
  typing.clear();
  typing.clear();
  expect(ended).toEqual([stopped("a", "bob"), stopped("b", "eve")]);
  expect(typing.now("a")).toEqual([]);
});

test("nobody types in a chat that is not the user's any more", () => {
  const { typing, ended } = stage();
  typing.take(started("a", "bob"), "me");
  typing.take(started("b", "bob"), "me");
  typing.leave("a");
  expect(ended).toEqual([stopped("a", "bob")]);
  expect(typing.now("b")).toEqual(["bob"]);
});
