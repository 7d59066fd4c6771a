import type { Events, MessageSent, RoomSummary } from "@signalbox/client";
import { describe, expect, test } from "vitest";
import { type Change, reduce, type Session, signedIn } from "./session.ts";
import { type Heard, LINES_MAX } from "./wire.ts";

const me = { userId: "alice", name: "Alice" };

const heard = <Name extends keyof Events>(name: Name, event: Events[Name]): Change => ({
  type: "heard",
  heard: { name, event } as Heard,
  line: undefined,
});
const after = (session: Session, ...changes: Change[]) => changes.reduce(reduce, session);

const summary = (id: string, more: Partial<RoomSummary> = {}): RoomSummary => ({
  id,
  name: id,
  metadata: {},
  created_by: "bob",
  created_at: "2026-01-05T09:00:00Z",
  matrix_room_id: null,
  member_count: 2,
  seq: 1,
  last_message: null,
  unread_count: 0,
  cursor: 1,
  role: "member",
  ...more,
});
const joined = { type: "USER_JOIN", recipientId: "alice", chatId: "one", senderId: "bob", seq: 2 } as const;
const sent = (chatId: string, seq: number, more: Partial<MessageSent> = {}): MessageSent => ({
  type: "SEND_MSG",
  recipientId: "alice",
  chatId,
  senderId: "bob",
  seq,
  timeStamp: "2026-01-05T10:00:00Z",
  message: `m${seq}`,
  messageId: `id-${seq}`,
  ...more,
});

const begun = after(signedIn(me), heard("connection", { state: "live" }), {
  type: "listed",
  rooms: [summary("one"), summary("two", { created_at: "2026-01-05T09:30:00Z" })],
});
const rooms = ({ rooms: list }: Session) => list.map(({ id, unread }) => [id, unread]);

describe("the list of rooms", () => {
  test("has the one on top in which something was said last, with what is unread", () => {
    expect(rooms(begun)).toEqual([
      ["two", 0],
      ["one", 0],
    ]);
    expect(rooms(after(begun, heard("message", sent("one", 2))))).toEqual([
      ["one", 1],
      ["two", 0],
    ]);
  });

  test("counts as the server says, and not one's own messages", () => {
    const own = after(begun, heard("message", sent("one", 2, { senderId: "alice" })));
    expect(rooms(own)[0]).toEqual(["one", 0]);
    const notified = {
      type: "NOTIFICATION",
      kind: "unread",
      chatId: "one",
      messageId: "x",
      unreadCount: 7,
      mentionCount: 0,
    } as const;
    expect(rooms(after(own, heard("notification", notified)))[0]).toEqual(["one", 7]);
  });

  test("shows a new room at once, and a room that is left or deleted no more", () => {
    const about = { recipientId: "alice", chatId: "new", senderId: "bob" };
    const time = "2026-01-05T11:00:00Z";
    const made = after(
      begun,
      heard("chatCreated", { ...about, type: "NEW_CHAT", seq: 1, message: "New", timeStamp: time }),
    );
    expect(made.rooms[0]).toMatchObject({ id: "new", name: "New" });
    // The list was made before.
    expect(rooms(after(made, { type: "listed", rooms: [summary("one")] })).map(([id]) => id)).toContain("new");
    const open = after(made, { type: "opened", chatId: "new" });
    const deleted = after(open, heard("chatDeleted", { ...about, type: "DELETE_CHAT", seq: 2 }));
    expect([rooms(deleted).length, deleted.chat]).toEqual([2, undefined]);
    const left = { ...about, senderId: "alice", type: "USER_LEAVE", seq: 2, message: "", timeStamp: time } as const;
    expect(rooms(after(made, heard("userLeft", left))).length).toBe(2);
    const reset = { type: "RESET", chatId: "new", reason: "not_member", seq: 2 } as const;
    expect(rooms(after(made, heard("reset", reset))).length).toBe(2);
  });

  test("passes over an answer that is older than what was heard", () => {
    const session = after(begun, heard("message", sent("one", 5)), {
      type: "listed",
      rooms: [summary("one", { seq: 3 })],
    });
    expect(session.rooms.find(({ id }) => id === "one")).toMatchObject({ seq: 5, unread: 1 });
  });
});

