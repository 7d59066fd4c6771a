import { expect, test } from "vitest";
import type { EventRow, Receipt } from "../model/rows.ts";
import { ManualClock } from "../testing/manual-clock.fake.ts";
import { MapStore } from "../testing/map-store.fake.ts";
import { RecordingFaults } from "../testing/recording-faults.fake.ts";
import { RecordingSink } from "../testing/recording-sink.fake.ts";
import { EventPageCache } from "./event-pages.ts";
import { LocalRoom } from "./local-room.ts";
import { createSubscriber } from "./subscriber.ts";

function setUp() {
  const clock = new ManualClock();
  const store = new MapStore();
  const room = new LocalRoom("room", {
    clock,
    store,
    faults: new RecordingFaults(),
    pages: new EventPageCache(store),
    subscribersOf: () => [],
    joinedLive: () => undefined,
    delivered: () => undefined,
    presenceChanged: () => undefined,
    empty: () => undefined,
  });
  const sink = new RecordingSink("ann");
  const subscriber = createSubscriber(sink);
  room.begin({ seq: 0, mark: 0 });
  room.goLive(subscriber, 0);
  return { clock, room, sink, subscriber };
}

const event = (seq: number, userId: string, type: EventRow["type"] = "SEND_MSG"): EventRow => ({
  roomId: "room",
  seq,
  mark: seq,
  prev: seq - 1,
  type,
  userId,
  body: `,"seq":${seq}`,
});
const receipt = (userId: string, messageSeq: number): Receipt => ({
  userId,
  messageId: `m${messageSeq}`,
  eventId: null,
  messageSeq,
  readAt: new Date(messageSeq),
});

test("a single receipt is sent at once", () => {
  const { room, sink } = setUp();
  room.receive({ kind: "receipts", receipts: [receipt("ben", 3)] });
  expect(sink.receipts()).toEqual([["ben", 3]]);
});

test("receipts in quick succession are sent together, each user's newest once", async () => {
  const { clock, room, sink } = setUp();
  room.receipts([receipt("ben", 1)]);
  for (let seq = 2; seq <= 50; seq++) room.receipts([receipt("ben", seq), receipt("cleo", seq)]);
  expect(sink.receipts()).toEqual([["ben", 1]]);
  await clock.pass(100);
  expect(sink.receipts()).toEqual([
    ["ben", 1],
    ["ben", 50],
    ["cleo", 50],
  ]);
});

test("a receipt that the store repeats is not sent again", async () => {
  const { clock, room, sink } = setUp();
  room.receipts([receipt("ben", 3)]);
  for (let second = 0; second < 4; second++) {
    await clock.pass(1000);
    room.receipts([receipt("ben", 3)]);
  }
  expect(sink.receipts()).toEqual([["ben", 3]]);
});

test("a receipt that arrives after a newer one of the same user is not sent", async () => {
  const { clock, room, sink } = setUp();
  room.receipts([receipt("ben", 5), receipt("ben", 3)]);
  await clock.pass(200);
  room.receipts([receipt("ben", 4)]);
  await clock.pass(200);
  expect(sink.receipts()).toEqual([["ben", 5]]);
});

test("a room without receipts sets no timer, and neither does one after its last", async () => {
  const { clock, room } = setUp();
  expect(clock.waiting).toBe(0);
  room.receipts([receipt("ben", 1)]);
  await clock.pass(200);
  expect(clock.waiting).toBe(0);
});

test("typing is sent to the present sessions, and the typist's message ends it after its arrival", () => {
  const { room, sink } = setUp();
  room.receive({ kind: "typing", userId: "ben", remainingMs: 4000 });
  room.receive({ kind: "event", event: event(1, "ben") });
  expect(sink.typing()).toEqual([
    ["ben", true],
    ["ben", false],
  ]);
  expect(sink.seqs("room")).toEqual([1]);
});

test("an edit does not end typing, a reply does", () => {
  const { room, sink } = setUp();
  room.receive({ kind: "typing", userId: "ben", remainingMs: 4000 });
  room.receive({ kind: "event", event: event(1, "ben", "EDIT_MSG") });
  expect(sink.typing()).toEqual([["ben", true]]);
  room.receive({ kind: "event", event: event(2, "ben", "REPLY") });
  expect(sink.typing().at(-1)).toEqual(["ben", false]);
});

test("a stop ends typing at once; a stop of a user that does not type is ignored", () => {
  const { room, sink } = setUp();
  room.receive({ kind: "stop", userId: "cleo" });
  room.receive({ kind: "typing", userId: "ben", remainingMs: 4000 });
  room.receive({ kind: "stop", userId: "ben" });
  expect(sink.typing()).toEqual([
    ["ben", true],
    ["ben", false],
  ]);
});

test("leaving a room ends typing in it", () => {
  const { room, sink } = setUp();
  room.receive({ kind: "typing", userId: "ben", remainingMs: 4000 });
  room.receive({ kind: "event", event: event(1, "ben", "USER_LEAVE") });
  expect(sink.typing().at(-1)).toEqual(["ben", false]);
});

test("a session that comes in receives the present typists", () => {
  const { room } = setUp();
  room.receive({ kind: "typing", userId: "ben", remainingMs: 4000 });
  const inside = createSubscriber(new RecordingSink("cleo"));
  room.goLive(inside, 0);
  room.sendTypists(inside);
  expect((inside.sink as RecordingSink).typing()).toEqual([["ben", true]]);
});

test("signals of the same kind, room and user share a key, so that only the newest needs to wait", () => {
  const { room, sink } = setUp();
  room.receive({ kind: "typing", userId: "ben", remainingMs: 4000 });
  room.receive({ kind: "stop", userId: "ben" });
  room.receipts([receipt("ben", 1)]);
  const [started, stopped, read] = sink.signals.map(({ key }) => key);
  expect(started).toBe(stopped);
  expect(read).not.toBe(started);
});

test("a closed room leaves no timer", () => {
  const { clock, room } = setUp();
  room.receive({ kind: "typing", userId: "ben", remainingMs: 4000 });
  room.receipts([receipt("ben", 1)]);
  room.receive({ kind: "event", event: event(9, "ben") });
  room.close();
  expect(clock.waiting).toBe(0);
});

test("many receipts at once are few frames, each user's newest once", async () => {
  const { clock, room, sink } = setUp();
  room.receipts([receipt("first", 1)]);
  const readers = Array.from({ length: 600 }, (_, index) => receipt(`reader${index}`, 7));
  for (const each of readers) room.receipts([each]);
  await clock.pass(100);
  expect(sink.receipts()).toHaveLength(601);
  // The first alone, and the rest in frames of 250.
  expect(sink.signals).toHaveLength(1 + 3);
  expect(new Set(sink.signals.map(({ key }) => key)).size).toBe(4);
  expect(JSON.parse(`{${sink.signals[1]?.body}`)).toMatchObject({ type: "RECEIPTS", chatId: "room" });
});
