import fc from "fast-check";
import { expect, test } from "vitest";
import { BEAT_MS, Gateways, GRACE_MS, LEASE_MS, MINUTE_MS, many, openTwo } from "../testing/local-presence.fake.ts";

test("users of a gateway that dies are announced offline once, within 10 s, except who came back elsewhere", async () => {
  const people = many(1200);
  const { gateways, one, two, clock } = await openTwo(...people);
  const three = await gateways.open();
  await Promise.all(people.map((userId) => one.attendance.arrive(userId)));
  await clock.pass(LEASE_MS + BEAT_MS - 1);
  // Just before its next renewal.
  one.clock.stop();
  gateways.told.length = 0;
  await clock.pass(2000);
  const [back = "", ...gone] = people;
  await three.attendance.arrive(back);
  const before = clock.now();
  while (gateways.told.length < gone.length && clock.now() - before < 8000) await clock.pass(100);
  expect(new Set(gateways.told)).toEqual(new Set(gone.map((userId) => `${userId} offline`)));
  await clock.pass(MINUTE_MS);
  expect(gateways.told).toHaveLength(gone.length);
  for (const gateway of [two, three]) await gateway.attendance.close();
});

test("whoever comes back in time from a gateway that dies at any moment is never announced", async () => {
  const moment = fc.record({ at: fc.integer({ min: 0, max: BEAT_MS }), back: fc.integer({ min: 0, max: GRACE_MS }) });
  const property = fc.asyncProperty(moment, async ({ at, back }) => {
    const { gateways, one, two, clock } = await openTwo("ann");
    await one.attendance.arrive("ann");
    await clock.pass(LEASE_MS * 2 + at);
    one.clock.stop();
    await clock.pass(back);
    await two.attendance.arrive("ann");
    await clock.pass(MINUTE_MS);
    expect(gateways.told).toEqual(["ann online"]);
  });
  await fc.assert(property, { numRuns: 50 });
});

test("a gateway that stood still goes on under another id, and nobody who stayed with it flickers", async () => {
  const { gateways, one, clock } = await openTwo("ann", "ben");
  await one.attendance.arrive("ann");
  await one.attendance.arrive("ben");
  await clock.pass(2 * LEASE_MS);
  one.clock.stop();
  await clock.pass(LEASE_MS + BEAT_MS + 100);
  one.clock.go();
  await clock.pass(MINUTE_MS);
  expect(gateways.told).toEqual(["ann online", "ben online"]);
  expect(one.doubts).toEqual([false, true]);
});

test("a gateway that stood still for long brings its users back when it goes on", async () => {
  const { gateways, one, clock } = await openTwo("ann", "ben");
  await one.attendance.arrive("ann");
  await one.attendance.arrive("ben");
  await clock.pass(2 * LEASE_MS);
  one.clock.stop();
  await clock.pass(MINUTE_MS);
  expect(gateways.told.slice(2)).toEqual(["ann offline", "ben offline"]);
  one.clock.go();
  // What its session closed meanwhile is not brought back.
  await one.attendance.depart("ben");
  await clock.pass(MINUTE_MS);
  expect(gateways.told.slice(4)).toEqual(["ann online"]);
  expect(one.doubts).toEqual([false, true]);
});

test("when everything stood still, nobody judges the others before they had the time to renew", async () => {
  const { gateways, one, two, clock } = await openTwo("ann", "ben");
  await one.attendance.arrive("ann");
  await two.attendance.arrive("ben");
  await clock.pass(2 * LEASE_MS);
  for (const each of [one, two]) each.clock.stop();
  await clock.pass(MINUTE_MS);
  two.clock.go();
  await clock.pass(LEASE_MS / 2);
  one.clock.go();
  await clock.pass(MINUTE_MS);
  expect(gateways.told).toEqual(["ann online", "ben online"]);
  expect([...one.doubts, ...two.doubts]).toEqual([]);
});

test("when the registry loses all it knew, nobody who is connected is announced offline", async () => {
  const people = many(1200);
  const { gateways, one, two, clock } = await openTwo(...people);
  await Promise.all(people.map((userId, index) => [one, two][index % 2]?.attendance.arrive(userId)));
  await clock.pass(2 * LEASE_MS);
  gateways.lose();
  await clock.pass(BEAT_MS);
  expect(new Set(await gateways.shown(...people))).toEqual(new Set(["online"]));
  expect([one.doubts, two.doubts]).toEqual([[false], [false]]);
  await clock.pass(LEASE_MS + GRACE_MS);
  expect([one.doubts, two.doubts]).toEqual([
    [false, true],
    [false, true],
  ]);
  await clock.pass(MINUTE_MS);
  expect(gateways.told.filter((told) => told.endsWith("offline"))).toEqual([]);
});

