import fc from "fast-check";
import { expect, test } from "vitest";
import { BEAT_MS, GRACE_MS, LEASE_MS, MINUTE_MS, many, openTwo } from "../testing/local-presence.fake.ts";
import { settled } from "../testing/manual-clock.fake.ts";

test("an arriving user is announced once, with their choice, and a leaving one once, after the grace", async () => {
  const { gateways, one, clock } = await openTwo("ann");
  await gateways.store.choosePresence("ann", "busy");
  await one.localPresence.arrive("ann");
  expect(gateways.received).toEqual(["ann busy"]);
  expect(await one.localPresence.depart("ann")).toBe(true);
  await clock.pass(GRACE_MS - 1);
  expect(gateways.received).toEqual(["ann busy"]);
  await clock.pass(1 + BEAT_MS);
  expect(gateways.received).toEqual(["ann busy", "ann offline"]);
  await clock.pass(MINUTE_MS);
  expect(gateways.received).toHaveLength(2);
});

test("a user that comes back within the grace was never away, on either gateway", async () => {
  const { gateways, one, two, clock } = await openTwo("ann");
  await one.localPresence.arrive("ann");
  for (const [from, to] of [
    [one, one],
    [one, two],
    [two, one],
  ] as const) {
    await from.localPresence.depart("ann");
    await clock.pass(GRACE_MS - 100);
    await to.localPresence.arrive("ann");
    await clock.pass(MINUTE_MS);
  }
  expect(gateways.received).toEqual(["ann online"]);
});

test("a user that leaves one of two gateways has a session elsewhere", async () => {
  const { gateways, one, two, clock } = await openTwo("ann");
  await one.localPresence.arrive("ann");
  await two.localPresence.arrive("ann");
  expect(await one.localPresence.depart("ann")).toBe(false);
  await clock.pass(MINUTE_MS);
  expect(gateways.received).toEqual(["ann online"]);
  expect(await two.localPresence.depart("ann")).toBe(true);
});

test("no user is entered with an unknown choice, and until then all may appear offline", async () => {
  const { gateways, one, clock } = await openTwo("ann", "ben");
  await gateways.store.choosePresence("ann", "appear_offline");
  gateways.store.away = true;
  const arrived = one.localPresence.arrive("ann");
  void one.localPresence.arrive("ben");
  await clock.pass(MINUTE_MS);
  expect(one.localPresence.appearsOffline("ben")).toBe(true);
  await one.localPresence.depart("ben");
  expect(gateways.calls).not.toContain("enter");
  gateways.store.away = false;
  await clock.pass(BEAT_MS);
  await arrived;
  expect(one.localPresence.appearsOffline("ann")).toBe(true);
  expect(one.localPresence.appearsOffline("ben")).toBe(false);
  expect(await gateways.shown("ann", "ben")).toEqual(["offline", "offline"]);
  await clock.pass(MINUTE_MS);
  expect(gateways.received).toEqual([]);
});

test("the choices of users that arrive together are one read, and the users are entered together", async () => {
  const people = many(400);
  const { gateways, one } = await openTwo(...people);
  gateways.calls.length = 0;
  await Promise.all(people.map((userId) => one.localPresence.arrive(userId)));
  expect(gateways.store.calls.get("users")).toBe(1);
  expect(gateways.store.calls.get("roomsOfAll")).toBe(1);
  expect(gateways.calls).toEqual(["enter", "announced"]);
});

test("a choice that only the store has goes to the registry, an older one does not", async () => {
  const { gateways, one, clock } = await openTwo("ann");
  await one.localPresence.arrive("ann");
  const busy = await gateways.store.choosePresence("ann", "busy");
  const hidden = await gateways.store.choosePresence("ann", "appear_offline");
  gateways.away = true;
  one.localPresence.chosen(hidden);
  one.localPresence.chosen(busy);
  expect(one.localPresence.appearsOffline("ann")).toBe(true);
  await clock.pass(MINUTE_MS);
  gateways.away = false;
  await clock.pass(300);
  expect((await gateways.read(["ann"])).get("ann")?.own).toBe("appear_offline");
  gateways.calls.length = 0;
  one.localPresence.chosen(hidden);
  await clock.pass(MINUTE_MS);
  expect(gateways.calls).not.toContain("choose");
  expect(gateways.received).toEqual(["ann online", "ann offline"]);
});

test("a choice that comes while its user is entered with an older one wins", async () => {
  const { gateways, one, clock } = await openTwo("ann");
  let release: () => void = () => undefined;
  gateways.underway = (method) => (method === "enter" ? new Promise((resolve) => (release = resolve)) : undefined);
  const arrived = one.localPresence.arrive("ann");
  await settled();
  one.localPresence.chosen(await gateways.store.choosePresence("ann", "busy"));
  await settled();
  release();
  await arrived;
  await clock.pass(BEAT_MS);
  expect(await gateways.shown("ann")).toEqual(["busy"]);
});

