import { DurableEvent } from "@signalbox/protocol/down";
import { parse } from "@signalbox/protocol/parse";
import type { Action } from "@signalbox/protocol/up";
import { expect, test } from "vitest";
import { createMemoryEngine } from "../memory/engine.ts";
import { toText } from "../model/bytes.ts";
import { ManualClock } from "../testing/manual-clock.fake.ts";
import { MapStore } from "../testing/map-store.fake.ts";
import { RecordingFaults } from "../testing/recording-faults.fake.ts";
import { createWriter } from "./writer.ts";

interface Answer {
  readonly seq: number;
  readonly messageId: string;
  readonly [field: string]: unknown;
}

const UNKNOWN = "018f0000-0000-7000-8000-000000000000";

/** A room of Ann and Ben, made by its owner Olga. */
async function setUp() {
  const store = new MapStore();
  const clock = new ManualClock();
  const engine = createMemoryEngine(clock);
  const writer = createWriter({ store, engine, clock, faults: new RecordingFaults(), typingTtlMs: 4000 });
  const act = async (userId: string, action: Action, service = false): Promise<Answer> =>
    JSON.parse(toText(await writer.act({ userId, service }, action))) as Answer;
  const room = await writer.createRoom(
    { userId: "olga", service: false },
    { name: "Project", members: ["ann", "ben"], metadata: {} },
  );
  const chatId = room.roomId;
  const say = (userId: string, message: string, more: { clientMessageId?: string; mentions?: string[] } = {}) =>
    act(userId, { type: "SEND_MSG", chatId, message, ...more });
  const answer = (userId: string, messageId: string, message: string, clientMessageId?: string) =>
    act(userId, {
      type: "REPLY",
      chatId,
      messageId,
      message,
      ...(clientMessageId === undefined ? {} : { clientMessageId }),
    });
  const edit = (userId: string, messageId: string, message: string) =>
    act(userId, { type: "EDIT_MSG", chatId, messageId, message });
  const remove = (userId: string, messageId: string, service = false) =>
    act(userId, { type: "DELETE_MSG", chatId, messageId }, service);
  const react = (userId: string, messageId: string, reaction: string) =>
    act(userId, { type: "REACT", chatId, messageId, reaction });
  const unreact = (userId: string, reactionId: string) => act(userId, { type: "DELETE_REACT", reactionId });
  const history = () => store.history(chatId, 100, null);
  const seqs = () => store.eventsOf(chatId).map(({ seq }) => seq);
  return { store, writer, chatId, act, say, answer, edit, remove, react, unreact, history, seqs };
}

test("ordinals count the room's messages from 1, without other events, and deleted messages keep theirs", async () => {
  const { answer, chatId, edit, history, react, remove, say, store } = await setUp();
  const { messageId } = await say("ann", "one", { clientMessageId: "c1" });
  await react("ben", messageId, "a");
  await edit("ann", messageId, "first");
  await say("ann", "again", { clientMessageId: "c1" });
  const reply = await answer("ben", messageId, "two");
  await remove("ben", reply.messageId);
  await Promise.all([say("ann", "three"), say("ben", "four")]);
  expect((await history()).map(({ ordinal, seq }) => [ordinal, seq])).toEqual([
    [4, 8],
    [3, 7],
    [2, 5],
    [1, 2],
  ]);
  expect(store.room(chatId)?.messageCount).toBe(4);
});

test("a message without mentions has no such field", async () => {
  const { say } = await setUp();
  expect(await say("ann", "hello")).not.toHaveProperty("mentions");
  expect(await say("ann", "hello", { mentions: [] })).not.toHaveProperty("mentions");
  expect(await say("ann", "hello", { mentions: ["ben", "ben"] })).toMatchObject({ mentions: ["ben"] });
});

test("a send is answered with its event as the author receives it", async () => {
  const { chatId, say, store } = await setUp();
  const event = await say("ann", 'she said "hi"\n\u{1f44d}', { clientMessageId: "c1", mentions: ["ben"] });
  expect(parse(DurableEvent, event)).toEqual(event);
  expect(event).toMatchObject({
    type: "SEND_MSG",
    chatId,
    recipientId: "ann",
    senderId: "ann",
    seq: 2,
    message: 'she said "hi"\n\u{1f44d}',
    clientMessageId: "c1",
    mentions: ["ben"],
  });
  expect(store.eventsOf(chatId).at(-1)).toMatchObject({ seq: 2, type: "SEND_MSG", userId: "ann" });
});

