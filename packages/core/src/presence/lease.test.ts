import fc from "fast-check";
import { expect, test } from "vitest";
import { BEAT_MS, Gateways, GRACE_MS, LEASE_MS, MINUTE_MS, many, openTwo } from "../testing/local-presence.fake.ts";

test("users of a gateway that dies are announced offline once, within 10 s, except those that came back elsewhere", async () => {
  const people = many(1200);
  const { gateways, one, two, clock } = await openTwo(...people);
  const three = await gateways.open();
  await Promise.all(people.map((userId) => one.localPresence.arrive(userId)));
  await clock.pass(LEASE_MS + BEAT_MS - 1);
  // Just before its next renewal.
  one.clock.stop();
  gateways.received.length = 0;
  await clock.pass(2000);
  const [back = "", ...gone] = people;
  await three.localPresence.arrive(back);
  const before = clock.now();
  while (gateways.received.length < gone.length && clock.now() - before < 8000) await clock.pass(100);
  expect(new Set(gateways.received)).toEqual(new Set(gone.map((userId) => `${userId} offline`)));
  await clock.pass(MINUTE_MS);
  expect(gateways.received).toHaveLength(gone.length);
  for (const gateway of [two, three]) await gateway.localPresence.close();
});

test("a user that comes back in time from a gateway that dies at any moment is never announced offline", async () => {
  const moment = fc.record({ at: fc.integer({ min: 0, max: BEAT_MS }), back: fc.integer({ min: 0, max: GRACE_MS }) });
  const property = fc.asyncProperty(moment, async ({ at, back }) => {
    const { gateways, one, two, clock } = await openTwo("ann");
    await one.localPresence.arrive("ann");
    await clock.pass(LEASE_MS * 2 + at);
    one.clock.stop();
    await clock.pass(back);
    await two.localPresence.arrive("ann");
    await clock.pass(MINUTE_MS);
    expect(gateways.received).toEqual(["ann online"]);
  });
  await fc.assert(property, { numRuns: 50 });
});

test("a gateway that paused goes on under another id, and its users stay online", async () => {
  const { gateways, one, clock } = await openTwo("ann", "ben");
  await one.localPresence.arrive("ann");
  await one.localPresence.arrive("ben");
  await clock.pass(2 * LEASE_MS);
  one.clock.stop();
  await clock.pass(LEASE_MS + BEAT_MS + 100);
  one.clock.go();
  await clock.pass(MINUTE_MS);
  expect(gateways.received).toEqual(["ann online", "ben online"]);
  expect(one.stale).toEqual([false, true]);
});

test("a gateway that paused for long brings its users back when it goes on", async () => {
  const { gateways, one, clock } = await openTwo("ann", "ben");
  await one.localPresence.arrive("ann");
  await one.localPresence.arrive("ben");
  await clock.pass(2 * LEASE_MS);
  one.clock.stop();
  await clock.pass(MINUTE_MS);
  expect(gateways.received.slice(2)).toEqual(["ann offline", "ben offline"]);
  one.clock.go();
  // A session that is closed meanwhile is not brought back.
  await one.localPresence.depart("ben");
  await clock.pass(MINUTE_MS);
  expect(gateways.received.slice(4)).toEqual(["ann online"]);
  expect(one.stale).toEqual([false, true]);
});

test("after a pause of all gateways, none takes over another before that had the time to renew", async () => {
  const { gateways, one, two, clock } = await openTwo("ann", "ben");
  await one.localPresence.arrive("ann");
  await two.localPresence.arrive("ben");
  await clock.pass(2 * LEASE_MS);
  for (const each of [one, two]) each.clock.stop();
  await clock.pass(MINUTE_MS);
  two.clock.go();
  await clock.pass(LEASE_MS / 2);
  one.clock.go();
  await clock.pass(MINUTE_MS);
  expect(gateways.received).toEqual(["ann online", "ben online"]);
  expect([...one.stale, ...two.stale]).toEqual([]);
});

