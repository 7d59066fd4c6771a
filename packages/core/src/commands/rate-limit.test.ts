import { Problem } from "@signalbox/protocol/errors";
import { expect, test } from "vitest";
import { TokenBuckets } from "../memory/token-buckets.ts";
import type { RateTokens } from "../ports/rate-tokens.ts";
import { ManualClock } from "../testing/manual-clock.fake.ts";
import { createRateLimit } from "./rate-limit.ts";

const ann = { userId: "ann", service: false };

function setUp(rate = 50, burst = 200) {
  const clock = new ManualClock();
  const asked: [string, number][] = [];
  const shared = new TokenBuckets(clock);
  const tokens: RateTokens = {
    take: (userId, count, ...limits) => {
      asked.push([userId, count]);
      return shared.take(userId, count, ...limits);
    },
  };
  const limit = createRateLimit({ tokens, local: new TokenBuckets(clock), rate, burst });
  const take = async (count: number, actor = ann) => {
    const outcomes = await Promise.allSettled(Array.from({ length: count }, () => limit.take(actor)));
    return outcomes.filter(({ status }) => status === "fulfilled").length;
  };
  return { clock, asked, limit, take };
}

test("a burst is granted, and actions beyond it are refused with the time to wait", async () => {
  const { limit, take } = setUp();
  expect(await take(250)).toBe(200);
  await expect(limit.take(ann)).rejects.toMatchObject({ code: "rate_limited", retryAfterMs: 20 });
});

test("actions come back at the rate", async () => {
  const { clock, take } = setUp();
  await take(200);
  await clock.pass(1000);
  expect(await take(100)).toBe(50);
});

test("the first actions of a burst are granted, and calls settle in their order", async () => {
  const { limit } = setUp(1, 3);
  const settled: string[] = [];
  const calls = Array.from({ length: 5 }, (_, index) =>
    limit.take(ann).then(
      () => settled.push(`${index} taken`),
      () => settled.push(`${index} refused`),
    ),
  );
  await Promise.all(calls);
  expect(settled).toEqual(["0 taken", "1 taken", "2 taken", "3 refused", "4 refused"]);
});

test("calls of one tick cost one request per user", async () => {
  const { asked, take } = setUp();
  await Promise.all([take(20), take(30), take(5, { userId: "ben", service: false })]);
  expect(asked).toEqual([
    ["ann", 50],
    ["ben", 5],
  ]);
});

test("each user has a limit of their own", async () => {
  const { take } = setUp();
  await take(200);
  expect(await take(10, { userId: "ben", service: false })).toBe(10);
});

test("a service has no limit", async () => {
  const { asked, take } = setUp();
  expect(await take(1000, { userId: "backend", service: true })).toBe(1000);
  expect(asked).toEqual([]);
});

test("a rate of 0 lifts the limit", async () => {
  const { take } = setUp(0, 0);
  expect(await take(1000)).toBe(1000);
});

test("while the shared buckets are away, a node applies the rate by itself", async () => {
  const clock = new ManualClock();
  const tokens: RateTokens = { take: () => Promise.reject(new Problem("unavailable", "away")) };
  const limit = createRateLimit({ tokens, local: new TokenBuckets(clock), rate: 1, burst: 2 });
  await limit.take(ann);
  await limit.take(ann);
  await expect(limit.take(ann)).rejects.toMatchObject({ code: "rate_limited" });
});

test("a defect in the buckets rejects the action with that error", async () => {
  const broken: RateTokens = { take: () => Promise.reject(new TypeError("a defect")) };
  const limit = createRateLimit({ tokens: broken, local: broken, rate: 1, burst: 2 });
  await expect(limit.take(ann)).rejects.toBeInstanceOf(TypeError);
});
