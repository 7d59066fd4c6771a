import type { EventType } from "@signalbox/protocol/down";
import fc from "fast-check";
import { expect, test } from "vitest";
import type { EventRow } from "../model/rows.ts";
import { ManualClock, settled } from "../testing/manual-clock.fake.ts";
import { MapStore } from "../testing/map-store.fake.ts";
import { RecordingFaults } from "../testing/recording-faults.fake.ts";
import { RecordingSink } from "../testing/recording-sink.fake.ts";
import { EventPageCache, PAGE } from "./event-pages.ts";
import { LocalRoom } from "./local-room.ts";
import { createSubscriber, type Subscriber } from "./subscriber.ts";

const ROOM = "room";
const noop = () => undefined;
const NO_LISTENERS = { joinedLive: noop, delivered: noop, presenceChanged: noop, empty: noop };

/** One room on one node: a store with every event, a room that receives those that are not lost, and subscribers. */
function setUp() {
  const clock = new ManualClock();
  const store = new MapStore();
  const subscribers = new Map<string, Set<Subscriber>>();
  const faults = new RecordingFaults();
  const room = new LocalRoom(ROOM, {
    clock,
    faults,
    store,
    pages: new EventPageCache(store),
    subscribersOf: (userId) => subscribers.get(userId) ?? [],
    ...NO_LISTENERS,
  });
  let seq = 0;

  const commit = (type: EventType = "SEND_MSG", userId = "writer"): EventRow => {
    const place = { roomId: ROOM, seq: ++seq, mark: seq, prev: seq - 1 };
    store.write({ events: [{ ...place, type, userId, subjectId: null, details: {}, at: new Date(0) }] });
    return { ...place, type, userId, body: `,"seq":${seq}` };
  };
  const happen = (type?: EventType, userId?: string) => room.receive({ kind: "event", event: commit(type, userId) });
  const happens = (count: number) => void Array.from({ length: count }, () => happen());
  const arrive = (userId: string) => {
    const sink = new RecordingSink(userId);
    const subscriber = createSubscriber(sink);
    subscribers.set(userId, new Set([...(subscribers.get(userId) ?? []), subscriber]));
    return { sink, subscriber };
  };
  /** A live session of `userId` that has everything so far. */
  const present = (userId: string) => {
    const arrival = arrive(userId);
    arrival.subscriber.state = "live";
    room.goLive(arrival.subscriber, seq);
    return arrival;
  };
  /** A session of `userId` that has everything up to `cursor`, and is on its way to the present. */
  const back = (userId: string, cursor: number) => {
    const arrival = arrive(userId);
    const replay = room.hold(arrival.subscriber, { seq: cursor, mark: cursor }, seq);
    arrival.subscriber.state = "live";
    return { ...arrival, replay, done: replay.run() };
  };
  room.begin({ seq: 0, mark: 0 });
  return { clock, store, room, commit, happen, happens, arrive, present, back, head: () => seq };
}

const upTo = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, index) => from + index);

test("a session that was away gets the events that it missed and then new ones, each once and in order", async () => {
  const room = setUp();
  room.happens(10);
  const { sink, done } = room.back("ann", 4);
  await done;
  room.happens(2);
  expect(sink.seqs(ROOM)).toEqual(upTo(5, 12));
});

test("a session that missed nothing is live without a read of the store", async () => {
  const room = setUp();
  room.happens(3);
  const { sink, done } = room.back("ann", 3);
  await done;
  room.happen();
  expect(sink.seqs(ROOM)).toEqual([4]);
  expect(room.store.calls.get("events")).toBeUndefined();
});

test("events during the read of a page come after it, without another read", async () => {
  const room = setUp();
  room.happens(10);
  const { sink, done } = room.back("ann", 4);
  room.happens(5);
  await done;
  expect(sink.seqs(ROOM)).toEqual(upTo(5, 15));
  expect(room.store.calls.get("events")).toBe(1);
});

