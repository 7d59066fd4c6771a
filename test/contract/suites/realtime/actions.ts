/** Every action of the document "Realtime actions" and the events of "Realtime" that it causes, field by field. */
import { describe, expect, test } from "vitest";
import type { Fields } from "../../../support/arrivals.ts";
import { expectProblem } from "../../../support/http.ts";
import type { World } from "../../../support/world.ts";
import { reachesAll, twoMembers } from "../../stages/two-members.ts";
import { ANY_MARK, ANY_TEXT, ANY_TIME, ANY_UUID_V7, NOTHING } from "../../support/shapes.ts";

const ways = [
  ["POST /api/chat", false],
  ["a frame with ref", true],
] as const;

export function actions(world: World): void {
  describe.each(ways)("an action by %s", (_way, byFrame) => {
    messageActions(world, byFrame);
    reactionActions(world, byFrame);
    signalActions(world, byFrame);
  });
  requiredFields(world);
}

function messageActions(world: World, byFrame: boolean): void {
  test("SEND_MSG gives a SEND_MSG", async () => {
    const on = await twoMembers(world, byFrame);
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
      mark: ANY_MARK,
    });
    await reachesAll(on, event);
  });

  test("SEND_MSG returns clientMessageId and mentions", async () => {
    const on = await twoMembers(world, byFrame);
    const { bob, chatId, act } = on;
    const more = { clientMessageId: "draft-1", mentions: [bob.id] };
    const event = await act({ type: "SEND_MSG", chatId, message: "Hello!", ...more });
    expect(event).toMatchObject(more);
    await reachesAll(on, event);
  });

  test("EDIT_MSG gives an EDIT_MSG", async () => {
    const on = await twoMembers(world, byFrame);
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
      mark: ANY_MARK,
    });
    await reachesAll(on, event);
  });

  test("DELETE_MSG gives a DELETE_MSG", async () => {
    const on = await twoMembers(world, byFrame);
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
      mark: ANY_MARK,
    });
    await reachesAll(on, event);
  });

  test("REPLY gives a REPLY with a snapshot of the original", async () => {
    const on = await twoMembers(world, byFrame);
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
      mark: ANY_MARK,
    });
    expect(event.messageId).not.toBe(original.messageId);
    await reachesAll(on, event);
  });

  test("REPLY to an edited message has its present text, and returns clientMessageId and mentions", async () => {
    const on = await twoMembers(world, byFrame);
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
  test("REACT gives a REACT with the reaction's id as messageId", async () => {
    const on = await twoMembers(world, byFrame);
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
      mark: ANY_MARK,
    });
    expect(event.messageId).not.toBe(messageId);
    await reachesAll(on, event);
  });

  test("DELETE_REACT gives a DELETE_REACT with the message of the reaction", async () => {
    const on = await twoMembers(world, byFrame);
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
      mark: ANY_MARK,
    });
    await reachesAll(on, event);
  });
}

function signalActions(world: World, byFrame: boolean): void {
  test("READ_MSG gives a READ_MSG with the time and without a seq", async () => {
    const on = await twoMembers(world, byFrame);
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
    const on = await twoMembers(world, byFrame);
    const { alice, chatId, phone, laptop, bobs, act } = on;
    const event = await act({ type: "TYPING", chatId });
    expect(event).toStrictEqual({ type: "TYPING", chatId, recipientId: alice.id, senderId: alice.id });
    await reachesAll(on, event);
    const stop = { type: "STOP_TYPING", chatId, senderId: alice.id };
    expect(await act({ type: "STOP_TYPING", chatId })).toStrictEqual(stop);
    for (const client of [phone, laptop, bobs]) expect(await client.receives(stop)).toStrictEqual(stop);
  });
}

/** Each action of the document "Realtime actions" with its required fields. */
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
  Object.keys(action).map((field) => [String(action.type), field, action] as const),
);

function requiredFields(world: World): void {
  test.each(required)(
    "%s without a valid %s is invalid, and the error names the field",
    async (_type, field, action) => {
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
    },
  );
}
