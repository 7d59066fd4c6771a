import { Signal } from "@signalbox/protocol/down";
import { parse } from "@signalbox/protocol/parse";
import { expect, test } from "vitest";
import { createMemoryEngine } from "../memory/engine.ts";
import { ManualClock } from "../testing/manual-clock.fake.ts";
import { MapStore } from "../testing/map-store.fake.ts";
import { RecordingFaults } from "../testing/recording-faults.fake.ts";
import { createWriter } from "./writer.ts";

async function setUp() {
  const store = new MapStore();
  const clock = new ManualClock();
  const engine = createMemoryEngine(clock);
  const writer = createWriter({ store, engine, clock, faults: new RecordingFaults(), typingTtlMs: 4000 });
  const room = await writer.createRoom(
    { userId: "ann", service: false },
    { name: "Project", members: ["ben"], metadata: {} },
  );
  const chatId = room.roomId;
  const say = async (message: string) => {
    const event = await writer.act({ userId: "ann", service: false }, { type: "SEND_MSG", chatId, message });
    return (JSON.parse(event) as { messageId: string }).messageId;
  };
  const read = async (messageId: string): Promise<unknown> =>
    JSON.parse(await writer.act({ userId: "ben", service: false }, { type: "READ_MSG", chatId, messageId }));
  const hide = () => store.choosePresence("ben", "appear_offline");
  const show = () => store.choosePresence("ben", "online");
  return { store, chatId, say, read, hide, show };
}

test("a read is answered with the READ_MSG event, takes no seq, and is stamped with the room's seq", async () => {
  const { chatId, read, say, store } = await setUp();
  const messageId = await say("one");
  await say("two");
  const event = await read(messageId);
  expect(parse(Signal, event)).toEqual(event);
  expect(event).toMatchObject({ type: "READ_MSG", chatId, senderId: "ben", recipientId: "ben", messageId });
  expect(event).not.toHaveProperty("seq");
  expect(store.receipt(chatId, "ben")).toMatchObject({ messageId, messageSeq: 2, messageOrdinal: 1, stampSeq: 3 });
  expect(store.eventsOf(chatId)).toHaveLength(3);
});

test("a read of an older or the same message is answered and changes nothing", async () => {
  const { chatId, read, say, store } = await setUp();
  const [one, two] = [await say("one"), await say("two")];
  const newest = await read(two);
  const before = store.receipt(chatId, "ben");
  expect(await read(one)).toEqual(newest);
  expect(await read(two)).toEqual(newest);
  expect(store.receipt(chatId, "ben")).toEqual(before);
});

test("reads at the same time move the receipt forward in any order", async () => {
  const { chatId, read, say, store } = await setUp();
  const [one, two, three] = [await say("one"), await say("two"), await say("three")];
  await Promise.all([read(two), read(three), read(one)]);
  expect(store.receipt(chatId, "ben")).toMatchObject({ messageId: three });
});

test("a message that is not in the room is not found", async () => {
  const { read } = await setUp();
  await expect(read("018f0000-0000-7000-8000-000000000000")).rejects.toMatchObject({ code: "not_found" });
});

test("a user that appears offline has a second receipt, and the visible one stays", async () => {
  const { chatId, hide, read, say, store } = await setUp();
  const [one, two] = [await say("one"), await say("two")];
  await read(one);
  const visible = store.receipt(chatId, "ben");
  await hide();
  expect(await read(two)).toMatchObject({ type: "READ_MSG", senderId: "ben", messageId: two });
  expect(store.receipt(chatId, "ben")).toEqual(visible);
  expect(store.receipt(chatId, "ben", true)).toMatchObject({ messageId: two, messageSeq: 3, messageOrdinal: 2 });
  expect((await store.counts([{ roomId: chatId, userId: "ben" }]))[0]).toMatchObject({ unread: 0 });
});

test("a hidden read of an older message than the visible receipt changes nothing", async () => {
  const { chatId, hide, read, say, store } = await setUp();
  const [one, two, three] = [await say("one"), await say("two"), await say("three")];
  const newest = await read(two);
  await hide();
  expect(await read(one)).toEqual(newest);
  expect(await read(two)).toEqual(newest);
  expect(store.receipt(chatId, "ben", true)).toBeUndefined();
  await Promise.all([read(three), read(one)]);
  expect(store.receipt(chatId, "ben", true)).toMatchObject({ messageId: three });
});

test("a user that is visible again shows the reads of the meantime, and reads on visibly", async () => {
  const { chatId, hide, read, say, show, store } = await setUp();
  const [one, two, three] = [await say("one"), await say("two"), await say("three")];
  await read(one);
  await hide();
  await read(two);
  await say("four");
  await show();
  expect(store.receipt(chatId, "ben")).toMatchObject({ messageId: two, stampSeq: 5 });
  expect(store.receipt(chatId, "ben", true)).toBeUndefined();
  await read(three);
  expect(store.receipt(chatId, "ben")).toMatchObject({ messageId: three });
});

// A read that was decided before the choice may be written after it: its hidden receipt stays until the next choice moves it.
test("a hidden receipt ahead of a visible user's is the answer to a read, and stays hidden", async () => {
  const { chatId, read, say, store } = await setUp();
  const [one, two, three] = [await say("one"), await say("two"), await say("three")];
  await read(one);
  const visible = store.receipt(chatId, "ben");
  const late = {
    roomId: chatId,
    userId: "ben",
    hidden: true,
    private: false,
    messageId: three,
    eventId: null,
    messageSeq: 4,
    messageOrdinal: 3,
    readAt: new Date(0),
    stampSeq: 4,
  };
  store.write({ receipts: [late] });
  expect(await read(two)).toMatchObject({ messageId: three, timeStamp: late.readAt.toISOString() });
  expect(store.receipt(chatId, "ben")).toEqual(visible);
  expect(store.receipt(chatId, "ben", true)).toEqual(late);
  const four = await say("four");
  await read(four);
  expect(store.receipt(chatId, "ben")).toMatchObject({ messageId: four });
});
