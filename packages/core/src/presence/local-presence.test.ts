import fc from "fast-check";
import { expect, test } from "vitest";
import { BEAT_MS, GRACE_MS, LEASE_MS, MINUTE_MS, many, openTwo } from "../testing/local-presence.fake.ts";
import { settled } from "../testing/manual-clock.fake.ts";

test("whoever arrives is announced once, as they chose, and whoever leaves once the grace is over", async () => {
  const { gateways, one, clock } = await openTwo("ann");
  await gateways.store.choosePresence("ann", "busy");
  await one.attendance.arrive("ann");
  expect(gateways.told).toEqual(["ann busy"]);
  expect(await one.attendance.depart("ann")).toBe(true);
  await clock.pass(GRACE_MS - 1);
  expect(gateways.told).toEqual(["ann busy"]);
  await clock.pass(1 + BEAT_MS);
  expect(gateways.told).toEqual(["ann busy", "ann offline"]);
  await clock.pass(MINUTE_MS);
  expect(gateways.told).toHaveLength(2);
});

test("whoever comes back within the grace was never away, on whichever gateway", async () => {
  const { gateways, one, two, clock } = await openTwo("ann");
  await one.attendance.arrive("ann");
  for (const [from, to] of [
    [one, one],
    [one, two],
    [two, one],
  ] as const) {
    await from.attendance.depart("ann");
    await clock.pass(GRACE_MS - 100);
    await to.attendance.arrive("ann");
    await clock.pass(MINUTE_MS);
  }
  expect(gateways.told).toEqual(["ann online"]);
});

test("whoever leaves one of two gateways has a session elsewhere", async () => {
  const { gateways, one, two, clock } = await openTwo("ann");
  await one.attendance.arrive("ann");
  await two.attendance.arrive("ann");
  expect(await one.attendance.depart("ann")).toBe(false);
  await clock.pass(MINUTE_MS);
  expect(gateways.told).toEqual(["ann online"]);
  expect(await two.attendance.depart("ann")).toBe(true);
});

test("nobody is entered while it is not known what they chose, and they may be hidden", async () => {
  const { gateways, one, clock } = await openTwo("ann", "ben");
  await gateways.store.choosePresence("ann", "appear_offline");
  gateways.store.away = true;
  const arrived = one.attendance.arrive("ann");
  void one.attendance.arrive("ben");
  await clock.pass(MINUTE_MS);
  expect(one.attendance.appearsOffline("ben")).toBe(true);
  await one.attendance.depart("ben");
  expect(gateways.asked).not.toContain("enter");
  gateways.store.away = false;
  await clock.pass(BEAT_MS);
  await arrived;
  expect(one.attendance.appearsOffline("ann")).toBe(true);
  expect(one.attendance.appearsOffline("ben")).toBe(false);
  expect(await gateways.shown("ann", "ben")).toEqual(["offline", "offline"]);
  await clock.pass(MINUTE_MS);
  expect(gateways.told).toEqual([]);
});

test("the choices of those who arrive together are one question, and they are entered together", async () => {
  const people = many(400);
  const { gateways, one } = await openTwo(...people);
  gateways.asked.length = 0;
  await Promise.all(people.map((userId) => one.attendance.arrive(userId)));
  expect(gateways.store.calls.get("users")).toBe(1);
  expect(gateways.store.calls.get("roomsOfAll")).toBe(1);
  expect(gateways.asked).toEqual(["enter", "announced"]);
});

test("a choice that only the store knows is brought to the registry, an older one is not", async () => {
  const { gateways, one, clock } = await openTwo("ann");
  await one.attendance.arrive("ann");
  const busy = await gateways.store.choosePresence("ann", "busy");
  const hidden = await gateways.store.choosePresence("ann", "appear_offline");
  gateways.away = true;
  one.attendance.chosen(hidden);
  one.attendance.chosen(busy);
  expect(one.attendance.appearsOffline("ann")).toBe(true);
  await clock.pass(MINUTE_MS);
  gateways.away = false;
  await clock.pass(300);
  expect((await gateways.read(["ann"])).get("ann")?.own).toBe("appear_offline");
  gateways.asked.length = 0;
  one.attendance.chosen(hidden);
  await clock.pass(MINUTE_MS);
  expect(gateways.asked).not.toContain("choose");
  expect(gateways.told).toEqual(["ann online", "ann offline"]);
});

