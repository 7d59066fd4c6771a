import type { DurableEvent, Message, MessageSent, RoomState } from "@signalbox/client";
import { describe, expect, test } from "vitest";
import {
  applyEvent,
  type Chat,
  emptyChat,
  firstNew,
  loaded,
  loading,
  MAX_ENTRIES,
  readByAll,
  withReceipt,
  withState,
} from "./chat.ts";

const message = (seq: number, senderId = "bob", content = `m${seq}`): Message => ({
  messageId: `id-${seq}`,
  chatId: "room",
  senderId,
  content,
  timeStamp: "2026-01-05T10:00:00Z",
  edited: false,
  editedAt: null,
  seq,
  replyTo: null,
  deleted: false,
  reactions: [],
});

const sent = (seq: number, more: Partial<MessageSent> = {}): MessageSent => ({
  type: "SEND_MSG",
  recipientId: "alice",
  chatId: "room",
  senderId: "bob",
  seq,
  timeStamp: "2026-01-05T10:00:00Z",
  message: `m${seq}`,
  messageId: `id-${seq}`,
  ...more,
});

const about = { recipientId: "alice", chatId: "room", senderId: "bob" };
const edited = (seq: number, of: number, text: string): DurableEvent => ({
  ...about,
  type: "EDIT_MSG",
  seq,
  messageId: `id-${of}`,
  message: text,
  editedAt: "2026-01-05T10:01:00Z",
});
const reacted = (seq: number, of: number): DurableEvent => ({
  ...about,
  type: "REACT",
  seq,
  messageId: `r-${seq}`,
  message: "👍",
  parentMessageId: `id-${of}`,
  timeStamp: "2026-01-05T10:01:00Z",
});

const member = (user_id: string, last_read_event_id: string | null): RoomState["members"][number] => ({
  user_id,
  name: user_id,
  role: "member",
  joined_at: "2026-01-05T10:00:00Z",
  status: "online",
  last_active_at: null,
  last_read_event_id,
  read_at: null,
  typing: false,
});
const state = (members: RoomState["members"], last_read_event_id: string | null, seq: number) =>
  ({ members, last_read_event_id, room: { seq } }) as RoomState;

const seqs = (chat: Chat) => chat.entries.map(({ seq }) => seq);
const open = (...page: Message[]) => loaded(emptyChat("room"), page, true);

describe("a chat's messages", () => {
  test("are in the order of their seqs, each once", () => {
    const chat = open(message(4), message(2));
    expect(seqs(applyEvent(applyEvent(applyEvent(chat, sent(5)), sent(3)), sent(4)))).toEqual([2, 3, 4, 5]);
  });

  test("older pages are added above, and a short one is the last", () => {
    const full = open(...Array.from({ length: 50 }, (_, at) => message(100 - at)));
    expect(full.complete).toBe(false);
    const older = loaded(loading(full), [message(50), message(49)], false);
    expect([seqs(older).slice(0, 3), older.complete]).toEqual([[49, 50, 51], true]);
  });

  test("events that arrive while a page is loading win over the page", () => {
    const waiting = applyEvent(applyEvent(emptyChat("room"), edited(3, 2, "after")), sent(4));
    const chat = loaded(waiting, [message(2, "bob", "before"), message(1)], true);
    expect(chat.entries.map(({ text }) => text)).toEqual(["m1", "after", "m4"]);
  });

  test("a newest page keeps the events after it", () => {
    const chat = applyEvent(loaded(emptyChat("room"), [message(1)], true), sent(2));
    expect(loaded(chat, [message(1)], true).entries.map(({ seq }) => seq)).toEqual([1, 2]);
  });

  test("a newest page replaces older messages", () => {
    expect(seqs(loaded(loading(open(message(1))), [message(900)], true))).toEqual([900]);
  });

  test("edits, deletes and reactions change the message, and applying them twice has no further effect", () => {
    const chat = [edited(3, 1, "new"), reacted(4, 1), reacted(4, 1)].reduce(applyEvent, open(message(1)));
    expect(chat.entries[0]).toMatchObject({ text: "new", edited: true, reactions: [{ reactionId: "r-4" }] });
    const less = applyEvent(chat, {
      ...about,
      type: "DELETE_REACT",
      seq: 5,
      messageId: "r-4",
      parentMessageId: "id-1",
    });
    expect(less.entries[0]?.reactions).toEqual([]);
    const gone = applyEvent(less, { ...about, type: "DELETE_MSG", seq: 6, messageId: "id-1", timeStamp: "" });
    expect(gone.entries[0]).toMatchObject({ text: "", deleted: true });
  });

  test("a missed message that was deleted meanwhile is shown as one that is deleted", () => {
    const chat = applyEvent(open(message(1)), { ...sent(2), message: "", deleted: true });
    expect(chat.entries[1]).toMatchObject({ text: "", deleted: true });
    expect(open(message(1)).entries[0]).toMatchObject({ deleted: false });
  });

  test("a bounded number is kept, and dropped ones can be loaded again", () => {
    let chat: Chat = { ...open(), complete: true };
    for (let seq = 1; seq <= MAX_ENTRIES + 1; seq++) chat = applyEvent(chat, sent(seq));
    expect([chat.entries.length, chat.entries[0]?.seq, chat.complete]).toEqual([MAX_ENTRIES, 2, false]);
  });
});

describe("receipts", () => {
  const chat = withState(
    open(message(3), message(2), message(1)),
    state([member("alice", null), member("bob", "evt-id-2")], null, 3),
  );

  test("only move forward", () => {
    expect(withReceipt(withReceipt(chat, "bob", "id-3"), "bob", "id-1").receipts).toEqual(new Map([["bob", "id-3"]]));
  });

  test("give the seq up to which all others have read", () => {
    expect(readByAll(chat, "alice")).toBe(2);
    const three = applyEvent(chat, { ...about, type: "USER_JOIN", seq: 4, message: "carol", username: "Carol" });
    expect(readByAll(three, "alice")).toBe(0);
  });
});

describe("the divider", () => {
  const page = [message(4), message(3, "alice"), message(2), message(1)];

  test("stands before the first message of others after the marker", () => {
    expect(firstNew(withState(open(...page), state([], "evt-id-2", 4)), "alice")).toBe("id-4");
  });

  test("stands before the first message when nothing was read", () => {
    expect(firstNew(withState(open(...page), state([], null, 4)), "alice")).toBe("id-1");
  });

  test("is missing when everything was read, also after new messages", () => {
    const chat = withState(open(...page), state([], "evt-id-4", 4));
    expect(firstNew(applyEvent(chat, sent(5)), "alice")).toBeUndefined();
  });

  test("stays in place when the state is loaded again", () => {
    const chat = withState(open(...page), state([], "evt-id-2", 4));
    expect(firstNew(withState(chat, state([], "evt-id-4", 4)), "alice")).toBe("id-4");
  });
});