test("a repeated send is answered with the first message, also with another text, and adds no event", async () => {
  const { answer, say, seqs } = await setUp();
  const first = await say("ann", "one", { clientMessageId: "c1" });
  expect(await say("ann", "two", { clientMessageId: "c1" })).toEqual(first);
  expect(await answer("ann", first.messageId, "three", "c1")).toEqual(first);
  expect(seqs()).toEqual([1, 2]);
});

test("sends repeated at the same time are one message", async () => {
  const { say, seqs } = await setUp();
  const [first, ...repeats] = await Promise.all(
    ["one", "two", "three"].map((text) => say("ann", text, { clientMessageId: "c1" })),
  );
  for (const repeat of repeats) expect(repeat).toEqual(first);
  expect(seqs()).toEqual([1, 2]);
});

test("the same client id of another author, or in another room, is another message", async () => {
  const { act, say, seqs, writer } = await setUp();
  const first = await say("ann", "one", { clientMessageId: "c1" });
  const second = await say("ben", "one", { clientMessageId: "c1" });
  const other = await writer.createRoom(
    { userId: "ann", service: false },
    { name: "Other", members: [], metadata: {} },
  );
  const third = await act("ann", { type: "SEND_MSG", chatId: other.roomId, message: "one", clientMessageId: "c1" });
  expect(new Set([first.messageId, second.messageId, third.messageId]).size).toBe(3);
  expect(seqs()).toEqual([1, 2, 3]);
});

test("a repeated send is answered with the first message also when its event is no longer kept", async () => {
  const { chatId, say, store } = await setUp();
  const first = await say("ann", "one", { clientMessageId: "c1" });
  store.forget(chatId, 2);
  expect({ mark: first.mark, ...(await say("ann", "two", { clientMessageId: "c1" })) }).toEqual(first);
});

test("a reply carries the message that it answers in its present state", async () => {
  const { answer, chatId, edit, say } = await setUp();
  const original = await say("ann", "question");
  const edited = await edit("ann", original.messageId, "better question");
  const event = await answer("ben", original.messageId, "answer");
  expect(parse(DurableEvent, event)).toEqual(event);
  expect(event.replyTo).toEqual({
    chatId,
    messageId: original.messageId,
    senderId: "ann",
    content: "better question",
    timeStamp: original.timeStamp,
    edited: true,
    editedAt: edited.editedAt,
  });
});

test("a reply to an unknown message is not found", async () => {
  const { answer } = await setUp();
  await expect(answer("ben", UNKNOWN, "answer")).rejects.toMatchObject({ code: "not_found" });
});

test("an edit changes the text and carries its time", async () => {
  const { edit, history, say } = await setUp();
  const { messageId } = await say("ann", "helo");
  const event = await edit("ann", messageId, "hello");
  expect(parse(DurableEvent, event)).toEqual(event);
  expect(event).toMatchObject({ type: "EDIT_MSG", seq: 3, messageId, message: "hello" });
  expect((await history())[0]).toMatchObject({ content: "hello", editSeq: 3 });
});

test("an edit to the present text is answered with the edit that made it, and adds no event", async () => {
  const { edit, say, seqs } = await setUp();
  const { messageId } = await say("ann", "helo");
  const event = await edit("ann", messageId, "hello");
  expect(await edit("ann", messageId, "hello")).toEqual(event);
  expect(seqs()).toEqual([1, 2, 3]);
});

test("an edit of an unedited message to its present text is answered with its SEND_MSG", async () => {
  const { edit, say, seqs } = await setUp();
  const sent = await say("ann", "hello", { mentions: ["ben"] });
  expect(await edit("ann", sent.messageId, "hello")).toEqual(sent);
  expect(seqs()).toEqual([1, 2]);
});

// No part of `ReadSet` reads the event of a message: the REPLY is made of the rows again.
test("an edit of an unedited reply to its present text is answered with its REPLY", async () => {
  const { answer, edit, say } = await setUp();
  const original = await say("ann", "question");
  const reply = await answer("ben", original.messageId, "answer");
  expect(await edit("ben", reply.messageId, "answer")).toEqual(reply);
});