test("a resume of many pages completes while the room goes on", async () => {
  const room = setUp();
  room.happens(5 * PAGE + 7);
  const { sink, done } = room.back("ann", 3);
  for (let each = 0; each < 20; each++) {
    room.happens(3);
    await Promise.resolve();
  }
  await done;
  expect(sink.seqs(ROOM)).toEqual(upTo(4, room.head()));
});

test("more live events than one page while a slow session reads are read from the store again", async () => {
  const room = setUp();
  room.happens(20);
  const { sink, done } = room.back("ann", 0);
  sink.takes(5);
  await settled();
  expect(sink.seqs(ROOM)).toEqual(upTo(1, 5));
  room.happens(3 * PAGE);
  sink.takes(Number.POSITIVE_INFINITY);
  await done;
  room.happen();
  expect(sink.seqs(ROOM)).toEqual(upTo(1, room.head()));
});

test("a session that reads slowly gets no more than it has room for", async () => {
  const room = setUp();
  room.happens(50);
  const { sink, done } = room.back("ann", 0);
  sink.takes(0);
  await settled();
  for (let taken = 0; taken < 60; taken += 6) {
    expect(sink.events.length).toBeLessThanOrEqual(taken);
    sink.takes(6);
    await settled();
  }
  await done;
  expect(sink.seqs(ROOM)).toEqual(upTo(1, 50));
});

test("a session that ends while it is replayed gets nothing more, and the replay ends", async () => {
  const room = setUp();
  room.happens(10);
  const { sink, subscriber, done } = room.back("ann", 0);
  sink.takes(3);
  await settled();
  room.room.remove(subscriber);
  sink.end();
  await done;
  room.happens(3);
  expect(sink.seqs(ROOM)).toEqual([1, 2, 3]);
  expect(room.room.idle()).toBe(true);
});

test("a session that leaves while the store answers gets nothing", async () => {
  const room = setUp();
  room.happens(10);
  const { sink, subscriber, done } = room.back("ann", 0);
  room.room.remove(subscriber);
  await done;
  expect(sink.events).toEqual([]);
});

test("a store that is away delays a replay and loses nothing", async () => {
  const room = setUp();
  room.happens(5);
  room.store.away = true;
  const { sink, done } = room.back("ann", 0);
  await room.clock.pass(1500);
  room.happens(2);
  room.store.away = false;
  await room.clock.pass(1000);
  await done;
  room.happen();
  expect(sink.seqs(ROOM)).toEqual(upTo(1, 8));
});

test("a removed user receives the USER_LEAVE and nothing above it, live as in the middle of a replay", async () => {
  const room = setUp();
  room.happens(10);
  const live = room.present("ann");
  const slow = room.back("ann", 2);
  slow.sink.takes(1);
  await settled();
  room.happen("USER_LEAVE", "ann");
  room.happens(5);
  slow.sink.takes(Number.POSITIVE_INFINITY);
  await slow.done;
  room.happens(5);
  expect(live.sink.seqs(ROOM)).toEqual([11]);
  expect(slow.sink.seqs(ROOM)).toEqual(upTo(3, 11));
  expect(room.room.idle()).toBe(true);
});

test("a removal during the attach ends the session's replay there", async () => {
  const room = setUp();
  room.happens(3);
  room.present("writer");
  const { sink, subscriber } = room.arrive("ann");
  const known = room.head();
  room.happen("USER_LEAVE", "ann");
  room.happens(2);
  subscriber.state = "live";
  await room.room.hold(subscriber, { seq: known, mark: known }, known).run();
  room.happen();
  expect(sink.seqs(ROOM)).toEqual([4]);
  expect(subscriber.rooms.size).toBe(0);
});

test("a removal before the membership that was read does not end the replay", async () => {
  const room = setUp();
  room.happens(3);
  const { sink, subscriber } = room.arrive("ann");
  room.happen("USER_LEAVE", "ann");
  room.commit("USER_JOIN", "ann");
  subscriber.state = "live";
  await room.room.hold(subscriber, { seq: 5, mark: 5 }, 5).run();
  await room.clock.pass(50);
  room.happen();
  expect(sink.seqs(ROOM)).toEqual([6]);
});

