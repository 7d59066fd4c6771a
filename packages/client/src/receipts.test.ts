import { expect, test } from "vitest";
import type { MessageRead } from "./events.ts";
import { createReceipts } from "./receipts.ts";

const at = (second: number) => `2026-01-01T00:00:${String(second).padStart(2, "0")}.000Z`;
const id = (n: number) => `0190000${n}-0000-7000-8000-000000000000`;
const read = (senderId: string, n: number, second = n, chatId = "c"): MessageRead => ({
  type: "READ_MSG",
  recipientId: "me",
  chatId,
  senderId,
  messageId: id(n),
  timeStamp: at(second),
});

function stage() {
  const heard: MessageRead[] = [];
  return { heard, take: createReceipts((receipt) => heard.push(receipt)) };
}

test("a receipt is emitted once, however often it comes", () => {
  const { heard, take } = stage();
  for (const n of [1, 1, 2, 2]) take(read("bob", n), "me");
  expect(heard).toEqual([read("bob", 1), read("bob", 2)]);
});

test("an older receipt is dropped", () => {
  const { heard, take } = stage();
  take(read("bob", 2), "me");
  take(read("bob", 1), "me");
  expect(heard).toEqual([read("bob", 2)]);
});

test("a receipt counts as newer when either its time or its message is", () => {
  const { heard, take } = stage();
  take(read("bob", 5, 10), "me");
  take(read("bob", 4, 11), "me");
  take(read("bob", 6, 9), "me");
  expect(heard).toHaveLength(3);
});

test("readers and chats are independent of each other", () => {
  const { heard, take } = stage();
  take(read("bob", 1), "me");
  take(read("eve", 1), "me");
  take(read("bob", 1, 1, "d"), "me");
  expect(heard).toHaveLength(3);
});

test("many at once are emitted one by one, without the known ones", () => {
  const { heard, take } = stage();
  take(read("bob", 1), "me");
  const receipts = ["bob", "eve"].map((senderId) => ({ senderId, messageId: id(1), timeStamp: at(1) }));
  take({ type: "RECEIPTS", chatId: "c", receipts }, "me");
  expect(heard).toEqual([read("bob", 1), read("eve", 1)]);
});

test("the memory is bounded: the reader with the oldest receipt is forgotten", () => {
  const { heard, take } = stage();
  for (let n = 0; n < 10_000; n++) take(read(`user${n}`, 1), "me");
  take(read("user0", 2), "me");
  take(read("one more", 1), "me");
  heard.length = 0;
  take(read("user0", 2), "me");
  take(read("user1", 1), "me");
  expect(heard).toEqual([read("user1", 1)]);
});
