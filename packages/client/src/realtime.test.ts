import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { ConnectionChanged, Events } from "./events.ts";
import type { ConnectionEvents, Received } from "./ports.ts";
import { createRealtime } from "./realtime.ts";

const CHAT = "660e8400-e29b-41d4-a716-446655440001";
const durable = { recipientId: "me", chatId: CHAT, senderId: "bob", seq: 1 };
const timeStamp = "2026-01-01T00:00:00.000Z";

type Sent = Record<string, unknown>;

/** A connection under the test's control, which keeps the frames that are sent. */
function stage() {
  let events: ConnectionEvents | undefined;
  const sent: Sent[] = [];
  const connection = {
    userId: undefined as string | undefined,
    live: false,
    connect: async () => undefined,
    disconnect: () => change({ state: "idle" }),
    send(frame: object) {
      if (connection.live) sent.push(frame as Sent);
      return connection.live;
    },
  };
  const realtime = createRealtime((given) => {
    events = given;
    return connection;
  });
  function change(changed: ConnectionChanged, userId = "me"): void {
    connection.live = changed.state === "live";
    if (connection.live) connection.userId = userId;
    events?.changed(changed);
  }
  const receive = (frame: Received) => events?.received(frame);
  const heard: [name: keyof Events, event: unknown][] = [];
  for (const name of EVERY) realtime.on(name, (event) => heard.push([name, event]));
  return { realtime, connection, sent, change, receive, heard };
}

const EVERY = [
  "message",
  "messageEdited",
  "messageDeleted",
  "reply",
  "typing",
  "reaction",
  "reactionDeleted",
  "messageRead",
  "userJoined",
  "userLeft",
  "chatCreated",
  "chatDeleted",
  "presence",
  "stopTyping",
  "notification",
  "marker",
  "roomState",
  "connection",
  "reset",
] as const satisfies (keyof Events)[];

const typing = (senderId: string): Received => ({ type: "TYPING", recipientId: "me", chatId: CHAT, senderId });

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

test("every frame reaches the handlers of its own event, as it came", () => {
  const { receive, heard } = stage();
  const message = { ...durable, messageId: "m", message: "Hello", timeStamp };
  const replyTo = {
    chatId: CHAT,
    timeStamp,
    messageId: "o",
    senderId: "me",
    content: "",
    edited: false,
    editedAt: null,
  };
  const each: [keyof Events, Received][] = [
    ["message", { type: "SEND_MSG", ...message }],
    ["messageEdited", { type: "EDIT_MSG", ...message, editedAt: timeStamp }],
    ["messageDeleted", { type: "DELETE_MSG", ...durable, messageId: "m", timeStamp }],
    ["reply", { type: "REPLY", ...message, replyTo }],
    ["typing", typing("bob")],
    ["reaction", { type: "REACT", ...message, parentMessageId: "p" }],
    ["reactionDeleted", { type: "DELETE_REACT", ...durable, messageId: "m", parentMessageId: "p" }],
    ["messageRead", { type: "READ_MSG", recipientId: "me", chatId: CHAT, senderId: "bob", messageId: "m", timeStamp }],
    ["userJoined", { type: "USER_JOIN", ...durable, message: "eve", username: "Eve" }],
    ["userLeft", { type: "USER_LEAVE", ...durable, message: "Bob left", timeStamp }],
    ["chatCreated", { type: "NEW_CHAT", ...durable, message: "A chat", timeStamp }],
    ["presence", { type: "PRESENCE", userId: "bob", status: "idle", lastActiveAt: null }],
    ["stopTyping", { type: "STOP_TYPING", chatId: CHAT, senderId: "bob" }],
    [
      "notification",
      { type: "NOTIFICATION", kind: "unread", chatId: CHAT, messageId: "m", unreadCount: 1, mentionCount: 0 },
    ],
    ["marker", { type: "MARKER", chatId: CHAT, messageId: "m" }],
    ["roomState", { type: "ROOM_STATE", chatId: CHAT, changed: ["plan"], seq: 9 }],
    ["reset", { type: "RESET", chatId: CHAT, reason: "too_old", seq: 12, cursor: "12-0000000a" }],
    ["chatDeleted", { type: "DELETE_CHAT", ...durable }],
  ];
  for (const [, frame] of each) receive(frame);
  expect(heard).toEqual(each);
});

