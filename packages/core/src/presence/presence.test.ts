import { expect, test } from "vitest";
import { Gateways, GRACE_MS, MINUTE_MS, many, ROOM } from "../testing/local-presence.fake.ts";
import { service, user } from "../testing/lone-node.fake.ts";
import { settled } from "../testing/manual-clock.fake.ts";

async function openWith(...userIds: string[]) {
  const gateways = new Gateways();
  gateways.people(...userIds);
  return { gateways, ...(await gateways.open()), clock: gateways.clock };
}

const statuses = (seen: ReadonlyMap<string, { readonly status: string }>) =>
  [...seen].map(([userId, { status }]) => `${userId} ${status}`);

test("a choice is committed, announced, and answered with the user's own view", async () => {
  const { gateways, presence, localPresence } = await openWith("ann");
  await localPresence.arrive("ann");
  const seen = await presence.choose("ann", "busy");
  expect(seen).toMatchObject({ userId: "ann", status: "busy", user: { choice: "busy", choiceVersion: 1 } });
  expect(seen.activeAt).toBeInstanceOf(Date);
  await settled();
  expect(gateways.received).toEqual(["ann online", "ann busy"]);
});

test("a choice without a session is announced, and so is its end", async () => {
  const { gateways, presence, clock } = await openWith("ann");
  expect(await presence.choose("ann", "online")).toMatchObject({ status: "online" });
  await clock.pass(MINUTE_MS - 1);
  expect(gateways.received).toEqual(["ann online"]);
  await clock.pass(2000);
  expect(gateways.received).toEqual(["ann online", "ann offline"]);
});

test("a user that appears offline is offline for others after the grace of a closed session, and appear_offline for themselves at once", async () => {
  const { gateways, presence, localPresence, clock } = await openWith("ann", "ben");
  await localPresence.arrive("ann");
  await presence.choose("ann", "appear_offline");
  expect(statuses(await presence.look(user("ann"), ["ann"]))).toEqual(["ann appear_offline"]);
  expect(statuses(await presence.look(user("ben"), ["ann"]))).toEqual(["ann online"]);
  const chosenAt = (await presence.look(user("ben"), ["ann"])).get("ann")?.activeAt;
  await clock.pass(1000);
  localPresence.active("ann");
  // Until the engine has this activity, too.
  await clock.pass(15_000);
  expect(statuses(await presence.look(user("ben"), ["ann"]))).toEqual(["ann offline"]);
  expect(statuses(await presence.look(service, ["ann"]))).toEqual(["ann offline"]);
  expect((await presence.look(user("ben"), ["ann"])).get("ann")?.activeAt).toEqual(chosenAt);
  expect((await presence.look(user("ann"), ["ann"])).get("ann")?.activeAt).not.toEqual(chosenAt);
  expect(gateways.received).toEqual(["ann online", "ann offline"]);
});

test("a choice works while the engine is away; without the store it is rejected", async () => {
  const { gateways, presence } = await openWith("ann");
  gateways.away = true;
  expect(await presence.choose("ann", "busy")).toMatchObject({ status: "busy", activeAt: null });
  gateways.store.away = true;
  await expect(presence.choose("ann", "idle")).rejects.toMatchObject({ code: "unavailable" });
});

test("a look answers for every user: a stranger or an unknown user is offline and was never active", async () => {
  const { gateways, presence, localPresence } = await openWith("ann", "ben", "eve");
  gateways.room("elsewhere", "zoe");
  for (const userId of ["ben", "zoe"]) await localPresence.arrive(userId);
  const seen = await presence.look(user("ann"), ["ben", "zoe", "unknown", "eve"]);
  expect(statuses(seen)).toEqual(["ben online", "zoe offline", "unknown offline", "eve offline"]);
  for (const userId of ["zoe", "unknown", "eve"]) expect(seen.get(userId)?.activeAt).toBeNull();
  expect(statuses(await presence.look(service, ["zoe"]))).toEqual(["zoe online"]);
  gateways.away = true;
  await expect(presence.look(user("ann"), ["ben"])).rejects.toMatchObject({ code: "unavailable" });
});

