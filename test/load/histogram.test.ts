import { expect, test } from "vitest";
import { Histogram } from "./histogram.ts";

test("gives percentiles to 3 %, and the longest duration exactly", () => {
  const histogram = new Histogram();
  for (let micros = 1; micros <= 100_000; micros++) histogram.record(micros);
  for (const share of [0.001, 0.01, 0.5, 0.99, 1]) {
    const exact = share * 100;
    expect(histogram.percentileMs(share)).toBeGreaterThanOrEqual(exact);
    expect(histogram.percentileMs(share)).toBeLessThanOrEqual(exact * 1.032);
  }
  expect(histogram.maxMs()).toBe(100);
});

test("adds up across processes", () => {
  const [one, other] = [new Histogram(), new Histogram()];
  one.record(1000);
  other.record(2 ** 40);
  one.add(JSON.parse(JSON.stringify(other)));
  expect(one.percentileMs(0.5)).toBeCloseTo(1, 1);
  expect(one.maxMs()).toBe((2 ** 31 - 1) / 1000);
});

test("has no percentile without durations", () => {
  expect(new Histogram().percentileMs(0.5)).toBeNaN();
});