// The repeat reads the message that it answers itself, not the one that the first answered.
test("a repeated reply to another message is answered with the first REPLY, also when its event is no longer kept", async () => {
  const { answer, chatId, say, store } = await setUp();
  const [one, two] = [await say("ann", "one"), await say("ann", "two")];
  const reply = await answer("ben", one.messageId, "answer", "c1");
  store.forget(chatId, reply.seq);
  expect({ mark: reply.mark, ...(await answer("ben", two.messageId, "answer", "c1")) }).toEqual(reply);
});

test("only its author edits a message: no owner, and no service", async () => {
  const { act, chatId, edit, say, seqs } = await setUp();
  const { messageId } = await say("ann", "hello");
  for (const userId of ["ben", "olga"])
    await expect(edit(userId, messageId, "bye")).rejects.toMatchObject({ code: "forbidden" });
  const byService = act("backend", { type: "EDIT_MSG", chatId, messageId, message: "bye" }, true);
  await expect(byService).rejects.toMatchObject({ code: "forbidden" });
  expect(seqs()).toEqual([1, 2]);
});

test("only its author, an owner or a service deletes a message", async () => {
  const { remove, say } = await setUp();
  const messages = [await say("ann", "one"), await say("ann", "two"), await say("ann", "three")];
  const [one, two, three] = messages.map(({ messageId }) => messageId) as [string, string, string];
  await expect(remove("ben", one)).rejects.toMatchObject({ code: "forbidden" });
  expect(await remove("ann", one)).toMatchObject({ type: "DELETE_MSG", senderId: "ann", messageId: one });
  expect(await remove("olga", two)).toMatchObject({ type: "DELETE_MSG", senderId: "olga", messageId: two });
  expect(await remove("backend", three, true)).toMatchObject({
    type: "DELETE_MSG",
    senderId: "backend",
    messageId: three,
  });
});

test("a deleted message keeps its place, without its text", async () => {
  const { history, remove, say } = await setUp();
  const { messageId } = await say("ann", "secret");
  const event = await remove("ann", messageId);
  expect(parse(DurableEvent, event)).toEqual(event);
  expect(JSON.stringify(await history())).not.toContain("secret");
  expect((await history())[0]).toMatchObject({ messageId, content: "", deleteSeq: 3, deletedBy: "ann" });
});

test("a repeated delete is answered with the first one, also for another user, and adds no event", async () => {
  const { remove, say, seqs } = await setUp();
  const { messageId } = await say("ann", "hello");
  const event = await remove("olga", messageId);
  expect(await remove("olga", messageId)).toEqual(event);
  expect(await remove("ann", messageId)).toEqual({ ...event, recipientId: "ann" });
  expect(seqs()).toEqual([1, 2, 3]);
});

test("a deleted message takes no edit, reply or reaction", async () => {
  const { answer, edit, react, remove, say, seqs } = await setUp();
  const { messageId } = await say("ann", "hello");
  await remove("ann", messageId);
  for (const attempt of [
    () => edit("ann", messageId, "again"),
    () => edit("ann", messageId, ""),
    () => answer("ben", messageId, "what?"),
    () => react("ben", messageId, "\u{1f44d}"),
  ])
    await expect(attempt()).rejects.toMatchObject({ code: "conflict" });
  expect(seqs()).toEqual([1, 2, 3]);
});

test("a reaction is an event, with the id that removes it", async () => {
  const { react, say, unreact } = await setUp();
  const { messageId } = await say("ann", "hello");
  const event = await react("ben", messageId, "\u{1f44d}");
  expect(parse(DurableEvent, event)).toEqual(event);
  expect(event).toMatchObject({
    type: "REACT",
    seq: 3,
    message: "\u{1f44d}",
    parentMessageId: messageId,
    senderId: "ben",
  });
  const removed = await unreact("ben", event.messageId);
  expect(parse(DurableEvent, removed)).toEqual(removed);
  expect(removed).toMatchObject({
    type: "DELETE_REACT",
    seq: 4,
    messageId: event.messageId,
    parentMessageId: messageId,
  });
});