test("when the registry loses its data, no connected user is announced offline", async () => {
  const people = many(1200);
  const { gateways, one, two, clock } = await openTwo(...people);
  await Promise.all(people.map((userId, index) => [one, two][index % 2]?.localPresence.arrive(userId)));
  await clock.pass(2 * LEASE_MS);
  gateways.lose();
  await clock.pass(BEAT_MS);
  expect(new Set(await gateways.shown(...people))).toEqual(new Set(["online"]));
  expect([one.stale, two.stale]).toEqual([[false], [false]]);
  await clock.pass(LEASE_MS + GRACE_MS);
  expect([one.stale, two.stale]).toEqual([
    [false, true],
    [false, true],
  ]);
  await clock.pass(MINUTE_MS);
  expect(gateways.received.filter((status) => status.endsWith("offline"))).toEqual([]);
});

test("when the registry loses its data and the new registration fails at first, it is tried again", async () => {
  const { gateways, one, clock } = await openTwo("ann");
  await one.localPresence.arrive("ann");
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

test("while the engine is away no user goes offline; those without a session do once it is back", async () => {
  const { gateways, one, two, clock } = await openTwo("ann", "ben", "eve");
  await one.localPresence.arrive("ann");
  await two.localPresence.arrive("ben");
  await clock.pass(2 * LEASE_MS);
  gateways.away = true;
  await clock.pass(MINUTE_MS);
  const departed = two.localPresence.depart("ben");
  void one.localPresence.arrive("eve");
  void one.localPresence.depart("eve");
  await clock.pass(MINUTE_MS);
  gateways.away = false;
  // The first one to renew finds the other's lease expired.
  await clock.pass(300);
  expect(await departed).toBe(true);
  await clock.pass(MINUTE_MS);
  expect(gateways.received).toEqual(["ann online", "ben online", "ben offline"]);
  expect([...one.stale, ...two.stale]).toEqual([]);
});

test("an outage of the engine of any length ends no lease", async () => {
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
    expect(gateways.calls).not.toContain("claim");
  });
  await fc.assert(property, { numRuns: 200 });
});

test("a gateway that dies while the engine is away is taken over once renewals have worked for a lease", async () => {
  const { gateways, one, two, clock } = await openTwo("ann", "ben");
  await one.localPresence.arrive("ann");
  await two.localPresence.arrive("ben");
  await clock.pass(2 * LEASE_MS);
  gateways.away = true;
  await clock.pass(MINUTE_MS);
  one.clock.stop();
  gateways.away = false;
  await clock.pass(LEASE_MS - 1);
  expect(gateways.received).toEqual(["ann online", "ben online"]);
  await clock.pass(MINUTE_MS);
  expect(gateways.received).toEqual(["ann online", "ben online", "ann offline"]);
});

test("a gateway that starts while the engine is away opens its lease at the engine's return", async () => {
  const gateways = new Gateways();
  gateways.people("ann");
  gateways.away = true;
  const { localPresence } = await gateways.open();
  const arrived = localPresence.arrive("ann");
  await gateways.clock.pass(MINUTE_MS);
  gateways.away = false;
  await gateways.clock.pass(300);
  await arrived;
  expect(gateways.received).toEqual(["ann online"]);
});

test("a gateway that closes while the engine is away leaves its users to the others", async () => {
  const { gateways, one, clock } = await openTwo("ann");
  await one.localPresence.arrive("ann");
  await clock.pass(LEASE_MS);
  gateways.away = true;
  await one.localPresence.close();
  gateways.away = false;
  await clock.pass(MINUTE_MS);
  expect(gateways.received).toEqual(["ann online", "ann offline"]);
  expect(gateways.calls.filter((method) => method === "endNode")).toHaveLength(1);
});

test("a gateway that could not remove its users does not end its lease", async () => {
  const { gateways, one } = await openTwo("ann");
  await one.localPresence.arrive("ann");
  gateways.underway = (method) => (method === "leave" ? Promise.reject(new Error("no answer")) : undefined);
  await one.localPresence.close();
  expect(gateways.calls.at(-1)).toBe("leave");
});