test("many receipts at once are emitted one by one, with the connection's user as recipient", () => {
  const { change, receive, heard } = stage();
  change({ state: "live" });
  heard.length = 0;
  const receipt = { senderId: "bob", messageId: "m", timeStamp };
  receive({ type: "RECEIPTS", chatId: CHAT, receipts: [receipt] });
  receive({ type: "READ_MSG", recipientId: "me", chatId: CHAT, ...receipt });
  expect(heard).toEqual([["messageRead", { type: "READ_MSG", recipientId: "me", chatId: CHAT, ...receipt }]]);
});

test("every action is sent as its frame, and resolves with the data of the answer", async () => {
  const { realtime, change, receive, sent } = stage();
  change({ state: "live" });
  const options = { clientMessageId: "mine", mentions: ["bob"] };
  const cases: [done: Promise<unknown>, frame: Sent][] = [
    [realtime.sendMessage("1", "Hello", options), { type: "SEND_MSG", chatId: "1", message: "Hello", ...options }],
    [realtime.editMessage("2", "m", "Bye"), { type: "EDIT_MSG", chatId: "2", messageId: "m", message: "Bye" }],
    [realtime.deleteMessage("3", "m"), { type: "DELETE_MSG", chatId: "3", messageId: "m" }],
    [
      realtime.replyToMessage("4", "m", "Yes", options),
      { type: "REPLY", chatId: "4", messageId: "m", message: "Yes", ...options },
    ],
    [realtime.addReaction("5", "m", "👍"), { type: "REACT", chatId: "5", messageId: "m", reaction: "👍" }],
    [realtime.removeReaction("r"), { type: "DELETE_REACT", reactionId: "r" }],
    [realtime.markAsRead("6", "m"), { type: "READ_MSG", chatId: "6", messageId: "m" }],
  ];
  expect(sent).toEqual(cases.map(([, frame]) => ({ ...frame, ref: expect.any(String) })));
  for (const { ref, type } of sent) receive({ type: "ACK", ref: String(ref), data: type });
  expect(await Promise.all(cases.map(([done]) => done))).toEqual(cases.map(([, { type }]) => type));
});

test("each send has an id of its own, which it keeps when it is sent again", () => {
  const { realtime, change, sent } = stage();
  change({ state: "live" });
  void realtime.sendMessage("a", "1");
  void realtime.replyToMessage("b", "m", "2", {});
  change({ state: "waiting", retryInMs: 1 });
  change({ state: "live" });
  const ids = sent.map(({ clientMessageId }) => clientMessageId);
  expect(ids.slice(2)).toEqual(ids.slice(0, 2));
  expect(new Set(ids).size).toBe(2);
  expect(ids[0]).toMatch(/^.{7,64}$/);
});

test("all forms of a chat's id mean the same chat", () => {
  const { realtime, change, sent, receive } = stage();
  change({ state: "live" });
  const names = [CHAT, `room-${CHAT}`, CHAT.toUpperCase()];
  for (const name of names) void realtime.sendMessage(name, "Hello");
  for (const name of names) realtime.sendTyping(name);
  expect(sent).toMatchObject([
    { type: "SEND_MSG", chatId: CHAT },
    { type: "TYPING", chatId: CHAT },
  ]);
  receive(typing("bob"));
  expect(names.map((name) => realtime.typing(name))).toEqual([["bob"], ["bob"], ["bob"]]);
});