test("a choice that comes while its user is being entered with an older one wins", async () => {
  const { gateways, one, clock } = await openTwo("ann");
  let release: () => void = () => undefined;
  gateways.underway = (method) => (method === "enter" ? new Promise((resolve) => (release = resolve)) : undefined);
  const arrived = one.attendance.arrive("ann");
  await settled();
  one.attendance.chosen(await gateways.store.choosePresence("ann", "busy"));
  await settled();
  release();
  await arrived;
  await clock.pass(BEAT_MS);
  expect(await gateways.shown("ann")).toEqual(["busy"]);
});

test("a choice that comes while an older one is being asked for, or brought, wins", async () => {
  const { gateways, one, clock } = await openTwo("ann");
  let release: () => void = () => undefined;
  const hold = (held: string) => (method: string) =>
    method === held ? new Promise<void>((resolve) => (release = resolve)) : undefined;
  gateways.store.underway = hold("users");
  const arrived = one.attendance.arrive("ann");
  await settled();
  one.attendance.chosen(await gateways.store.choosePresence("ann", "appear_offline"));
  release();
  await arrived;
  await settled();
  expect(one.attendance.appearsOffline("ann")).toBe(true);
  gateways.underway = hold("choose");
  one.attendance.chosen(await gateways.store.choosePresence("ann", "idle"));
  await settled();
  gateways.underway = () => undefined;
  one.attendance.chosen(await gateways.store.choosePresence("ann", "online"));
  release();
  await clock.pass(BEAT_MS);
  expect(gateways.told).toEqual(["ann idle", "ann online"]);
});

test("whoever is idle is online again within 1.5 s of doing something", async () => {
  const { gateways, one, clock } = await openTwo("ann");
  await one.attendance.arrive("ann");
  await clock.pass(6 * MINUTE_MS);
  expect(gateways.told).toEqual(["ann online", "ann idle"]);
  one.attendance.active("ann");
  await clock.pass(1500);
  expect(gateways.told).toEqual(["ann online", "ann idle", "ann online"]);
});

test("of somebody who goes on doing things the registry hears once in 10 s, and of the last of it exactly", async () => {
  const { gateways, one, clock } = await openTwo("ann");
  await one.attendance.arrive("ann");
  await clock.pass(MINUTE_MS);
  gateways.asked.length = 0;
  const arrivedAt = (await gateways.read(["ann"])).get("ann")?.activeAt ?? 0;
  for (let second = 0; second < 60; second++) {
    one.attendance.active("ann");
    await clock.pass(1000);
  }
  const touches = gateways.asked.filter((method) => method === "touch").length;
  expect(touches).toBeGreaterThanOrEqual(5);
  expect(touches).toBeLessThanOrEqual(7);
  await clock.pass(MINUTE_MS);
  const activeAt = (await gateways.read(["ann"])).get("ann")?.activeAt ?? 0;
  expect(Math.abs(activeAt - arrivedAt - 119_000)).toBeLessThanOrEqual(1);
});

test("activity that the engine did not take is brought when it is back", async () => {
  const { gateways, one, clock } = await openTwo("ann");
  await one.attendance.arrive("ann");
  await clock.pass(6 * MINUTE_MS);
  gateways.underway = (method) => {
    if (method === "touch") throw new Error("lost");
    return undefined;
  };
  gateways.away = true;
  one.attendance.active("ann");
  await clock.pass(MINUTE_MS);
  gateways.away = false;
  gateways.underway = () => undefined;
  await clock.pass(1500);
  expect(gateways.told).toEqual(["ann online", "ann idle", "ann online"]);
});

