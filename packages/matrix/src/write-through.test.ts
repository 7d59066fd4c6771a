import { toText } from "@signalbox/core/model/bytes";
import { Problem } from "@signalbox/protocol/errors";
import type { Action } from "@signalbox/protocol/up";
import { expect, test } from "vitest";
import { ADA, ada, BEN, ben, bot, createBridge, openRoom, ROOM, roomId, TTL } from "./bridge.fake.ts";
import type { Json } from "./events.ts";
import { BOT } from "./homeserver.fake.ts";

const user = (userId: string) => ({ userId, service: false });

async function setUp(echoFirst = false) {
  const bridge = createBridge();
  const { fake, ingest, store, writer } = bridge;
  await openRoom(bridge);
  if (echoFirst) fake.pushes = ingest;
  const act = async (userId: string, action: Action) =>
    JSON.parse(toText(await writer.act(user(userId), action))) as Json;
  const say = (message: string, more: object = {}) => act(ada, { type: "SEND_MSG", chatId: roomId, message, ...more });
  return {
    ...bridge,
    act,
    say,
    history: () => store.history(roomId, 100, null),
    sent: () => fake.written().map(({ path, as, body }) => ({ path: path.replace(`v3/rooms/${ROOM}/`, ""), as, body })),
  };
}

/** Pushes the homeserver's whole timeline of the room again, as after an outage, which must change nothing. */
async function replay({ fake, ingest, store }: Awaited<ReturnType<typeof setUp>>): Promise<void> {
  const before = store.eventsOf(roomId);
  await ingest.take({ events: fake.room(ROOM).timeline });
  expect(store.eventsOf(roomId)).toEqual(before);
}

const relatesTo = (event: unknown, more: Json): Json => ({ "m.relates_to": { event_id: event, ...more } });

test.each([
  ["the answer", false],
  ["the echo", true],
])("a message is written as its user and projected once when %s is first", async (_, echoFirst) => {
  const bridge = await setUp(echoFirst);
  const event = await bridge.say("Hello", { clientMessageId: "c-1", mentions: [ben] });
  expect(event).toMatchObject({ type: "SEND_MSG", message: "Hello", clientMessageId: "c-1", mentions: [ben], seq: 4 });
  expect(event.eventId).toMatch(/^\$/);
  expect(bridge.sent()).toMatchObject([
    {
      path: expect.stringMatching(/^send\/m\.room\.message\/[\w-]{43}$/),
      as: ADA,
      body: {
        msgtype: "m.text",
        body: "Hello",
        "m.mentions": { user_ids: [BEN] },
        "dev.signalbox.client_message_id": "c-1",
      },
    },
  ]);
  expect(await bridge.history()).toMatchObject([{ content: "Hello", senderId: ada, clientMessageId: "c-1" }]);
  await replay(bridge);
});

test("a message without a client id is recognised by a new one", async () => {
  const { history, say, sent } = await setUp();
  await say("Hello");
  const [row] = await history();
  expect(row?.clientMessageId).toMatch(/^[0-9a-f-]{36}$/);
  expect(sent()[0]?.body).toMatchObject({ "dev.signalbox.client_message_id": row?.clientMessageId, "m.mentions": {} });
});

test("a repeat answers with the first, and writes nothing", async () => {
  const { say, sent } = await setUp();
  const first = await say("Hello", { clientMessageId: "c-1" });
  expect(await say("Hello again", { clientMessageId: "c-1" })).toEqual(first);
  expect(sent()).toHaveLength(1);
});

test("the same send at the same time is one message", async () => {
  const { fake, history, say } = await setUp();
  const [one, other] = await Promise.all(["c-1", "c-1"].map((clientMessageId) => say("Hello", { clientMessageId })));
  expect(one).toEqual(other);
  expect([(await history()).length, fake.room(ROOM).timeline.length]).toEqual([1, 4]);
});

test("a send with a lost answer is unavailable, and its repeat is the same message", async () => {
  const bridge = await setUp();
  const { fake, history, say, sent } = bridge;
  fake.losesAnswers = true;
  await expect(say("Hello", { clientMessageId: "c-1" })).rejects.toMatchObject({ code: "unavailable" });
  expect(await history()).toEqual([]);
  fake.losesAnswers = false;
  expect(await say("Hello", { clientMessageId: "c-1" })).toMatchObject({ message: "Hello", clientMessageId: "c-1" });
  expect(new Set(sent().map(({ path }) => path)).size).toBe(1);
  expect(fake.room(ROOM).timeline).toHaveLength(4);
  expect(await history()).toHaveLength(1);
  await replay(bridge);
});