test("the store has the last activity of a user that the engine has forgotten", async () => {
  const { gateways, presence, localPresence, clock } = await openWith("ann", "ben");
  await localPresence.arrive("ben");
  await localPresence.depart("ben");
  await clock.pass(GRACE_MS + 2000);
  const before = (await presence.look(user("ann"), ["ben"])).get("ben");
  expect(before).toMatchObject({ status: "offline", activeAt: expect.any(Date) });
  gateways.lose();
  expect((await presence.look(user("ann"), ["ben"])).get("ben")).toEqual(before);
});

test("an announcement of 500 users is one read of the store, and one publication to each room", async () => {
  const people = many(500);
  const { gateways, presence } = await openWith(...people);
  gateways.room("other", ...people.slice(0, 10));
  const arrivals = people.map((userId) => ({ userId, choice: "online" as const, choiceVersion: 0, idleForMs: 0 }));
  const registry = gateways.registry();
  await registry.open("node", MINUTE_MS);
  await presence.announce(await registry.enter("node", arrivals));
  expect(gateways.store.calls.get("roomsOfAll")).toBe(1);
  expect(gateways.announced.filter(({ kind }) => kind === "room").map(({ id }) => id)).toEqual([ROOM, "other"]);
  expect(gateways.announced.filter(({ kind }) => kind === "user")).toHaveLength(500);
  expect(gateways.received).toHaveLength(500);
});

test("changes that come during an announcement are announced together, the newest of each user", async () => {
  const { gateways, presence, localPresence } = await openWith("ann", "ben");
  for (const userId of ["ann", "ben"]) await localPresence.arrive(userId);
  let release: () => void = () => undefined;
  gateways.store.underway = (method) =>
    method === "roomsOfAll" ? new Promise((resolve) => (release = resolve)) : undefined;
  await presence.choose("ann", "busy");
  await settled();
  gateways.store.underway = () => undefined;
  for (const choice of ["idle", "online", "idle"] as const) await presence.choose("ann", choice);
  await presence.choose("ben", "busy");
  gateways.store.calls.clear();
  release();
  await settled();
  expect(gateways.received).toEqual(["ann online", "ben online", "ann busy", "ann idle", "ben busy"]);
  expect(gateways.store.calls.get("roomsOfAll")).toBe(1);
});

test("a change that could not be announced stays pending and is announced later; others do not wait for it", async () => {
  const { gateways, presence, localPresence, clock } = await openWith("ann", "ben");
  gateways.room("other", "ben");
  gateways.refused.add("other");
  await Promise.all(["ann", "ben"].map((userId) => localPresence.arrive(userId)));
  expect(gateways.received).toEqual(["ann online", "ben online"]);
  gateways.refused.clear();
  gateways.announced.length = 0;
  await clock.pass(4000);
  expect(gateways.announced.map(({ id }) => id).sort()).toEqual(["ben", "other", ROOM].sort());
  gateways.store.away = true;
  await presence.choose("ann", "busy").catch(() => undefined);
  await localPresence.depart("ben");
  await clock.pass(MINUTE_MS);
  expect(gateways.received).toEqual(["ann online", "ben online"]);
  gateways.store.away = false;
  await clock.pass(4000);
  expect(gateways.received).toEqual(["ann online", "ben online", "ben offline"]);
});

test("an empty announcement makes no call", async () => {
  const { gateways, presence } = await openWith();
  gateways.calls.length = 0;
  await presence.announce([]);
  expect(gateways.calls).toEqual([]);
});

test("activity reaches the engine at most once in 10 s for each user, in one call for all of a tick", async () => {
  const { gateways, presence, clock } = await openWith("ann", "ben");
  gateways.calls.length = 0;
  const reports = () => gateways.calls.filter((method) => method === "touch").length;
  for (const userId of ["ann", "ben", "ann"]) presence.touch(userId);
  await settled();
  expect(reports()).toBe(1);
  await clock.pass(9999);
  presence.touch("ann");
  await settled();
  expect(reports()).toBe(1);
  await clock.pass(1);
  presence.touch("ann");
  await settled();
  expect(reports()).toBe(2);
});

test("activity that the engine did not take is reported with the user's next activity", async () => {
  const { gateways, presence, localPresence, clock } = await openWith("ann");
  await localPresence.arrive("ann");
  await clock.pass(6 * MINUTE_MS);
  gateways.away = true;
  presence.touch("ann");
  await settled();
  gateways.away = false;
  presence.touch("ann");
  await settled();
  expect(gateways.received).toEqual(["ann online", "ann idle", "ann online"]);
});
