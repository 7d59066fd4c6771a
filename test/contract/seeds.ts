/** Every action of the seed `whisp-actions.txt`, and every event of `whisp-events.txt`, field by field. */
import { describe, expect, test } from "vitest";
import type { Client, Fields, Frame } from "./client.ts";
import { expectProblem } from "./http.ts";
import { ANY_TEXT, ANY_TIME, ANY_UUID_V7, NOTHING } from "./shapes.ts";
import type { Person, World } from "./world.ts";

/** Alice with two devices, and Bob, at two doors and in one room. */
interface Stage {
  readonly alice: Person;
  readonly bob: Person;
  readonly carol: Person;
  readonly chatId: string;
  readonly phone: Client;
  readonly laptop: Client;
  readonly bobs: Client;
  /** Acts as Alice. */
  readonly act: (action: Fields) => Promise<Frame>;
}

const doors = [
  { door: "POST /api/chat", byFrame: false },
  { door: "a frame with ref", byFrame: true },
];

async function stage(world: World, byFrame: boolean): Promise<Stage> {
  const chat = await world.chat();
  const { alice, bob } = chat;
  const [phone, laptop, bobs] = await Promise.all([alice.connects(0), alice.connects(1), bob.connects(1)]);
  return { ...chat, phone, laptop, bobs, act: (action) => (byFrame ? phone.acts(action) : alice.acts(action)) };
}

/** Every device of every member gets the event, the author's included, each addressed to its own user. */
async function reachesAll({ alice, bob, phone, laptop, bobs }: Stage, event: Frame): Promise<void> {
  const { recipientId: _, ...match } = event;
  expect(await phone.receives(match)).toStrictEqual({ ...event, recipientId: alice.id });
  expect(await laptop.receives(match)).toStrictEqual({ ...event, recipientId: alice.id });
  expect(await bobs.receives(match)).toStrictEqual({ ...event, recipientId: bob.id });
}

export function seeds(world: World): void {
  describe.each(doors)("an action by $door", ({ byFrame }) => {
    messageActions(world, byFrame);
    reactionActions(world, byFrame);
    signalActions(world, byFrame);
  });
  roomEvents(world);
  requiredFields(world);
}

function messageActions(world: World, byFrame: boolean): void {
  test("SEND_MSG gives a SEND_MSG", async () => {
    const on = await stage(world, byFrame);
    const { alice, chatId, act } = on;
    const event = await act({ type: "SEND_MSG", chatId, message: "Hello, world!" });
    expect(event).toStrictEqual({
      type: "SEND_MSG",
      timeStamp: ANY_TIME,
      chatId,
      message: "Hello, world!",
      messageId: ANY_UUID_V7,
      recipientId: alice.id,
      senderId: alice.id,
      seq: 2,
    });
    await reachesAll(on, event);
  });

  test("SEND_MSG gives clientMessageId and mentions back", async () => {
    const on = await stage(world, byFrame);
    const { bob, chatId, act } = on;
    const more = { clientMessageId: "draft-1", mentions: [bob.id] };
    const event = await act({ type: "SEND_MSG", chatId, message: "Hello!", ...more });
    expect(event).toMatchObject(more);
    await reachesAll(on, event);
  });

  test("EDIT_MSG gives an EDIT_MSG", async () => {
    const on = await stage(world, byFrame);
    const { alice, chatId, act } = on;
    const { messageId } = await act({ type: "SEND_MSG", chatId, message: "Hello, world!" });
    const event = await act({ type: "EDIT_MSG", chatId, messageId, message: "Hello, world! (edited)" });
    expect(event).toStrictEqual({
      type: "EDIT_MSG",
      chatId,
      message: "Hello, world! (edited)",
      messageId,
      recipientId: alice.id,
      senderId: alice.id,
      editedAt: ANY_TIME,
      seq: 3,
    });
    await reachesAll(on, event);
  });

  test("DELETE_MSG gives a DELETE_MSG", async () => {
    const on = await stage(world, byFrame);
    const { alice, chatId, act } = on;
    const { messageId } = await act({ type: "SEND_MSG", chatId, message: "Hello, world!" });
    const event = await act({ type: "DELETE_MSG", chatId, messageId });
    expect(event).toStrictEqual({
      type: "DELETE_MSG",
      chatId,
      messageId,
      recipientId: alice.id,
      senderId: alice.id,
      timeStamp: ANY_TIME,
      seq: 3,
    });
    await reachesAll(on, event);
  });

  test("REPLY gives a REPLY with a snapshot of the original", async () => {
    const on = await stage(world, byFrame);
    const { alice, bob, chatId, act } = on;
    const original = await bob.says(chatId, "Hello, world!");
    const event = await act({ type: "REPLY", chatId, messageId: original.messageId, message: "I agree!" });
    expect(event).toStrictEqual({
      type: "REPLY",
      messageId: ANY_UUID_V7,
      message: "I agree!",
      chatId,
      recipientId: alice.id,
      senderId: alice.id,
      replyTo: {
        chatId,
        timeStamp: original.timeStamp,
        messageId: original.messageId,
        senderId: bob.id,
        content: "Hello, world!",
        edited: false,
        editedAt: null,
      },
      timeStamp: ANY_TIME,
      seq: 3,
    });
    expect(event.messageId).not.toBe(original.messageId);
    await reachesAll(on, event);
  });

  test("REPLY to an edited message shows the present text, and gives clientMessageId and mentions back", async () => {
    const on = await stage(world, byFrame);
    const { bob, chatId, act } = on;
    const { messageId } = await bob.says(chatId, "Helo");
    const { editedAt } = await bob.acts({ type: "EDIT_MSG", chatId, messageId, message: "Hello" });
    const more = { clientMessageId: "draft-2", mentions: [bob.id] };
    const event = await act({ type: "REPLY", chatId, messageId, message: "Now I see", ...more });
    expect(event).toMatchObject({ ...more, replyTo: { content: "Hello", edited: true, editedAt } });
    await reachesAll(on, event);
  });
}

