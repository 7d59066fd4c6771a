import type { Events, MessageSent, RoomSummary } from "@signalbox/client";
import { describe, expect, test } from "vitest";
import { MAX_LINES, type NamedEvent } from "./event-log.ts";
import { type Change, initialSession, reduce, type Session } from "./session.ts";

const me = { userId: "alice", name: "Alice" };

const received = <Name extends keyof Events>(name: Name, event: Events[Name]): Change => ({
  type: "event",
  named: { name, event } as NamedEvent,
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
  cursor: "1-0000000a",
  role: "member",
  ...more,
});
const lastMessage: NonNullable<RoomSummary["last_message"]> = {
  messageId: "id-1",
  chatId: "one",
  senderId: "bob",
  content: "m1",
  timeStamp: "2026-01-05T10:00:00Z",
  edited: false,
  editedAt: null,
  seq: 1,
  deleted: false,
};
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

const begun = after(initialSession(me), received("connection", { state: "live" }), {
  type: "roomsLoaded",
  rooms: [summary("one"), summary("two", { created_at: "2026-01-05T09:30:00Z" })],
});
const rooms = ({ rooms: list }: Session) => list.map(({ id, unread }) => [id, unread]);

describe("the list of rooms", () => {
  test("has the room with the last message on top, with its unread count", () => {
    expect(rooms(begun)).toEqual([
      ["two", 0],
      ["one", 0],
    ]);
    expect(rooms(after(begun, received("message", sent("one", 2))))).toEqual([
      ["one", 1],
      ["two", 0],
    ]);
  });

  test("has the server's unread count, and does not count own messages", () => {
    const own = after(begun, received("message", sent("one", 2, { senderId: "alice" })));
    expect(rooms(own)[0]).toEqual(["one", 0]);
    const notified = {
      type: "NOTIFICATION",
      kind: "unread",
      chatId: "one",
      messageId: "x",
      unreadCount: 7,
      mentionCount: 0,
    } as const;
    expect(rooms(after(own, received("notification", notified)))[0]).toEqual(["one", 7]);
  });

  test("shows a new room at once, and no room that was left or deleted", () => {
    const about = { recipientId: "alice", chatId: "new", senderId: "bob" };
    const time = "2026-01-05T11:00:00Z";
    const made = after(
      begun,
      received("chatCreated", { ...about, type: "NEW_CHAT", seq: 1, message: "New", timeStamp: time }),
    );
    expect(made.rooms[0]).toMatchObject({ id: "new", name: "New" });
    // The list is older than the room.
    expect(rooms(after(made, { type: "roomsLoaded", rooms: [summary("one")] })).map(([id]) => id)).toContain("new");
    const open = after(made, { type: "opened", chatId: "new" });
    const deleted = after(open, received("chatDeleted", { ...about, type: "DELETE_CHAT", seq: 2 }));
    expect([rooms(deleted).length, deleted.chat]).toEqual([2, undefined]);
    const left = { ...about, senderId: "alice", type: "USER_LEAVE", seq: 2, message: "", timeStamp: time } as const;
    expect(rooms(after(made, received("userLeft", left))).length).toBe(2);
    const reset = { type: "RESET", chatId: "new", reason: "not_member", seq: 2, cursor: "2-0000000b" } as const;
    expect(rooms(after(made, received("reset", reset))).length).toBe(2);
  });

  test("ignores an answer that is older than an event", () => {
    const session = after(begun, received("message", sent("one", 5)), {
      type: "roomsLoaded",
      rooms: [summary("one", { seq: 3 })],
    });
    expect(session.rooms.find(({ id }) => id === "one")).toMatchObject({ seq: 5, unread: 1 });
  });

  test("takes an answer with a lower seq once the server lost events, and events after it", () => {
    const reset = { type: "RESET", chatId: "one", reason: "diverged", seq: 3, cursor: "3-0000000c" } as const;
    const last_message = { ...lastMessage, messageId: "id-3", content: "kept" };
    const session = after(begun, received("message", sent("one", 5)), received("reset", reset), {
      type: "roomsLoaded",
      rooms: [summary("one", { seq: 3, last_message })],
    });
    const one = ({ rooms }: Session) => rooms.find(({ id }) => id === "one");
    expect(one(session)).toMatchObject({ seq: 3, unread: 0, last: { text: "kept" } });
    expect(one(after(session, received("message", sent("one", 4))))).toMatchObject({ seq: 4, last: { text: "m4" } });
  });

  test("does not count a missed message that was deleted meanwhile", () => {
    const session = after(begun, received("message", sent("one", 2, { message: "", deleted: true })));
    expect(session.rooms[0]).toMatchObject({ id: "one", seq: 2, unread: 0, last: { text: "" } });
  });
});

