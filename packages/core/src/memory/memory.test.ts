import { expect, test } from "vitest";
import type { Clock } from "../ports/clock.ts";
import { createMemoryEngine } from "./engine.ts";
import { MemoryTickets } from "./tickets.ts";
import { TokenBuckets } from "./token-buckets.ts";
import { MemoryTyping } from "./typing.ts";

function manualClock(): Clock & { turn(ms: number): void } {
  let now = 0;
  const turn = (ms: number) => {
    now += ms;
  };
  return { now: () => now, after: () => () => {}, turn };
}

test("tokens come back at the rate, up to the burst", async () => {
  const clock = manualClock();
  const buckets = new TokenBuckets(clock);
  expect(await buckets.take("ada", 5, 2, 4)).toEqual({ granted: 4, retryAfterMs: 500 });
  clock.turn(499);
  expect(await buckets.take("ada", 1, 2, 4)).toEqual({ granted: 0, retryAfterMs: 1 });
  clock.turn(1);
  expect(await buckets.take("ada", 1, 2, 4)).toEqual({ granted: 1, retryAfterMs: 500 });
  clock.turn(60_000);
  expect(await buckets.take("ada", 9, 2, 4)).toMatchObject({ granted: 4 });
});

test("buckets that are full again are dropped", async () => {
  const clock = manualClock();
  const buckets = new TokenBuckets(clock);
  for (let user = 0; user < 1000; user++) await buckets.take(String(user), 1, 1, 10);
  expect(buckets.size).toBe(1000);
  clock.turn(5_000);
  await buckets.take("late", 9, 1, 10);
  clock.turn(5_000);
  await buckets.take("now", 1, 1, 10);
  expect(buckets.size).toBe(2);
});

test("typing expires to the millisecond, and its entry is dropped", async () => {
  const clock = manualClock();
  const typing = new MemoryTyping(clock);
  for (let room = 0; room < 1000; room++) typing.start(String(room), "ada", 4000);
  clock.turn(3999);
  expect((await typing.list(["7"])).get("7")).toMatchObject([{ userId: "ada", remainingMs: 1 }]);
  clock.turn(1);
  expect(await typing.list(["7"])).toEqual(new Map());
  clock.turn(6000);
  typing.start("other", "ada", 4000);
  expect(typing.size).toBe(1);
});

test("a repeat keeps the start, and the typist with the earliest start is listed first", async () => {
  const clock = manualClock();
  const typing = new MemoryTyping(clock);
  typing.start("room", "ada", 4000);
  clock.turn(1000);
  typing.start("room", "bob", 4000);
  typing.start("room", "ada", 4000);
  const [ada, bob] = (await typing.list(["room"])).get("room") ?? [];
  expect(ada).toMatchObject({ userId: "ada", remainingMs: 4000 });
  expect(bob!.startedAt - ada!.startedAt).toBeGreaterThanOrEqual(999);
});

test("a ticket expires to the millisecond, and is dropped", async () => {
  const clock = manualClock();
  const tickets = new MemoryTickets(clock);
  for (let ticket = 0; ticket < 1000; ticket++) await tickets.put(String(ticket), "content", 5_000);
  clock.turn(4_999);
  expect(await tickets.take("7")).toBe("content");
  clock.turn(1);
  expect(await tickets.take("8")).toBeNull();
  clock.turn(5_000);
  await tickets.put("other", "content", 5_000);
  expect(tickets.size).toBe(1);
});

test("publications arrive after the code that made them, and what a listener publishes after those", async () => {
  const engine = createMemoryEngine();
  const room = { kind: "room", id: "room" } as const;
  const received: string[] = [];
  engine.pubSub.listen({
    message: (channel, payload) => {
      received.push(payload);
      if (payload === "first") engine.pubSub.publish(channel, "answer");
    },
    restored: () => {},
  });
  await engine.pubSub.subscribe([room]);
  engine.pubSub.publish(room, "first");
  engine.pubSub.publish(room, "second");
  received.push("published");
  await expect.poll(() => received).toEqual(["published", "first", "second", "answer"]);
});