function reactionActions(world: World, byFrame: boolean): void {
  test("REACT gives a REACT whose messageId is the reaction's", async () => {
    const on = await stage(world, byFrame);
    const { alice, bob, chatId, act } = on;
    const { messageId } = await bob.says(chatId, "Hello, world!");
    const event = await act({ type: "REACT", chatId, messageId, reaction: "\u{1f44d}" });
    expect(event).toStrictEqual({
      type: "REACT",
      messageId: ANY_UUID_V7,
      message: "\u{1f44d}",
      chatId,
      recipientId: alice.id,
      senderId: alice.id,
      parentMessageId: messageId,
      timeStamp: ANY_TIME,
      seq: 3,
    });
    expect(event.messageId).not.toBe(messageId);
    await reachesAll(on, event);
  });

  test("DELETE_REACT gives a DELETE_REACT with the message that it was on", async () => {
    const on = await stage(world, byFrame);
    const { alice, bob, chatId, act } = on;
    const { messageId } = await bob.says(chatId, "Hello, world!");
    const reaction = await act({ type: "REACT", chatId, messageId, reaction: "\u{1f44d}" });
    const event = await act({ type: "DELETE_REACT", reactionId: reaction.messageId });
    expect(event).toStrictEqual({
      type: "DELETE_REACT",
      messageId: reaction.messageId,
      parentMessageId: messageId,
      chatId,
      recipientId: alice.id,
      senderId: alice.id,
      seq: 4,
    });
    await reachesAll(on, event);
  });
}

function signalActions(world: World, byFrame: boolean): void {
  test("READ_MSG gives a READ_MSG with the time and without a seq", async () => {
    const on = await stage(world, byFrame);
    const { alice, bob, chatId, act } = on;
    const { messageId } = await bob.says(chatId, "Hello, world!");
    const event = await act({ type: "READ_MSG", chatId, messageId });
    expect(event).toStrictEqual({
      type: "READ_MSG",
      chatId,
      recipientId: alice.id,
      senderId: alice.id,
      messageId,
      timeStamp: ANY_TIME,
    });
    await reachesAll(on, event);
  });

  test("TYPING gives a TYPING, and STOP_TYPING a STOP_TYPING", async () => {
    const on = await stage(world, byFrame);
    const { alice, chatId, phone, laptop, bobs, act } = on;
    const event = await act({ type: "TYPING", chatId });
    expect(event).toStrictEqual({ type: "TYPING", chatId, recipientId: alice.id, senderId: alice.id });
    await reachesAll(on, event);
    const stop = { type: "STOP_TYPING", chatId, senderId: alice.id };
    expect(await act({ type: "STOP_TYPING", chatId })).toStrictEqual(stop);
    for (const client of [phone, laptop, bobs]) expect(await client.receives(stop)).toStrictEqual(stop);
  });
}