test("a user that is added again receives events from the USER_JOIN on", async () => {
  const room = setUp();
  const { sink } = room.present("ann");
  room.happen("USER_LEAVE", "ann");
  room.happens(2);
  room.happen("USER_JOIN", "ann");
  room.happens(2);
  expect(sink.seqs(ROOM)).toEqual([1, 4, 5, 6]);
});

test("a user that is removed and added again during a slow replay misses nothing", async () => {
  const room = setUp();
  room.happens(6);
  const { sink, done } = room.back("ann", 0);
  sink.takes(2);
  await settled();
  room.happen("USER_LEAVE", "ann");
  room.happen("USER_JOIN", "ann");
  room.happen();
  sink.takes(Number.POSITIVE_INFINITY);
  await done;
  room.happen();
  expect(sink.seqs(ROOM)).toEqual(upTo(1, 10));
});

test("a DELETE_CHAT is the last event of a session, also of one that was on its way through what came before", async () => {
  const room = setUp();
  room.happens(3);
  const live = room.present("ann");
  const slow = room.back("ben", 0);
  slow.sink.takes(1);
  await settled();
  room.happen("DELETE_CHAT", "owner");
  slow.sink.takes(Number.POSITIVE_INFINITY);
  await slow.done;
  expect(live.sink.seqs(ROOM)).toEqual([4]);
  expect(slow.sink.seqs(ROOM)).toEqual([1, 4]);
  expect(room.room.idle()).toBe(true);
});

test("a range that is no longer kept is a reset to the room's seq, and delivery goes on from there", async () => {
  const room = setUp();
  room.happens(40);
  room.store.forget(ROOM, 30);
  const { sink, done } = room.back("ann", 10);
  await done;
  room.happen();
  expect(sink.resets).toEqual([{ roomId: ROOM, reason: "too_old", seq: 40 }]);
  expect(sink.seqs(ROOM)).toEqual([41]);
});

test("two sessions with the same page share a read, and the second loses no event after it", async () => {
  const room = setUp();
  room.happens(5);
  let answer: () => void = () => undefined;
  const held = new Promise<void>((resolve) => (answer = resolve));
  room.store.underway = (method) => (method === "events" ? held : undefined);
  const first = room.back("ann", 3);
  await settled();
  room.happen();
  const second = room.back("ben", 5);
  answer();
  await Promise.all([first.done, second.done]);
  expect(first.sink.seqs(ROOM)).toEqual([4, 5, 6]);
  expect(second.sink.resets).toEqual([]);
  expect(second.sink.seqs(ROOM)).toEqual([6]);
});

test("a session ahead of this node gets no event twice", async () => {
  const room = setUp();
  room.happens(2);
  for (let each = 0; each < 3; each++) room.commit();
  const { sink, done } = room.back("ann", 4);
  const other = room.present("ben");
  await done;
  await room.clock.pass(20);
  room.happen();
  expect(sink.seqs(ROOM)).toEqual([5, 6]);
  expect(other.sink.seqs(ROOM)).toEqual([6]);
});

test("a removal and a return that a session has already received bring nothing twice", async () => {
  const room = setUp();
  room.happens(2);
  const [leave, join, last] = [room.commit("USER_LEAVE", "ann"), room.commit("USER_JOIN", "ann"), room.commit()];
  const live = room.back("ann", 5);
  await live.done;
  const held = room.arrive("ann");
  const replay = room.room.hold(held.subscriber, { seq: 5, mark: 5 }, 5);
  room.room.receive({ kind: "event", event: leave });
  held.subscriber.state = "live";
  await replay.run();
  for (const event of [join, last]) room.room.receive({ kind: "event", event });
  room.happen();
  expect(live.sink.seqs(ROOM)).toEqual([6]);
  expect(held.sink.seqs(ROOM)).toEqual([6]);
});

