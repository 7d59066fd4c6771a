import { Signal } from "@signalbox/protocol/down";
import { parse } from "@signalbox/protocol/parse";
import { expect, test } from "vitest";
import { ManualClock } from "./manual-clock.fake.ts";
import { MapStore } from "./map-store.fake.ts";
import { createMemoryEngine } from "./memory/engine.ts";
import { createWriter } from "./writer.ts";

async function setUp() {
  const store = new MapStore();
  const writer = createWriter({ store, engine: createMemoryEngine(new ManualClock()), typingTtlMs: 4000 });
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
  return { store, chatId, say, read };
}

test("reading is answered with the READ_MSG event, takes no seq, and is stamped with the room's", async () => {
  const { chatId, read, say, store } = await setUp();
  const messageId = await say("one");
  await say("two");
  const event = await read(messageId);
  expect(parse(Signal, event)).toEqual(event);
  expect(event).toMatchObject({ type: "READ_MSG", chatId, senderId: "ben", recipientId: "ben", messageId });
  expect(event).not.toHaveProperty("seq");
  expect(store.receipt(chatId, "ben")).toMatchObject({ messageId, messageSeq: 2, stampSeq: 3 });
  expect(store.eventsOf(chatId)).toHaveLength(3);
});

test("reading an older or the same message is answered and changes nothing", async () => {
  const { chatId, read, say, store } = await setUp();
  const [one, two] = [await say("one"), await say("two")];
  const newest = await read(two);
  const before = store.receipt(chatId, "ben");
  expect(await read(one)).toEqual(newest);
  expect(await read(two)).toEqual(newest);
  expect(store.receipt(chatId, "ben")).toEqual(before);
});

test("reads of the same breath move forward whatever their order", async () => {
  const { chatId, read, say, store } = await setUp();
  const [one, two, three] = [await say("one"), await say("two"), await say("three")];
  await Promise.all([read(two), read(three), read(one)]);
  expect(store.receipt(chatId, "ben")).toMatchObject({ messageId: three });
});

test("a message that is not in the room is not found", async () => {
  const { read } = await setUp();
  await expect(read("018f0000-0000-7000-8000-000000000000")).rejects.toMatchObject({ code: "not_found" });
});
