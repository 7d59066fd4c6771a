import { afterEach, expect, test, vi } from "vitest";
import { backoff } from "./backoff.ts";

afterEach(() => vi.restoreAllMocks());

const atMost = (attempt: number, slower?: boolean) => {
  vi.spyOn(Math, "random").mockReturnValue(1 - Number.EPSILON);
  return backoff(attempt, slower);
};

test("the limit doubles with each attempt, up to 30 s", () => {
  expect([0, 1, 2, 3, 4, 5, 6, 2000].map((attempt) => atMost(attempt))).toEqual([
    1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000,
  ]);
});

test("the time is spread over all that lies below the limit", () => {
  const times = Array.from({ length: 1000 }, () => backoff(10));
  for (const part of [0, 1, 2]) {
    const within = times.filter((ms) => ms >= part * 10_000 && ms <= (part + 1) * 10_000);
    expect(within.length).toBeGreaterThan(200);
  }
  expect(times.every((ms) => Number.isInteger(ms) && ms >= 0 && ms <= 30_000)).toBe(true);
});

test("a client that was told to slow down waits ten seconds more", () => {
  vi.spyOn(Math, "random").mockReturnValue(0);
  expect(backoff(0, true)).toBe(10_000);
  expect(atMost(0, true)).toBe(11_000);
});