test("a gap that this node has to skip resets only the sessions behind it", async () => {
  const room = setUp();
  room.happens(2);
  const behind = room.present("ann");
  for (let each = 0; each < 10; each++) room.commit();
  const ahead = room.back("ben", 12);
  await ahead.done;
  room.store.forget(ROOM, 8);
  room.room.sequence.raiseHead(12);
  await room.clock.pass(20);
  expect(behind.sink.resets).toEqual([{ roomId: ROOM, reason: "too_old", seq: 8 }]);
  expect(behind.sink.seqs(ROOM)).toEqual(upTo(9, 12));
  expect(ahead.sink.resets).toEqual([]);
  expect(ahead.sink.seqs(ROOM)).toEqual([]);
});

test("a user that left gets `not_member` instead of the seq of a room that went on", async () => {
  const room = setUp();
  room.happens(20);
  room.store.forget(ROOM, 14);
  const { sink, subscriber } = room.arrive("ann");
  const replay = room.room.hold(subscriber, { seq: 0, mark: 0 }, 5);
  replay.endAt(6);
  await replay.run();
  expect(sink.resets).toEqual([{ roomId: ROOM, reason: "not_member", seq: 6 }]);
  expect(sink.events).toEqual([]);
});

const steps = fc.array(
  fc.oneof(
    { weight: 5, arbitrary: fc.constant("event" as const) },
    { weight: 2, arbitrary: fc.constant("lost event" as const) },
    { weight: 2, arbitrary: fc.constant("ann leaves" as const) },
    { weight: 2, arbitrary: fc.constant("ann joins" as const) },
    { weight: 2, arbitrary: fc.constant("reads" as const) },
    { weight: 3, arbitrary: fc.constant("settles" as const) },
    { weight: 1, arbitrary: fc.constant("20 ms pass" as const) },
    { weight: 2, arbitrary: fc.constant("session comes back" as const) },
  ),
  { minLength: 5, maxLength: 60 },
);

test("under any interleaving: nothing twice, nothing out of order, and no gap for a user that stayed a member", async () => {
  const property = fc.asyncProperty(steps, fc.nat(), async (sequence, seed) => {
    const room = setUp();
    const writer = room.present("writer");
    let member = true;
    const sessions: { sink: RecordingSink; from: number; done: Promise<void> }[] = [];
    let gone = false;
    for (const [index, step] of sequence.entries()) {
      if (step === "event") room.happen();
      else if (step === "lost event") room.commit();
      else if (step === "ann leaves" && member) {
        member = false;
        gone = true;
        room.happen("USER_LEAVE", "ann");
      } else if (step === "ann joins" && !member) {
        member = true;
        room.happen("USER_JOIN", "ann");
      } else if (step === "reads") for (const { sink } of sessions) sink.takes((seed + index) % 5);
      else if (step === "settles") await settled();
      else if (step === "20 ms pass") await room.clock.pass(20);
      else if (step === "session comes back" && member) {
        const from = (seed * (index + 7)) % (room.head() + 1);
        sessions.push({ from, ...room.back("ann", from) });
      }
    }
    for (const { sink } of sessions) sink.takes(Number.POSITIVE_INFINITY);
    room.room.sequence.raiseHead(room.head());
    await room.clock.pass(3000);
    for (const { sink } of sessions) sink.takes(Number.POSITIVE_INFINITY);
    await Promise.all(sessions.map(({ done }) => done));
    expect(writer.sink.seqs(ROOM)).toEqual(upTo(1, room.head()));
    for (const { sink, from } of sessions) {
      const seqs = sink.seqs(ROOM);
      expect(seqs).toEqual([...new Set(seqs)].sort((a, b) => a - b));
      expect(sink.resets).toEqual([]);
      if (!gone) expect(seqs).toEqual(upTo(from + 1, room.head()));
      if (!member) expect(sink.events.at(-1)?.type ?? "USER_LEAVE").toBe("USER_LEAVE");
      if (member) expect(seqs.at(-1) ?? from).toBe(room.head());
    }
  });
  await fc.assert(property, { numRuns: 2000 });
});