test("a repeated send with a lost answer is answered by its echo", async () => {
  const { fake, history, say, sent } = await setUp(true);
  fake.losesAnswers = true;
  await expect(say("Hello", { clientMessageId: "c-1" })).rejects.toMatchObject({ code: "unavailable" });
  expect(await say("Hello", { clientMessageId: "c-1" })).toMatchObject({ message: "Hello" });
  expect([(await history()).length, sent().length]).toEqual([1, 1]);
});

test.each([
  ["has not come", false, { code: "unavailable" }],
  ["has come", true, undefined],
])("when an event cannot be read back and its echo %s, that decides", async (_, echoFirst, problem) => {
  const { fake, say } = await setUp(echoFirst);
  fake.strangers.add(ADA);
  const sending = say("Hello", { clientMessageId: "c-1" });
  if (problem === undefined) expect(await sending).toMatchObject({ message: "Hello" });
  else await expect(sending).rejects.toMatchObject(problem);
});

test.each([
  [403, {}, { code: "forbidden" }],
  [413, {}, { code: "too_large" }],
  [429, { retry_after_ms: 700 }, { code: "rate_limited", retryAfterMs: 700 }],
  [500, {}, { code: "unavailable" }],
])("the homeserver's refusal of %d is the answer, and nothing is done here", async (status, body, problem) => {
  const { fake, history, say } = await setUp();
  fake.refuse = ({ method }) => (method === "PUT" ? { status, body } : undefined);
  const refused = await say("Hello").catch((error: unknown) => error);
  expect(refused).toBeInstanceOf(Problem);
  expect(refused).toMatchObject(problem);
  expect(await history()).toEqual([]);
});

test("an action that the rules refuse is not written", async () => {
  const { act, sent } = await setUp();
  const chatId = roomId;
  await expect(act("stranger", { type: "SEND_MSG", chatId, message: "x" })).rejects.toMatchObject({
    code: "not_found",
  });
  expect(sent()).toEqual([]);
});

test("a reply, an edit, a reaction and their removal go the same way", async () => {
  const bridge = await setUp();
  const { act, fake, history, say, sent } = bridge;
  const chatId = roomId;
  const first = await say("When?");
  const messageId = String(first.messageId);
  const reply = await act(ben, { type: "REPLY", chatId, messageId, message: "At noon" });
  expect(reply).toMatchObject({ type: "REPLY", replyTo: { messageId, content: "When?" } });
  const edited = await act(ada, { type: "EDIT_MSG", chatId, messageId, message: "When today?" });
  expect(edited).toMatchObject({ type: "EDIT_MSG", message: "When today?", messageId });
  const reacted = await act(ben, { type: "REACT", chatId, messageId, reaction: "👍" });
  expect(reacted).toMatchObject({ type: "REACT", message: "👍", parentMessageId: messageId });
  const reactionId = String(reacted.messageId);
  expect(await act(ben, { type: "DELETE_REACT", reactionId })).toMatchObject({ type: "DELETE_REACT" });
  expect(await act(ada, { type: "DELETE_MSG", chatId, messageId })).toMatchObject({ type: "DELETE_MSG", messageId });
  const eventId = first.eventId;
  const reactionEvent = fake.room(ROOM).timeline.find(({ type }) => type === "m.reaction")?.event_id;
  const fresh = { msgtype: "m.text", body: "When today?" };
  expect(sent().slice(1)).toMatchObject([
    { as: BEN, body: { body: "At noon", "m.relates_to": { "m.in_reply_to": { event_id: eventId } } } },
    {
      as: ADA,
      body: { body: "* When today?", "m.new_content": fresh, ...relatesTo(eventId, { rel_type: "m.replace" }) },
    },
    { as: BEN, body: relatesTo(eventId, { rel_type: "m.annotation", key: "👍" }) },
    { as: BEN, path: expect.stringContaining(`redact/${String(reactionEvent)}/`) },
    { as: ADA, path: expect.stringContaining(`redact/${String(eventId)}/`) },
  ]);
  expect((await history()).map(({ content, reactions }) => ({ content, reactions }))).toEqual([
    { content: "At noon", reactions: [] },
    { content: "", reactions: [] },
  ]);
  await replay(bridge);
});

test("a repeated delete and an edit to the text that is there write nothing", async () => {
  const { act, say, sent } = await setUp();
  const chatId = roomId;
  const messageId = String((await say("Hello")).messageId);
  await act(ada, { type: "EDIT_MSG", chatId, messageId, message: "Hello" });
  const first = await act(ada, { type: "DELETE_MSG", chatId, messageId });
  expect(await act(ada, { type: "DELETE_MSG", chatId, messageId })).toEqual(first);
  expect(sent()).toHaveLength(2);
});

