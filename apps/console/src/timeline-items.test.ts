import { expect, test } from "vitest";
import { type Chat, type Draft, type Entry, emptyChat } from "./chat.ts";
import { timelineItems } from "./timeline-items.ts";

const me = { userId: "alice", name: "Alice" };
const entry = (seq: number, senderId: string, sentAt: string): Entry => ({
  key: `k${seq}`,
  messageId: `id-${seq}`,
  senderId,
  text: "hi",
  sentAt,
  seq,
  edited: false,
  deleted: false,
  replyTo: null,
  reactions: [],
});
const chat: Chat = {
  ...emptyChat("room"),
  entries: [
    entry(1, "bob", "2026-01-05T10:00:00Z"),
    entry(2, "alice", "2026-01-05T10:00:10Z"),
    entry(3, "alice", "2026-01-05T10:00:20Z"),
    entry(4, "bob", "2026-01-07T10:00:00Z"),
    entry(5, "bob", "2026-01-07T10:10:00Z"),
  ],
  members: [me, { userId: "bob", name: "Bob" }],
  receipts: new Map([
    ["bob", "id-2"],
    ["alice", "id-1"],
  ]),
  marker: { messageId: "id-1", seq: 5 },
};
const draft: Draft = {
  chatId: "room",
  key: "d",
  text: "now",
  sentAt: "2026-01-07T10:11:00Z",
  replyTo: undefined,
  failed: undefined,
};

test("days, the divider and messages are in their order, with drafts at the end", () => {
  const other = { ...draft, key: "e", chatId: "elsewhere" };
  const keys = timelineItems(chat, { me, drafts: [draft, other] }).map(({ key }) => key);
  expect(keys).toEqual(["day k1", "k1", "k2", "k3", "day k4", "divider", "k4", "k5", "d"]);
});

test("a message has its progress, its readers, and whether it follows one of the same user", () => {
  const drafts = [draft, { ...draft, key: "f", failed: "no" }];
  const messages = timelineItems(chat, { me, drafts }).flatMap((each) =>
    each.type === "message" ? [each.message] : [],
  );
  expect(messages.map(({ progress }) => progress)).toEqual([
    "received",
    "read",
    "sent",
    "received",
    "received",
    "pending",
    "failed",
  ]);
  expect(messages.map(({ follows }) => follows)).toEqual([false, false, true, false, false, false, true]);
  expect(messages.filter(({ readers }) => readers.length > 0).map(({ key, readers }) => [key, readers])).toEqual([
    ["k2", ["bob"]],
  ]);
});