test("sessions that do nothing cost nothing: a beat renews and settles, however many there are", async () => {
  const people = many(1200);
  const { gateways, one, two, clock } = await openTwo(...people);
  await Promise.all(people.map((userId) => one.attendance.arrive(userId)));
  await clock.pass(LEASE_MS);
  await two.attendance.close();
  gateways.asked.length = 0;
  await clock.pass(10 * BEAT_MS);
  const expected = Array.from({ length: 10 }, () => ["renew", "settle"]).flat();
  expect(gateways.asked).toEqual(expected);
});

test("a gateway that closes takes its users out and ends its lease; another is not asked to", async () => {
  const { gateways, one, clock } = await openTwo("ann", "ben");
  await one.attendance.arrive("ann");
  await one.attendance.arrive("ben");
  const departed = one.attendance.depart("ben");
  await one.attendance.close();
  expect(await departed).toBe(true);
  await one.attendance.arrive("ann");
  expect(gateways.asked.slice(-2)).toEqual(["leave", "close"]);
  await clock.pass(MINUTE_MS);
  expect(gateways.told.sort()).toEqual(["ann offline", "ann online", "ben offline", "ben online"]);
  expect(gateways.asked).not.toContain("claim");
});

test("whatever the interleaving of arrivals, departures, losses, pauses and slow answers: the registry ends up with who is here", async () => {
  const step = fc.record({
    what: fc.constantFrom(
      "toggle",
      "toggle",
      "toggle",
      "settle",
      "slow",
      "fast",
      "away",
      "back",
      "lose",
      "stop",
      "go",
      "beat",
      "choose",
    ),
    who: fc.constantFrom("ann", "ben"),
    where: fc.nat({ max: 1 }),
  });
  const property = fc.asyncProperty(fc.array(step, { minLength: 4, maxLength: 40 }), async (steps) => {
    const { gateways, one, two, clock } = await openTwo("ann", "ben");
    const nodes = [one, two];
    const here = [new Set<string>(), new Set<string>()];
    const waiting: Promise<unknown>[] = [];
    let held: (() => void)[] = [];
    let slow = false;
    const fast = () => {
      slow = false;
      for (const release of held.splice(0)) release();
    };
    gateways.underway = () => (slow ? new Promise<void>((resolve) => held.push(resolve)) : undefined);
    gateways.store.underway = gateways.underway as () => Promise<void> | undefined;
    const toggle = (who: string, where: number) => {
      const { attendance } = nodes[where] ?? one;
      if (here[where]?.delete(who)) waiting.push(attendance.depart(who));
      else {
        here[where]?.add(who);
        waiting.push(attendance.arrive(who));
      }
    };
    const run: Record<(typeof steps)[number]["what"], (who: string, where: number) => unknown> = {
      toggle,
      settle: () => settled(),
      slow: () => (slow = true),
      fast,
      away: () => (gateways.away = true),
      back: () => (gateways.away = false),
      lose: () => gateways.lose(),
      stop: (_, where) => nodes[where]?.clock.stop(),
      go: (_, where) => nodes[where]?.clock.go(),
      beat: () => clock.pass(BEAT_MS),
      choose: (who, where) => void nodes[where]?.presence.choose(who, "busy").catch(() => undefined),
    };
    for (const { what, who, where } of steps) await run[what](who, where);
    held = held.splice(0);
    fast();
    for (const release of held) release();
    gateways.away = false;
    for (const { clock } of nodes) clock.go();
    // Longer than a choice without a session counts.
    await clock.pass(2 * MINUTE_MS);
    await Promise.all(waiting);
    const present = new Set(here.flatMap((users) => [...users]));
    const shown = await gateways.shown("ann", "ben");
    expect(shown.map((each) => each !== "offline")).toEqual(["ann", "ben"].map((userId) => present.has(userId)));
    // Somebody must be left to tell it.
    const last = await gateways.open();
    for (const { attendance } of nodes) await attendance.close();
    await clock.pass(MINUTE_MS);
    await last.attendance.close();
    expect(await gateways.shown("ann", "ben")).toEqual(["offline", "offline"]);
    expect(clock.waiting).toBe(0);
  });
  await fc.assert(property, { numRuns: 300 });
}, 30_000);