test("an edit that a newer one replaced meanwhile is a conflict, and sent once", async () => {
  const { act, fake, ingest, say, sent } = await setUp();
  const first = await say("One");
  const edit = (body: string, more: Json = {}) =>
    fake.say(ROOM, "m.room.message", ADA, {
      ...{ msgtype: "m.text", body, "m.new_content": { msgtype: "m.text", body } },
      ...{ ...relatesTo(first.eventId, { rel_type: "m.replace" }), ...more },
    });
  fake.afterSend = () => ingest.take({ events: [edit("Three")] });
  const action = { type: "EDIT_MSG", chatId: roomId, messageId: String(first.messageId), message: "Two" } as const;
  await expect(act(ada, action)).rejects.toMatchObject({ code: "conflict" });
  expect(sent()).toHaveLength(2);
});

test("a long edit fits into one event of Matrix", async () => {
  const { act, say, sent } = await setUp();
  const messageId = String((await say("short")).messageId);
  const message = "€".repeat(10_922);
  await act(ada, { type: "EDIT_MSG", chatId: roomId, messageId, message });
  expect(Buffer.byteLength(JSON.stringify(sent()[1]?.body))).toBeLessThan(60_000);
});

test("a receipt is sent to the homeserver, a private one for a user that appears offline", async () => {
  const { act, fake, say, sent, store } = await setUp();
  const { messageId, eventId } = await say("Hello");
  const read = { type: "READ_MSG", chatId: roomId, messageId: String(messageId) } as const;
  await act(ben, read);
  expect(sent()[1]).toEqual({ path: `receipt/m.read/${String(eventId)}`, as: BEN, body: {} });
  expect(store.receipt(roomId, ben)).toBeDefined();
  await store.choosePresence(ada, "appear_offline");
  await act(ada, read);
  expect(sent()[2]?.path).toBe(`receipt/m.read.private/${String(eventId)}`);
  expect(store.receipt(roomId, ada)).toBeUndefined();
  fake.refuse = () => ({ status: 500, body: {} });
  await expect(act(ben, read)).resolves.toMatchObject({ type: "READ_MSG" });
});

test("typing is sent to the homeserver, and published here also when that fails", async () => {
  const { act, engine, fake, sent } = await setUp();
  await act(ada, { type: "TYPING", chatId: roomId });
  await act(ada, { type: "STOP_TYPING", chatId: roomId });
  expect(sent()).toEqual([
    { path: `typing/${ADA}`, as: ADA, body: { typing: true, timeout: TTL } },
    { path: `typing/${ADA}`, as: ADA, body: { typing: false } },
  ]);
  fake.refuse = () => ({ status: 500, body: {} });
  await act(ada, { type: "TYPING", chatId: roomId });
  expect((await engine.typing.list([roomId])).get(roomId)).toMatchObject([{ userId: ada }]);
});

test("the typing of a user that appears offline is not sent to Matrix", async () => {
  const { act, sent, store } = await setUp();
  await store.choosePresence(ada, "appear_offline");
  await act(ada, { type: "TYPING", chatId: roomId });
  expect(sent()).toEqual([]);
});

test("a user without an account in Matrix is refused", async () => {
  const { act, core, sent, store } = await setUp();
  await store.putUser("local", "Local", null);
  const member = {
    roomId,
    userId: "local",
    role: "member" as const,
    joinedAt: new Date(),
    joinedSeq: 1,
    firstSeq: 1,
    leftSeq: null,
  };
  store.write({ members: [member] });
  const action = { type: "SEND_MSG", chatId: roomId, message: "x" } as const;
  await expect(core.act(user("local"), action)).rejects.toMatchObject({ code: "unavailable" });
  await expect(act("local", action)).rejects.toMatchObject({ code: "forbidden" });
  expect(sent()).toEqual([]);
});

test("a back end without an account in Matrix acts as the bridge, also in a repeat", async () => {
  const { history, sent, writer } = await setUp();
  const service = { userId: "backend", service: true };
  const action = { type: "SEND_MSG", chatId: roomId, message: "Ahoy", clientMessageId: "c-1" } as const;
  const first = JSON.parse(toText(await writer.act(service, action))) as Json;
  expect(first).toMatchObject({ type: "SEND_MSG", senderId: bot });
  expect(await history()).toMatchObject([{ content: "Ahoy", senderId: bot }]);
  expect(JSON.parse(toText(await writer.act(service, action)))).toEqual(first);
  expect(sent().map(({ as }) => as)).toEqual([BOT, BOT]);
  expect(await history()).toHaveLength(1);
});

test("a room that is not bridged sends nothing to the homeserver", async () => {
  const { fake, writer } = await setUp();
  const room = await writer.createRoom(user(ada), { name: "Native", members: [], metadata: {} });
  const event = await writer.act(user(ada), { type: "SEND_MSG", chatId: room.roomId, message: "Hello" });
  expect(JSON.parse(toText(event))).not.toHaveProperty("clientMessageId");
  expect(fake.requests).toEqual([]);
});