function roomEvents(world: World): void {
  describe("what happens to a room", () => {
    test("NEW_CHAT reaches everybody who is named when the room is made", async () => {
      const { alice, bob } = await world.people();
      const clients = {
        [alice.id]: [await alice.connects(0), await alice.connects(1)],
        [bob.id]: [await bob.connects(1)],
      };
      const answer = await alice.asks("POST", "/v1/rooms", { name: "Project Discussion", members: [bob.id] });
      const { id: chatId } = (JSON.parse(answer.text) as { data: { id: string } }).data;
      for (const [recipientId, devices] of Object.entries(clients))
        for (const device of devices)
          expect(await device.receives({ type: "NEW_CHAT", chatId })).toStrictEqual({
            type: "NEW_CHAT",
            timeStamp: ANY_TIME,
            chatId,
            recipientId,
            senderId: alice.id,
            message: "Project Discussion",
            seq: 1,
          });
    });

    test("USER_JOIN reaches everybody, the one who joined included", async () => {
      const on = await stage(world, false);
      const { alice, chatId, phone } = on;
      const newcomer = await world.person({ name: "newuser" });
      const device = await newcomer.connects(0);
      await alice.adds(chatId, newcomer);
      const event = await phone.receives({ type: "USER_JOIN", chatId });
      expect(event).toStrictEqual({
        type: "USER_JOIN",
        chatId,
        message: newcomer.id,
        username: "newuser",
        recipientId: alice.id,
        senderId: alice.id,
        seq: 2,
      });
      await reachesAll(on, event);
      expect(await device.receives({ type: "USER_JOIN", chatId })).toStrictEqual({
        ...event,
        recipientId: newcomer.id,
      });
    });

    test("USER_LEAVE names who left as its sender, and reaches them as the last of the room", async () => {
      const on = await stage(world, false);
      const { alice, chatId, phone } = on;
      const guest = await world.person({ name: "johndoe" });
      const device = await guest.connects(1);
      await alice.adds(chatId, guest);
      await guest.removes(chatId, guest);
      const event = await phone.receives({ type: "USER_LEAVE", chatId });
      expect(event).toStrictEqual({
        type: "USER_LEAVE",
        chatId,
        message: "johndoe left the Chat",
        recipientId: alice.id,
        timeStamp: ANY_TIME,
        senderId: guest.id,
        seq: 3,
      });
      await reachesAll(on, event);
      expect(await device.receives({ type: "USER_LEAVE", chatId })).toStrictEqual({ ...event, recipientId: guest.id });
    });

    test("USER_LEAVE of somebody who was removed names them, too", async () => {
      const on = await stage(world, false);
      const { alice, bob, chatId, bobs } = on;
      await alice.removes(chatId, bob);
      const event = await bobs.receives({ type: "USER_LEAVE", chatId });
      expect(event).toMatchObject({ senderId: bob.id, message: ANY_TEXT, seq: 2 });
      await reachesAll(on, event);
    });

    test("DELETE_CHAT reaches everybody", async () => {
      const on = await stage(world, false);
      const { alice, chatId, phone } = on;
      const answer = await alice.asks("DELETE", `/v1/rooms/${chatId}`);
      expect(answer.status).toBe(200);
      const event = await phone.receives({ type: "DELETE_CHAT", chatId });
      expect(event).toStrictEqual({ type: "DELETE_CHAT", chatId, recipientId: alice.id, senderId: alice.id, seq: 2 });
      await reachesAll(on, event);
    });
  });
}

/** Each action of the seed with every field that it requires. */
const ACTIONS: readonly Fields[] = [
  { type: "SEND_MSG", chatId: NOTHING, message: "text" },
  { type: "EDIT_MSG", chatId: NOTHING, messageId: NOTHING, message: "text" },
  { type: "DELETE_MSG", chatId: NOTHING, messageId: NOTHING },
  { type: "REPLY", chatId: NOTHING, messageId: NOTHING, message: "text" },
  { type: "TYPING", chatId: NOTHING },
  { type: "STOP_TYPING", chatId: NOTHING },
  { type: "REACT", chatId: NOTHING, messageId: NOTHING, reaction: "+" },
  { type: "DELETE_REACT", reactionId: NOTHING },
  { type: "READ_MSG", chatId: NOTHING, messageId: NOTHING },
];
const required = ACTIONS.flatMap((action) =>
  Object.keys(action).map((field) => ({ type: action.type, field, action })),
);

function requiredFields(world: World): void {
  test.each(required)("$type without, or with a wrong, $field is invalid and says so", async ({ field, action }) => {
    const alice = await world.person();
    const phone = await alice.connects();
    const { [field]: _, ...without } = action;
    for (const body of [
      without,
      { ...action, [field]: 7 },
      { ...action, [field]: null },
      { ...action, [field]: ["a"] },
    ]) {
      expect(expectProblem(await alice.posts(body), "invalid").errors).toContainEqual({
        path: field,
        message: ANY_TEXT,
      });
      expect(await phone.asks(body)).toMatchObject({ type: "ERROR", code: "invalid", detail: ANY_TEXT });
    }
  });
}