test("actions of a handler for `connection` come after those that waited", () => {
  const { realtime, change, sent } = stage();
  realtime.on("connection", ({ state }) => {
    if (state === "live") void realtime.sendMessage("new", "2");
  });
  void realtime.sendMessage("old", "1");
  change({ state: "live" });
  expect(sent.map(({ message }) => message)).toEqual(["1", "2"]);
});

test("disconnecting rejects all that wait, also for a first connection", async () => {
  const { realtime } = stage();
  const said = realtime.sendMessage(CHAT, "Hello");
  realtime.disconnect();
  await expect(said).rejects.toMatchObject({ code: "disconnected" });
});

test("no action of one user is sent in the name of another", async () => {
  const { realtime, change, sent } = stage();
  change({ state: "live" }, "ada");
  const adas = realtime.sendMessage(CHAT, "by Ada");
  change({ state: "stopped", code: 4401 });
  sent.length = 0;
  change({ state: "live" }, "bob");
  await expect(adas).rejects.toMatchObject({ code: "disconnected" });
  expect(sent).toEqual([]);

  realtime.disconnect();
  void realtime.sendMessage(CHAT, "by Eve");
  change({ state: "live" }, "eve");
  expect(sent).toMatchObject([{ message: "by Eve" }]);
});

test("typing() leaves the user out; when the connection is gone it is empty, with an event for each typist", () => {
  const { realtime, change, receive, heard } = stage();
  change({ state: "live" });
  for (const userId of ["me", "bob"]) receive(typing(userId));
  expect(realtime.typing(CHAT)).toEqual(["bob"]);
  heard.length = 0;
  change({ state: "waiting", retryInMs: 1 });
  expect(realtime.typing(CHAT)).toEqual([]);
  const stopped = (senderId: string) => ["stopTyping", { type: "STOP_TYPING", chatId: CHAT, senderId }];
  expect(heard).toEqual([["connection", { state: "waiting", retryInMs: 1 }], stopped("me"), stopped("bob")]);
});

test.each<[why: string, frame: Received, empty: boolean]>([
  ["the user is out of the chat", { type: "USER_LEAVE", ...durable, senderId: "me", message: "", timeStamp }, true],
  ["another user left the chat", { type: "USER_LEAVE", ...durable, senderId: "eve", message: "", timeStamp }, false],
  ["the chat is deleted", { type: "DELETE_CHAT", ...durable }, true],
  [
    "the chat is not the user's any more",
    { type: "RESET", chatId: CHAT, reason: "not_member", seq: 1, cursor: "1" },
    true,
  ],
  ["events were missed", { type: "RESET", chatId: CHAT, reason: "too_old", seq: 1, cursor: "1" }, false],
  ["the server lost events", { type: "RESET", chatId: CHAT, reason: "diverged", seq: 1, cursor: "1" }, false],
])("typing ends, or goes on: %s", (_why, frame, empty) => {
  const { realtime, change, receive } = stage();
  change({ state: "live" });
  receive(typing("bob"));
  receive(frame);
  expect(realtime.typing(CHAT)).toEqual(empty ? [] : ["bob"]);
});

test("ACTIVE is sent once a minute at most, and only over a connection", () => {
  const { realtime, change, sent } = stage();
  const there = (times: number) => {
    for (let time = 0; time < times; time++) realtime.active();
    return sent.splice(0).length;
  };
  expect(there(2)).toBe(0);
  change({ state: "live" });
  expect(there(3)).toBe(1);
  vi.advanceTimersByTime(59_999);
  expect(there(3)).toBe(0);
  vi.advanceTimersByTime(1);
  expect(there(3)).toBe(1);
});

test("no handler is called after all were removed", () => {
  const { realtime, change, heard } = stage();
  realtime.removeAllListeners();
  change({ state: "live" });
  expect(heard).toEqual([]);
});

test("a missing argument rejects, as every other fault does", async () => {
  const { realtime } = stage();
  const send = realtime.sendMessage as (...nothing: unknown[]) => Promise<unknown>;
  await expect(send()).rejects.toThrow(TypeError);
});