describe("presence and typing", () => {
  const present = after(
    begun,
    received("presence", { type: "PRESENCE", userId: "bob", status: "busy", lastActiveAt: null }),
    received("typing", { type: "TYPING", recipientId: "alice", chatId: "one", senderId: "bob" }),
  );

  test("are kept by any user id", () => {
    const session = after(begun, received("userJoined", { ...joined, message: "__proto__", username: "Eve" }));
    expect([session.names.get("__proto__"), session.names.get("constructor")]).toEqual(["Eve", undefined]);
    expect(session.presence.get("toString")).toBeUndefined();
  });

  test("come from events, without the user's own typing", () => {
    const own = after(
      present,
      received("typing", { type: "TYPING", recipientId: "alice", chatId: "one", senderId: "alice" }),
    );
    expect([own.presence, own.typing]).toEqual([new Map([["bob", "busy"]]), { one: ["bob"] }]);
    const stopped = after(own, received("stopTyping", { type: "STOP_TYPING", chatId: "one", senderId: "bob" }));
    expect(stopped.typing).toEqual({});
  });

  test("are cleared when the connection is lost; events before the next one is live stay", () => {
    const lost = after(present, received("connection", { state: "waiting", retryInMs: 100 }));
    expect([lost.presence, lost.typing]).toEqual([new Map(), {}]);
    const back = after(
      lost,
      received("connection", { state: "connecting" }),
      received("presence", { type: "PRESENCE", userId: "bob", status: "online", lastActiveAt: null }),
      received("connection", { state: "live" }),
    );
    expect(back.presence).toEqual(new Map([["bob", "online"]]));
  });
});

describe("a sent message", () => {
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
    { type: "submitted", draft },
  );

  test("is a draft until promise or event report it as stored, and appears once", () => {
    expect(open.drafts).toEqual([draft]);
    const done = after(open, { type: "committed", event }, received("message", event));
    expect([done.drafts, done.chat?.entries.length]).toEqual([[], 1]);
    expect(done.chat?.entries[0]).toMatchObject({ key: "k", messageId: "id-2" });
  });

  test("stays a draft after a change of rooms", () => {
    expect(after(open, { type: "opened", chatId: "two" }, { type: "opened", chatId: "one" }).drafts).toEqual([draft]);
  });

  test("has the reason of its refusal, until it is sent again or discarded", () => {
    const refused = after(open, { type: "refused", key: "k", why: "no" });
    expect(refused.drafts[0]?.failed).toBe("no");
    expect(after(refused, { type: "submitted", draft }).drafts).toEqual([draft]);
    expect(after(refused, { type: "discarded", key: "k" }).drafts).toEqual([]);
  });
});

test("an answer for a chat that is no longer open changes nothing", () => {
  const session = after(begun, { type: "opened", chatId: "two" });
  expect(after(session, { type: "loaded", chatId: "one", messages: [], newest: true })).toEqual(session);
});

test("reading the last message, here or on another device, leaves nothing unread", () => {
  const unread = after(
    begun,
    { type: "opened", chatId: "one" },
    { type: "loaded", chatId: "one", messages: [], newest: true },
    received("message", sent("one", 2)),
  );
  const receipt = { type: "READ_MSG", recipientId: "alice", chatId: "one", messageId: "id-2", timeStamp: "" } as const;
  expect(rooms(after(unread, received("messageRead", { ...receipt, senderId: "bob" })))[0]).toEqual(["one", 1]);
  expect(rooms(after(unread, received("messageRead", { ...receipt, senderId: "alice" })))[0]).toEqual(["one", 0]);
});

test("the log has the newest line first, and a bound", () => {
  const line = { at: 0, type: "TYPING", chatId: "one", userId: "bob", seq: undefined, node: "g", latencyMs: undefined };
  const event = { name: "stopTyping", event: { type: "STOP_TYPING", chatId: "one", senderId: "bob" } } as NamedEvent;
  let session = begun;
  for (let number = 0; number <= MAX_LINES; number++)
    session = reduce(session, { type: "event", named: event, line: { ...line, number } });
  expect([session.log.length, session.log[0]?.number]).toEqual([MAX_LINES, MAX_LINES]);
});