test("a choice that comes while an older one is read, or sent, wins", async () => {
  const { gateways, one, clock } = await openTwo("ann");
  let release: () => void = () => undefined;
  const hold = (held: string) => (method: string) =>
    method === held ? new Promise<void>((resolve) => (release = resolve)) : undefined;
  gateways.store.underway = hold("users");
  const arrived = one.localPresence.arrive("ann");
  await settled();
  one.localPresence.chosen(await gateways.store.choosePresence("ann", "appear_offline"));
  release();
  await arrived;
  await settled();
  expect(one.localPresence.appearsOffline("ann")).toBe(true);
  gateways.underway = hold("choose");
  one.localPresence.chosen(await gateways.store.choosePresence("ann", "idle"));
  await settled();
  gateways.underway = () => undefined;
  one.localPresence.chosen(await gateways.store.choosePresence("ann", "online"));
  release();
  await clock.pass(BEAT_MS);
  expect(gateways.received).toEqual(["ann idle", "ann online"]);
});

test("an idle user is online again within 1.5 s of activity", async () => {
  const { gateways, one, clock } = await openTwo("ann");
  await one.localPresence.arrive("ann");
  await clock.pass(6 * MINUTE_MS);
  expect(gateways.received).toEqual(["ann online", "ann idle"]);
  one.localPresence.active("ann");
  await clock.pass(1500);
  expect(gateways.received).toEqual(["ann online", "ann idle", "ann online"]);
});

test("lasting activity is reported once in 10 s, and its last moment exactly", async () => {
  const { gateways, one, clock } = await openTwo("ann");
  await one.localPresence.arrive("ann");
  await clock.pass(MINUTE_MS);
  gateways.calls.length = 0;
  const arrivedAt = (await gateways.read(["ann"])).get("ann")?.activeAt ?? 0;
  for (let second = 0; second < 60; second++) {
    one.localPresence.active("ann");
    await clock.pass(1000);
  }
  const reports = gateways.calls.filter((method) => method === "touch").length;
  expect(reports).toBeGreaterThanOrEqual(5);
  expect(reports).toBeLessThanOrEqual(7);
  await clock.pass(MINUTE_MS);
  const activeAt = (await gateways.read(["ann"])).get("ann")?.activeAt ?? 0;
  expect(Math.abs(activeAt - arrivedAt - 119_000)).toBeLessThanOrEqual(1);
});

test("activity that the engine did not take is reported at its return", async () => {
  const { gateways, one, clock } = await openTwo("ann");
  await one.localPresence.arrive("ann");
  await clock.pass(6 * MINUTE_MS);
  gateways.underway = (method) => {
    if (method === "touch") throw new Error("lost");
    return undefined;
  };
  gateways.away = true;
  one.localPresence.active("ann");
  await clock.pass(MINUTE_MS);
  gateways.away = false;
  gateways.underway = () => undefined;
  await clock.pass(1500);
  expect(gateways.received).toEqual(["ann online", "ann idle", "ann online"]);
});

test("idle sessions cost nothing: a beat renews and settles, for any number of them", async () => {
  const people = many(1200);
  const { gateways, one, two, clock } = await openTwo(...people);
  await Promise.all(people.map((userId) => one.localPresence.arrive(userId)));
  await clock.pass(LEASE_MS);
  await two.localPresence.close();
  gateways.calls.length = 0;
  await clock.pass(10 * BEAT_MS);
  const expected = Array.from({ length: 10 }, () => ["renew", "settle"]).flat();
  expect(gateways.calls).toEqual(expected);
});

test("a gateway that closes removes its users and ends its lease; no other gateway takes it over", async () => {
  const { gateways, one, clock } = await openTwo("ann", "ben");
  await one.localPresence.arrive("ann");
  await one.localPresence.arrive("ben");
  const departed = one.localPresence.depart("ben");
  await one.localPresence.close();
  expect(await departed).toBe(true);
  await one.localPresence.arrive("ann");
  expect(gateways.calls.slice(-2)).toEqual(["leave", "close"]);
  await clock.pass(MINUTE_MS);
  expect(gateways.received.sort()).toEqual(["ann offline", "ann online", "ben offline", "ben online"]);
  expect(gateways.calls).not.toContain("claim");
});

test("under any interleaving of arrivals, departures, losses, pauses and slow answers the registry ends up with the present users", async () => {
  const step = fc.record({
    action: fc.constantFrom(
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
    userId: fc.constantFrom("ann", "ben"),
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
    const toggle = (userId: string, where: number) => {
      const { localPresence } = nodes[where] ?? one;
      if (here[where]?.delete(userId)) waiting.push(localPresence.depart(userId));
      else {
        here[where]?.add(userId);
        waiting.push(localPresence.arrive(userId));
      }
    };
    const run: Record<(typeof steps)[number]["action"], (userId: string, where: number) => unknown> = {
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
      choose: (userId, where) => void nodes[where]?.presence.choose(userId, "busy").catch(() => undefined),
    };
    for (const { action, userId, where } of steps) await run[action](userId, where);
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
    // A gateway must be left to announce the end.
    const last = await gateways.open();
    for (const { localPresence } of nodes) await localPresence.close();
    await clock.pass(MINUTE_MS);
    await last.localPresence.close();
    expect(await gateways.shown("ann", "ben")).toEqual(["offline", "offline"]);
    expect(clock.waiting).toBe(0);
  });
  await fc.assert(property, { numRuns: 300 });
}, 30_000);
