import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { type Flushable, Flusher } from "./outbox.ts";

/** The clock that the flusher reads, in milliseconds: `pass` and the duration of a flush move it. */
let now = 0;

beforeEach(() => {
  now = 0;
  vi.useFakeTimers({ toFake: ["setTimeout", "setImmediate"] });
  vi.spyOn(performance, "now").mockImplementation(() => now);
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

function pass(ms: number): void {
  now += ms;
  vi.advanceTimersByTime(ms);
}

/** An outbox with a flush that takes `ms`, and the times of its flushes. */
function outbox(ms = 0): Flushable & { flushedAt: number[] } {
  const flushedAt: number[] = [];
  const flush = () => {
    flushedAt.push(now);
    now += ms;
  };
  return { flushedAt, flush };
}

test("what is written to an idle node leaves within the tick, together", () => {
  const flusher = new Flusher();
  const [ann, ben] = [outbox(), outbox()];
  flusher.add(ann);
  flusher.add(ben);
  expect(ann.flushedAt).toEqual([]);
  pass(0);
  expect([ann.flushedAt, ben.flushedAt]).toEqual([[0], [0]]);
});

test("a quick flush makes the next one wait for nothing", () => {
  const flusher = new Flusher();
  const ann = outbox(0.1);
  for (let turn = 0; turn < 3; turn++) {
    flusher.add(ann);
    pass(0);
  }
  expect(ann.flushedAt).toHaveLength(3);
});

test("after a flush that took 3 ms, frames of the next 6 ms leave together", () => {
  const flusher = new Flusher();
  const [busy, ann, ben] = [outbox(3), outbox(), outbox()];
  flusher.add(busy);
  pass(0);
  flusher.add(ann);
  pass(4);
  flusher.add(ben);
  expect([ann.flushedAt, ben.flushedAt]).toEqual([[], []]);
  pass(2);
  expect([ann.flushedAt, ben.flushedAt]).toEqual([[9], [9]]);
});

test("the window is 6 ms at most, however long a flush takes, and is over when the load is", () => {
  const flusher = new Flusher();
  const [busy, ann] = [outbox(500), outbox()];
  flusher.add(busy);
  pass(0);
  flusher.add(ann);
  pass(5);
  expect(ann.flushedAt).toEqual([]);
  pass(1);
  expect(ann.flushedAt).toEqual([506]);
  flusher.add(ann);
  pass(0);
  expect(ann.flushedAt).toEqual([506, 506]);
});

test("a node that was quiet for longer than the window flushes at once", () => {
  const flusher = new Flusher();
  const ann = outbox(4);
  flusher.add(ann);
  pass(0);
  pass(8);
  flusher.add(ann);
  pass(0);
  expect(ann.flushedAt).toEqual([0, 12]);
});

test("an outbox that has more while it is flushed is flushed again", () => {
  const flusher = new Flusher();
  const ann = outbox();
  let more = 2;
  flusher.add({
    flush() {
      if (more-- > 0) flusher.add(this);
      else ann.flush();
    },
  });
  for (let turn = 0; turn < 3; turn++) pass(1);
  expect(ann.flushedAt).toHaveLength(1);
});

test("an outbox that fails takes no other along", () => {
  const flusher = new Flusher();
  const [ann, ben] = [outbox(), outbox()];
  const failing = {
    flush() {
      throw new Error("no socket");
    },
  };
  for (const each of [ann, failing, failing, ben]) flusher.add(each);
  // The error itself stays visible.
  expect(() => pass(1)).toThrow("no socket");
  pass(1);
  expect([ann.flushedAt.length, ben.flushedAt.length]).toEqual([1, 1]);
});
