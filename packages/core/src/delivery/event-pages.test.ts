import { expect, test } from "vitest";
import { settled } from "../testing/manual-clock.fake.ts";
import { MapStore } from "../testing/map-store.fake.ts";
import { EventPageCache, PAGE } from "./event-pages.ts";

function setUp(count: number, bytes = 10) {
  const store = new MapStore();
  const changed = ["x".repeat(bytes)];
  const add = (seq: number) => {
    const event = { roomId: "r", seq, mark: seq, prev: seq - 1, type: "ROOM_STATE" as const, userId: "ann" };
    store.write({ events: [{ ...event, subjectId: null, details: { changed }, at: new Date(0) }] });
  };
  for (let seq = 1; seq <= count; seq++) add(seq);
  const pages = new EventPageCache(store);
  const read = async (after: number) => (await pages.read("r", after)).map(({ seq }) => seq);
  const reads = () => store.calls.get("events") ?? 0;
  return { store, add, read, reads };
}

test("readers with different cursors within a page ask the store once", async () => {
  const { read, reads } = setUp(100);
  expect((await read(10))[0]).toBe(11);
  expect((await read(70))[0]).toBe(71);
  await Promise.all([read(0), read(50), read(99)]);
  expect(reads()).toBe(1);
});

test("a read goes up to the page's end", async () => {
  const { read } = setUp(300);
  expect((await read(100)).at(-1)).toBe(PAGE);
  expect(await read(PAGE)).toEqual(Array.from({ length: PAGE }, (_, index) => PAGE + 1 + index));
});

test("an unfinished page is read again when more is wanted than it has", async () => {
  const { add, read, reads } = setUp(5);
  expect(await read(3)).toEqual([4, 5]);
  add(6);
  expect(await read(5)).toEqual([6]);
  expect(reads()).toBe(2);
});

test("a read during an older one gets the events that were there at its call", async () => {
  const { add, read, store } = setUp(5);
  let release: () => void = () => undefined;
  const held = new Promise<void>((resolve) => (release = resolve));
  store.underway = () => held;
  const older = read(3);
  await settled();
  add(6);
  const younger = [read(5), read(5)];
  store.underway = () => undefined;
  release();
  expect(await older).toEqual([4, 5]);
  expect(await Promise.all(younger)).toEqual([[6], [6]]);
});

test("after a range that is no longer kept the next event comes first", async () => {
  const { read, store } = setUp(300);
  store.forget("r", 200);
  expect((await read(10))[0]).toBe(201);
  expect((await read(200))[0]).toBe(201);
});

test("a failed read rejects for all that wait, and the next one reads again", async () => {
  const { read, store } = setUp(5);
  store.away = true;
  const outcomes = await Promise.allSettled([read(0), read(2)]);
  expect(outcomes.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
  store.away = false;
  expect(await read(3)).toEqual([4, 5]);
});

test("the cache is bounded: the least recently read pages are dropped", async () => {
  const { read, reads } = setUp(PAGE * 10, 32_768);
  for (let page = 0; page < 10; page++) await read(page * PAGE);
  expect(reads()).toBe(10);
  await read(9 * PAGE);
  expect(reads()).toBe(10);
  await read(0);
  expect(reads()).toBe(11);
});
