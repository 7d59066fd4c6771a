import { expect, test } from "vitest";
import { comparison, type Figures, type Floors, ratiosOf, summary } from "./figures.ts";

const figures: Figures = {
  deliveriesPerSecond: 600_000,
  p50Ms: 16,
  p99Ms: 120,
  microsPerDelivery: 1.4,
  corePercent: 82,
  sendsPerSecond: 8000,
  timesOneByOne: 5.5,
  idleKb: 20,
};
const floors: Floors = {
  p50Ms: [8],
  p99Ms: [40],
  microsPerDelivery: [0.6, 0.8],
  sendsPerSecond: [20_000, 28_000],
  idleKb: [5],
};

test("a ratio is the product's cost over the mean of the floor's, for sends too", () => {
  const ratios = ratiosOf(figures, floors);
  expect(ratios.microsPerDelivery).toBeCloseTo(2);
  expect(ratios.sendsPerSecond).toBeCloseTo(3);
  expect(ratios).toMatchObject({ p50Ms: 2, p99Ms: 3, idleKb: 4 });
});

test("a comparison marks only ratios that are worse than recorded by more than 5 %", () => {
  const ratios = { p50Ms: 2, p99Ms: 2.8, microsPerDelivery: 1.91, sendsPerSecond: 2.5, idleKb: 8 };
  expect(comparison(figures, floors, { label: "0.1", ratios }).split("\n")).toEqual([
    "fan-out: 16.0 ms p50, floor 8.0: 2.00 times, recorded 2.00",
    "fan-out: 120.0 ms p99, floor 40.0: 3.00 times, recorded 2.80: worse",
    "fan-out: 1.40 µs per delivery, floor 0.70 (0.60, 0.80): 2.00 times, recorded 1.91",
    "sends: 8,000 a second, floor 24,000 (20,000, 28,000): 3.00 times, recorded 2.50: worse",
    "idle session: 20.0 KB, floor 5.0: 4.00 times, recorded 8.00",
    "recorded: 0.1",
  ]);
});

test("a comparison without a recorded row says so", () => {
  const lines = comparison(figures, floors, undefined).split("\n");
  expect(lines[2]).toBe("fan-out: 1.40 µs per delivery, floor 0.70 (0.60, 0.80): 2.00 times");
  expect(lines.at(-1)).toBe("no ratios are recorded");
});

test("the summary has a line for each figure", () => {
  expect(summary(figures).split("\n")).toHaveLength(8);
  expect(summary(figures)).toContain("deliveries/s  600,000");
});