describe("who is here and who types", () => {
  const present = after(
    begun,
    heard("presence", { type: "PRESENCE", userId: "bob", status: "busy", lastActiveAt: null }),
    heard("typing", { type: "TYPING", recipientId: "alice", chatId: "one", senderId: "bob" }),
  );

  test("is told of whoever it is, whatever they are called", () => {
    const session = after(begun, heard("userJoined", { ...joined, message: "__proto__", username: "Eve" }));
    expect([session.names.get("__proto__"), session.names.get("constructor")]).toEqual(["Eve", undefined]);
    expect(session.presence.get("toString")).toBeUndefined();
  });

  test("is told by events, oneself aside", () => {
    const own = after(
      present,
      heard("typing", { type: "TYPING", recipientId: "alice", chatId: "one", senderId: "alice" }),
    );
    expect([own.presence, own.typing]).toEqual([new Map([["bob", "busy"]]), { one: ["bob"] }]);
    const stopped = after(own, heard("stopTyping", { type: "STOP_TYPING", chatId: "one", senderId: "bob" }));
    expect(stopped.typing).toEqual({});
  });

  test("is forgotten when the connection is lost, and what is told before the next one is live stays", () => {
    const lost = after(present, heard("connection", { state: "waiting", retryInMs: 100 }));
    expect([lost.presence, lost.typing]).toEqual([new Map(), {}]);
    const back = after(
      lost,
      heard("connection", { state: "connecting" }),
      heard("presence", { type: "PRESENCE", userId: "bob", status: "online", lastActiveAt: null }),
      heard("connection", { state: "live" }),
    );
    expect(back.presence).toEqual(new Map([["bob", "online"]]));
  });
});

describe("a message that is sent", () => {
  const draft = {
    chatId: "one",
    key: "k",
    text: "hi",
    sentAt: "2026-01-05T10:00:00Z",
    replyTo: undefined,
    failed: undefined,
  };
  const event = sent("one", 2, { senderId: "alice", clientMessageId: "k" });
  const open = after(
    begun,
    { type: "opened", chatId: "one" },
    { type: "loaded", chatId: "one", messages: [], newest: true },
    { type: "drafted", draft },
  );

  test("is a draft until it is stored, once, whichever of promise and event comes first", () => {
    expect(open.drafts).toEqual([draft]);
    const done = after(open, { type: "committed", event }, heard("message", event));
    expect([done.drafts, done.chat?.entries.length]).toEqual([[], 1]);
    expect(done.chat?.entries[0]).toMatchObject({ key: "k", messageId: "id-2" });
  });

  test("stays a draft over a change of rooms", () => {
    expect(after(open, { type: "opened", chatId: "two" }, { type: "opened", chatId: "one" }).drafts).toEqual([draft]);
  });

  test("says why it was refused, until it is sent again or given up", () => {
    const refused = after(open, { type: "refused", key: "k", why: "no" });
    expect(refused.drafts[0]?.failed).toBe("no");
    expect(after(refused, { type: "drafted", draft }).drafts).toEqual([draft]);
    expect(after(refused, { type: "discarded", key: "k" }).drafts).toEqual([]);
  });
});

test("what arrives for a chat that is not open any more changes nothing", () => {
  const session = after(begun, { type: "opened", chatId: "two" });
  expect(after(session, { type: "loaded", chatId: "one", messages: [], newest: true })).toEqual(session);
});

test("reading the last message, here or on another device, leaves nothing unread", () => {
  const unread = after(
    begun,
    { type: "opened", chatId: "one" },
    { type: "loaded", chatId: "one", messages: [], newest: true },
    heard("message", sent("one", 2)),
  );
  const receipt = { type: "READ_MSG", recipientId: "alice", chatId: "one", messageId: "id-2", timeStamp: "" } as const;
  expect(rooms(after(unread, heard("messageRead", { ...receipt, senderId: "bob" })))[0]).toEqual(["one", 1]);
  expect(rooms(after(unread, heard("messageRead", { ...receipt, senderId: "alice" })))[0]).toEqual(["one", 0]);
});

test("the wire has the newest line first, and a bound", () => {
  const line = { at: 0, type: "TYPING", chatId: "one", userId: "bob", seq: undefined, node: "g", latencyMs: undefined };
  const event = { name: "stopTyping", event: { type: "STOP_TYPING", chatId: "one", senderId: "bob" } } as Heard;
  let session = begun;
  for (let number = 0; number <= LINES_MAX; number++)
    session = reduce(session, { type: "heard", heard: event, line: { ...line, number } });
  expect([session.wire.length, session.wire[0]?.number]).toEqual([LINES_MAX, LINES_MAX]);
});
