import { expect, test } from "vitest";
import { createMemoryEngine } from "../memory/engine.ts";
import { decodeRoomFrame, decodeUserFrame } from "../ports/engine-frames.ts";
import { ManualClock, settled } from "../testing/manual-clock.fake.ts";
import { MapStore } from "../testing/map-store.fake.ts";
import { RecordingFaults } from "../testing/recording-faults.fake.ts";
import { createWriter } from "./writer.ts";

const ann = { userId: "ann", service: false };

async function setUp() {
  const clock = new ManualClock();
  const store = new MapStore(clock);
  const engine = createMemoryEngine(clock);
  const faults = new RecordingFaults();
  const answers: { resolve(): void; reject(error: unknown): void }[] = [];
  const writer = createWriter({ store, engine, clock, faults, typingTtlMs: 4000 });
  const { roomId } = await writer.createRoom(ann, { name: "Project", members: ["ben"], metadata: {} });
  await clock.pass(1000);
  engine.pubSub.publishConfirmed = () => new Promise((resolve, reject) => answers.push({ resolve, reject }));
  const say = (message: string) => writer.act(ann, { type: "SEND_MSG", chatId: roomId, message });
  const rows = async () => (await store.outbox(new Date(0), [], 100)).rows;
  return { clock, store, faults, answers, writer, roomId, say, rows };
}

test("a group has one row, with the last seq of each room instead of its events", async () => {
  const { clock, roomId, say, rows, store, writer } = await setUp();
  const [first] = await Promise.all([say("one"), say("two"), say("three")]);
  await writer.putMember(ann, roomId, "eve", undefined);
  const { messageId } = JSON.parse(first) as { messageId: string };
  await writer.act({ userId: "ben", service: false }, { type: "READ_MSG", chatId: roomId, messageId });
  await writer.setMarker(ann, roomId, messageId);
  await clock.pass(500);
  const readAt = store.receipt(roomId, "ben")?.readAt;
  const decoded = (await rows()).map(({ frames }) =>
    frames.map(([kind, id, frame]) => (kind === "room" ? decodeRoomFrame(id, frame) : decodeUserFrame(frame))),
  );
  expect(decoded).toEqual([
    [{ kind: "head", seq: 4 }],
    [
      { kind: "head", seq: 5 },
      { kind: "joined", roomId, seq: 5 },
    ],
    [{ kind: "receipts", receipts: [{ userId: "ben", messageId, eventId: null, messageSeq: 2, readAt }] }],
    [{ kind: "marker moved", roomId }],
  ]);
});

test("what is not durable, or was there before, has no row: typing, and a repeated send", async () => {
  const { clock, roomId, rows, writer } = await setUp();
  const send = { type: "SEND_MSG", chatId: roomId, message: "one", clientMessageId: "1" } as const;
  await writer.act(ann, send);
  await Promise.all([writer.act(ann, send), writer.act(ann, { type: "TYPING", chatId: roomId })]);
  await clock.pass(500);
  expect(await rows()).toHaveLength(1);
});

test("a row goes 100 ms after every publication of it is confirmed, together with others", async () => {
  const { answers, clock, say, rows, store } = await setUp();
  await Promise.all([say("one"), say("two")]);
  await say("three");
  await clock.pass(500);
  expect([answers.length, (await rows()).length]).toEqual([3, 2]);
  answers[0]?.resolve();
  answers[2]?.resolve();
  await clock.pass(99);
  expect(await rows()).toHaveLength(2);
  answers[1]?.resolve();
  await clock.pass(100);
  expect([(await rows()).length, store.calls.get("confirm")]).toEqual([0, 2]);
});

test("a row of which one publication failed stays; a defect is reported, an engine that is away is none", async () => {
  const { answers, clock, faults, say, rows } = await setUp();
  await Promise.all([say("one"), say("two")]);
  answers[0]?.resolve();
  answers[1]?.reject(new TypeError("a defect"));
  await clock.pass(1000);
  expect([(await rows()).length, faults.places()]).toEqual([1, ["outbox"]]);
});

test("a store that is away keeps rows, and the writer's end waits for the last confirmations", async () => {
  const { answers, clock, faults, say, rows, store, writer } = await setUp();
  await say("one");
  answers[0]?.resolve();
  await settled();
  store.away = true;
  await clock.pass(200);
  store.away = false;
  await say("two");
  answers[1]?.resolve();
  await writer.close();
  await clock.pass(500);
  expect([(await rows()).length, faults.places()]).toEqual([1, []]);
});