test("when the registry loses all it knew and entering anew fails at first, it is tried again", async () => {
  const { gateways, one, clock } = await openTwo("ann");
  await one.attendance.arrive("ann");
  gateways.lose();
  gateways.underway = (method) => {
    if (method === "open") gateways.away = true;
    return undefined;
  };
  await clock.pass(BEAT_MS);
  expect(await gateways.shown("ann")).toEqual(["offline"]);
  gateways.away = false;
  gateways.underway = () => undefined;
  await clock.pass(BEAT_MS);
  expect(await gateways.shown("ann")).toEqual(["online"]);
});

test("while the engine is away nobody goes offline, and who closed their last session meanwhile does once it is back", async () => {
  const { gateways, one, two, clock } = await openTwo("ann", "ben", "eve");
  await one.attendance.arrive("ann");
  await two.attendance.arrive("ben");
  await clock.pass(2 * LEASE_MS);
  gateways.away = true;
  await clock.pass(MINUTE_MS);
  const departed = two.attendance.depart("ben");
  void one.attendance.arrive("eve");
  void one.attendance.depart("eve");
  await clock.pass(MINUTE_MS);
  gateways.away = false;
  // The first to renew finds the other's lease run out.
  await clock.pass(300);
  expect(await departed).toBe(true);
  await clock.pass(MINUTE_MS);
  expect(gateways.told).toEqual(["ann online", "ben online", "ben offline"]);
  expect([...one.doubts, ...two.doubts]).toEqual([]);
});

test("an outage of the engine, however short, takes nobody's lease away", async () => {
  const outage = fc.record({
    offset: fc.integer({ min: 1, max: BEAT_MS }),
    from: fc.integer({ min: 0, max: BEAT_MS }),
    ms: fc.integer({ min: LEASE_MS / 2, max: 2 * LEASE_MS }),
  });
  const property = fc.asyncProperty(outage, async ({ offset, from, ms }) => {
    const gateways = new Gateways();
    const { clock } = gateways;
    await gateways.open();
    await clock.pass(offset);
    await gateways.open();
    await clock.pass(2 * LEASE_MS + from);
    gateways.away = true;
    await clock.pass(ms);
    gateways.away = false;
    await clock.pass(MINUTE_MS);
    expect(gateways.asked).not.toContain("claim");
  });
  await fc.assert(property, { numRuns: 200 });
});

test("a gateway that dies while the engine is away is judged once renewals have worked for a lease", async () => {
  const { gateways, one, two, clock } = await openTwo("ann", "ben");
  await one.attendance.arrive("ann");
  await two.attendance.arrive("ben");
  await clock.pass(2 * LEASE_MS);
  gateways.away = true;
  await clock.pass(MINUTE_MS);
  one.clock.stop();
  gateways.away = false;
  await clock.pass(LEASE_MS - 1);
  expect(gateways.told).toEqual(["ann online", "ben online"]);
  await clock.pass(MINUTE_MS);
  expect(gateways.told).toEqual(["ann online", "ben online", "ann offline"]);
});

test("a gateway that starts while the engine is away opens its lease when that is back", async () => {
  const gateways = new Gateways();
  gateways.people("ann");
  gateways.away = true;
  const { attendance } = await gateways.open();
  const arrived = attendance.arrive("ann");
  await gateways.clock.pass(MINUTE_MS);
  gateways.away = false;
  await gateways.clock.pass(300);
  await arrived;
  expect(gateways.told).toEqual(["ann online"]);
});

test("a gateway that closes while the engine is away leaves its users to the others", async () => {
  const { gateways, one, clock } = await openTwo("ann");
  await one.attendance.arrive("ann");
  await clock.pass(LEASE_MS);
  gateways.away = true;
  await one.attendance.close();
  gateways.away = false;
  await clock.pass(MINUTE_MS);
  expect(gateways.told).toEqual(["ann online", "ann offline"]);
  expect(gateways.asked.filter((method) => method === "endNode")).toHaveLength(1);
});

test("a gateway that could not take its users out does not end its lease", async () => {
  const { gateways, one } = await openTwo("ann");
  await one.attendance.arrive("ann");
  gateways.underway = (method) => (method === "leave" ? Promise.reject(new Error("no answer")) : undefined);
  await one.attendance.close();
  expect(gateways.asked.at(-1)).toBe("leave");
});