test("a repeated reaction of a user to a message is answered with the existing one, and adds no event", async () => {
  const { react, say, seqs } = await setUp();
  const { messageId } = await say("ann", "hello");
  const first = await react("ben", messageId, "\u{1f44d}");
  expect(await react("ben", messageId, "\u{1f44d}")).toEqual(first);
  const [one, two] = await Promise.all([react("ann", messageId, "a b"), react("ann", messageId, "a b")]);
  expect(one).toEqual(two);
  expect(seqs()).toEqual([1, 2, 3, 4]);
});

test("reactions differ by text, user and message", async () => {
  const { react, say, seqs } = await setUp();
  const [one, two] = [await say("ann", "one"), await say("ann", "two")];
  await react("ben", one.messageId, "a");
  await react("ben", one.messageId, "b");
  await react("ann", one.messageId, "a");
  await react("ben", two.messageId, "a");
  expect(seqs()).toEqual([1, 2, 3, 4, 5, 6, 7]);
});

test("a removed reaction can be added again, as a new one", async () => {
  const { react, say, unreact } = await setUp();
  const { messageId } = await say("ann", "hello");
  const first = await react("ben", messageId, "a");
  await unreact("ben", first.messageId);
  const second = await react("ben", messageId, "a");
  expect(second.messageId).not.toBe(first.messageId);
  expect(second.seq).toBe(5);
});

test("a repeated removal of a reaction is answered with the first one, and adds no event", async () => {
  const { react, say, seqs, unreact } = await setUp();
  const { messageId } = await say("ann", "hello");
  const { messageId: reactionId } = await react("ben", messageId, "a");
  const removed = await unreact("ben", reactionId);
  await react("ben", messageId, "a");
  expect(await unreact("ben", reactionId)).toEqual(removed);
  expect(seqs()).toEqual([1, 2, 3, 4, 5]);
});

test("only its author removes a reaction; for a stranger it does not exist", async () => {
  const { react, say, unreact } = await setUp();
  const { messageId } = await say("ann", "hello");
  const { messageId: reactionId } = await react("ben", messageId, "a");
  await expect(unreact("ann", reactionId)).rejects.toMatchObject({ code: "forbidden" });
  const stranger = await unreact("eve", reactionId).catch((error: Error) => error.message);
  const unknown = await unreact("eve", UNKNOWN).catch((error: Error) => error.message);
  expect(stranger).toBe(unknown);
});

test("for a stranger a room does not exist, for any action", async () => {
  const { act, chatId, say } = await setUp();
  const { messageId } = await say("ann", "hello");
  const attempts = (id: string): Action[] => [
    { type: "SEND_MSG", chatId: id, message: "hi" },
    { type: "REPLY", chatId: id, messageId, message: "hi" },
    { type: "EDIT_MSG", chatId: id, messageId, message: "hi" },
    { type: "DELETE_MSG", chatId: id, messageId },
    { type: "REACT", chatId: id, messageId, reaction: "a" },
    { type: "READ_MSG", chatId: id, messageId },
    { type: "TYPING", chatId: id },
    { type: "STOP_TYPING", chatId: id },
  ];
  const outcome = (action: Action) =>
    act("eve", action).catch(({ code, message }: { code: string; message: string }) => [code, message]);
  for (const [index, action] of attempts(chatId).entries()) {
    const real = await outcome(action);
    expect(real).toEqual(await outcome(attempts(UNKNOWN)[index] as Action));
    expect(real).toEqual(["not_found", "no such room"]);
  }
});

test("a message of another room is not found", async () => {
  const { act, say, writer } = await setUp();
  const { messageId } = await say("ann", "hello");
  const other = await writer.createRoom(
    { userId: "ann", service: false },
    { name: "Other", members: [], metadata: {} },
  );
  const inOtherRoom = act("ann", { type: "EDIT_MSG", chatId: other.roomId, messageId, message: "bye" });
  await expect(inOtherRoom).rejects.toMatchObject({ code: "not_found" });
});

test("a removed member can do nothing more in the room", async () => {
  const { react, say, unreact, writer, chatId } = await setUp();
  const { messageId } = await say("ann", "hello");
  const { messageId: reactionId } = await react("ben", messageId, "a");
  await writer.removeMember({ userId: "olga", service: false }, chatId, "ben");
  await expect(say("ben", "still here")).rejects.toMatchObject({ code: "not_found" });
  await expect(unreact("ben", reactionId)).rejects.toMatchObject({ code: "not_found" });
});
