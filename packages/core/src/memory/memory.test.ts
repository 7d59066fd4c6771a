import { expect, test } from "vitest";
import type { Clock } from "../ports/clock.ts";
import { createMemoryEngine } from "./engine.ts";
import { Tickets } from "./tickets.ts";
import { TokenBuckets } from "./token-buckets.ts";
import { MemoryTyping } from "./typing.ts";

function manualClock(): Clock & { turn(ms: number): void } {
  let now = 0;
  const turn = (ms: number) => {
    now += ms;
  };
  return { now: () => now, after: () => () => {}, turn };
}

test("tokens come back at the rate, up to the burst", () => {
  const clock = manualClock();
  const buckets = new TokenBuckets(clock);
  expect(buckets.take("ada", 5, 2, 4)).toEqual({ granted: 4, retryAfterMs: 500 });
  clock.turn(499);
  expect(buckets.take("ada", 1, 2, 4)).toEqual({ granted: 0, retryAfterMs: 1 });
  clock.turn(1);
  expect(buckets.take("ada", 1, 2, 4)).toEqual({ granted: 1, retryAfterMs: 500 });
  clock.turn(60_000);
  expect(buckets.take("ada", 9, 2, 4).granted).toBe(4);
});

test("buckets that are full again are dropped", () => {
  const clock = manualClock();
  const buckets = new TokenBuckets(clock);
  for (let user = 0; user < 1000; user++) buckets.take(String(user), 1, 1, 10);
  expect(buckets.size).toBe(1000);
  clock.turn(5_000);
  buckets.take("late", 9, 1, 10);
  clock.turn(5_000);
  buckets.take("now", 1, 1, 10);
  expect(buckets.size).toBe(2);
});

test("a note runs out to the millisecond, and nothing is kept of it", () => {
  const clock = manualClock();
  const notes = new MemoryTyping(clock);
  for (let room = 0; room < 1000; room++) notes.start(String(room), "ada", 4000);
  clock.turn(3999);
  expect(notes.list("7")).toMatchObject([{ userId: "ada", remainingMs: 1 }]);
  clock.turn(1);
  expect(notes.list("7")).toEqual([]);
  clock.turn(6000);
  notes.start("other", "ada", 4000);
  expect(notes.size).toBe(1);
});

test("a repeat keeps the start, and whoever started first is listed first", () => {
  const clock = manualClock();
  const notes = new MemoryTyping(clock);
  notes.start("room", "ada", 4000);
  clock.turn(1000);
  notes.start("room", "bob", 4000);
  notes.start("room", "ada", 4000);
  const [ada, bob] = notes.list("room");
  expect(ada).toMatchObject({ userId: "ada", remainingMs: 4000 });
  expect(bob!.startedAt - ada!.startedAt).toBeGreaterThanOrEqual(999);
});

test("a ticket runs out to the millisecond, and nothing is kept of it", () => {
  const clock = manualClock();
  const tickets = new Tickets(clock);
  for (let ticket = 0; ticket < 1000; ticket++) tickets.put(String(ticket), "content", 5_000);
  clock.turn(4_999);
  expect(tickets.take("7")).toBe("content");
  clock.turn(1);
  expect(tickets.take("8")).toBeNull();
  clock.turn(5_000);
  tickets.put("other", "content", 5_000);
  expect(tickets.size).toBe(1);
});

test("publications arrive after the code that made them, and what a listener publishes after those", async () => {
  const engine = createMemoryEngine();
  const room = { kind: "room", id: "room" } as const;
  const heard: string[] = [];
  engine.listen({
    message: (channel, payload) => {
      heard.push(payload);
      if (payload === "first") engine.publish(channel, "answer");
    },
    restored: () => {},
  });
  await engine.subscribe([room]);
  engine.publish(room, "first");
  engine.publish(room, "second");
  heard.push("published");
  await expect.poll(() => heard).toEqual(["published", "first", "second", "answer"]);
});
