import { Problem } from "@signalbox/protocol/errors";
import fc from "fast-check";
import { expect, test } from "vitest";
import type { EventRow, Head } from "../model/rows.ts";
import { ManualClock, settled } from "../testing/manual-clock.fake.ts";
import { Sequence } from "./sequence.ts";

/** The end of a room at `seq`; the mark of an event here is its seq. */
const at = (seq: number): Head => ({ seq, mark: seq });
const event = (seq: number, mark = seq, prev = seq - 1): EventRow => ({
  ...{ roomId: "r", seq, mark, prev, type: "SEND_MSG", userId: "ann" },
  body: `,"seq":${seq}`,
});
const range = (from: number, to: number): EventRow[] =>
  Array.from({ length: to - from + 1 }, (_, index) => event(from + index));

/** A sequence over a store with the events `kept`, and its results. */
function setUp(kept: EventRow[] = [], pageOf = 128) {
  const clock = new ManualClock();
  const delivered: number[] = [];
  const skipped: number[] = [];
  const doubts: number[] = [];
  const store = { away: false, fault: undefined as Error | undefined, reads: 0 };
  const failures: unknown[] = [];
  const sequence = new Sequence({
    clock,
    read: async (after) => {
      store.reads++;
      if (store.fault !== undefined) throw store.fault;
      if (store.away) throw new Problem("unavailable", "away");
      return kept.filter(({ seq }) => seq > after).slice(0, pageOf);
    },
    deliver: ({ seq }) => delivered.push(seq),
    skipped: (seq) => skipped.push(seq),
    doubted: () => {
      doubts.push(sequence.last);
      // The store has the same events.
      void Promise.resolve().then(() => sequence.resume(kept.at(-1)?.seq ?? sequence.last));
    },
    failed: (error) => failures.push(error),
  });
  return { clock, delivered, doubts, failures, skipped, store, sequence };
}

test("events in order are delivered at once, without a read", async () => {
  const { clock, delivered, sequence, store } = setUp();
  sequence.start(at(0));
  for (const each of range(1, 3)) sequence.receive(each);
  expect(delivered).toEqual([1, 2, 3]);
  await clock.pass(5000);
  expect(store.reads).toBe(0);
});

test("events out of order are delivered in order, without a read", async () => {
  const { clock, delivered, sequence, store } = setUp();
  sequence.start(at(0));
  for (const seq of [3, 1, 4, 2]) sequence.receive(event(seq));
  expect(delivered).toEqual([1, 2, 3, 4]);
  await clock.pass(5000);
  expect(store.reads).toBe(0);
});

test("a repeated event is delivered once", () => {
  const { delivered, sequence } = setUp();
  sequence.start(at(0));
  for (const seq of [1, 1, 3, 3, 2, 2, 1, 3]) sequence.receive(event(seq));
  expect(delivered).toEqual([1, 2, 3]);
});

test("events before the start wait for it, and those up to its seq are not delivered", () => {
  const { delivered, sequence } = setUp();
  for (const seq of [4, 6, 5, 7]) sequence.receive(event(seq));
  expect(delivered).toEqual([]);
  sequence.start(at(5));
  expect(delivered).toEqual([6, 7]);
});

test("only the first start counts", () => {
  const { delivered, sequence } = setUp();
  sequence.start(at(5));
  sequence.start(at(2));
  sequence.start(at(9));
  sequence.receive(event(6));
  expect(delivered).toEqual([6]);
});

test("a lost event is read from the store once its lateness is no longer normal", async () => {
  const { clock, delivered, sequence, store } = setUp(range(1, 3));
  sequence.start(at(0));
  sequence.receive(event(2));
  await clock.pass(19);
  expect(delivered).toEqual([]);
  await clock.pass(1);
  expect(delivered).toEqual([1, 2, 3]);
  expect(store.reads).toBe(1);
});

test("a late event that comes in time saves the read", async () => {
  const { clock, delivered, sequence, store } = setUp(range(1, 2));
  sequence.start(at(0));
  sequence.receive(event(2));
  await clock.pass(10);
  sequence.receive(event(1));
  await clock.pass(5000);
  expect(delivered).toEqual([1, 2]);
  expect(store.reads).toBe(0);
});

test("a higher head is enough to bring the lost last event", async () => {
  const { clock, delivered, sequence } = setUp(range(1, 4));
  sequence.start(at(3));
  sequence.raiseHead(4);
  await clock.pass(20);
  expect(delivered).toEqual([4]);
  expect(sequence.repaired).toBe(1);
});

