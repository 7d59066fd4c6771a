import { expect, test } from "vitest";
import { createFaults } from "./faults.ts";
import { createMetrics } from "./metrics.ts";

function setUp() {
  const lines: object[] = [];
  const metrics = createMetrics();
  const clock = { now: 0 };
  const log = { error: (fields: object) => void lines.push(fields) };
  return { clock, faults: createFaults({ log, metrics, now: () => clock.now }), lines, metrics };
}

test("a fault is one line with an id, and counts by its place", async () => {
  const { faults, lines, metrics } = setUp();
  const error = new TypeError("a defect");
  faults.report("outbox", error);
  faults.report("replay", error);
  expect(lines).toEqual([
    { err: error, fault: expect.stringMatching(/^[0-9a-f-]{36}$/), place: "outbox", suppressed: 0 },
    { err: error, fault: expect.stringMatching(/^[0-9a-f-]{36}$/), place: "replay", suppressed: 0 },
  ]);
  expect(await metrics.registry.metrics()).toContain('signalbox_faults_total{place="outbox"} 1');
});

test("a place logs one line a second, which says how many were left out; each one counts", async () => {
  const { clock, faults, lines, metrics } = setUp();
  for (let count = 0; count < 1000; count++) faults.report("replay", new Error("again"));
  clock.now = 1000;
  faults.report("replay", new Error("again"));
  expect(lines).toMatchObject([{ suppressed: 0 }, { suppressed: 999 }]);
  expect(await metrics.registry.metrics()).toContain('signalbox_faults_total{place="replay"} 1001');
});