test("a store that is away is read again each second until it answers", async () => {
  const { clock, delivered, sequence, store } = setUp(range(1, 2));
  sequence.start(at(0));
  store.away = true;
  sequence.receive(event(2));
  await clock.pass(20);
  await clock.pass(2000);
  expect(store.reads).toBe(3);
  store.away = false;
  await clock.pass(1000);
  expect(delivered).toEqual([1, 2]);
  await clock.pass(10_000);
  expect(store.reads).toBe(4);
});

test("an event that arrives while the store is away is delivered as soon as it is the next", async () => {
  const { clock, delivered, sequence, store } = setUp(range(1, 2));
  sequence.start(at(0));
  store.away = true;
  sequence.receive(event(2));
  await clock.pass(20);
  sequence.receive(event(1));
  expect(delivered).toEqual([1, 2]);
});

test("a range that is no longer kept is skipped and reported", async () => {
  const { clock, delivered, skipped, sequence } = setUp(range(50, 52));
  sequence.start(at(10));
  sequence.raiseHead(52);
  await clock.pass(20);
  expect(skipped).toEqual([49]);
  expect(delivered).toEqual([50, 51, 52]);
});

test("a gap of many pages is read page by page", async () => {
  const { clock, delivered, sequence, store } = setUp(range(1, 1000), 100);
  sequence.start(at(0));
  sequence.raiseHead(1000);
  await clock.pass(20);
  expect(delivered).toHaveLength(1000);
  expect(store.reads).toBe(10);
});

test("events beyond those that it holds come from the store", async () => {
  const { clock, delivered, sequence } = setUp(range(1, 3000));
  sequence.start(at(0));
  for (const each of range(2, 3000)) sequence.receive(each);
  await clock.pass(20);
  expect(delivered).toEqual(range(1, 3000).map(({ seq }) => seq));
});

test("a closed sequence leaves no timer and reads no more", async () => {
  const { clock, delivered, sequence, store } = setUp(range(1, 2));
  sequence.start(at(0));
  sequence.receive(event(2));
  sequence.close();
  expect(clock.waiting).toBe(0);
  await clock.pass(5000);
  expect([delivered, store.reads]).toEqual([[], 0]);
});

test("a sequence that is closed during a read delivers nothing and sets no timer", async () => {
  const clock = new ManualClock();
  const delivered: number[] = [];
  let answer: (events: EventRow[]) => void = () => undefined;
  const read = () => new Promise<EventRow[]>((resolve) => (answer = resolve));
  const noop = () => undefined;
  const deliver = ({ seq }: EventRow) => delivered.push(seq);
  const sequence = new Sequence({ clock, read, deliver, skipped: noop, doubted: noop, failed: noop });
  sequence.start(at(0));
  sequence.raiseHead(2);
  await clock.pass(20);
  sequence.close();
  answer(range(1, 2));
  await settled();
  expect(delivered).toEqual([]);
  expect(clock.waiting).toBe(0);
});

test("under any order, loss and repetition every event is delivered once, in order", async () => {
  const step = fc.oneof(
    { weight: 6, arbitrary: fc.record({ do: fc.constant("receive" as const), seq: fc.integer({ min: 1, max: 40 }) }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant("pass" as const), seq: fc.integer({ min: 0, max: 60 }) }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constantFrom("away" as const, "back" as const), seq: fc.constant(0) }) },
  );
  const property = fc.asyncProperty(
    fc.array(step, { maxLength: 80 }),
    fc.integer({ min: 0, max: 40 }),
    fc.integer({ min: 0, max: 80 }),
    fc.integer({ min: 1, max: 7 }),
    async (steps, start, startAt, pageOf) => {
      const { clock, delivered, sequence, skipped, store } = setUp(range(1, 40), pageOf);
      for (const [index, { do: what, seq }] of steps.entries()) {
        if (index === startAt) sequence.start(at(start));
        if (what === "receive") sequence.receive(event(seq));
        else if (what === "pass") await clock.pass(seq);
        else store.away = what === "away";
      }
      sequence.start(at(start));
      store.away = false;
      sequence.raiseHead(40);
      await clock.pass(2000);
      const expected = range(sequence.last - delivered.length + 1, 40).map(({ seq }) => seq);
      expect(sequence.last).toBe(40);
      expect(delivered).toEqual(expected);
      expect(delivered).toHaveLength(40 - start);
      expect(skipped).toEqual([]);
    },
  );
  await fc.assert(property, { numRuns: 150 });
});
