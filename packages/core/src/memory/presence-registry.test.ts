import { beforeEach, expect, test } from "vitest";
import { type Arrival, DEFAULT_TIMING, type PresenceChange } from "../ports/presence-registry.ts";
import { ManualClock } from "../testing/manual-clock.fake.ts";
import { MemoryPresence } from "./presence-registry.ts";
import { UnannouncedChanges } from "./unannounced.ts";

const MINUTE = 60_000;
const { graceMs, idleMs, holdMs, keepMs } = DEFAULT_TIMING;

let clock: ManualClock;
let registry: MemoryPresence;

beforeEach(async () => {
  clock = new ManualClock();
  registry = new MemoryPresence(clock, DEFAULT_TIMING);
  await registry.open("node", 60 * MINUTE);
});

const arrival = (userId: string, more: Partial<Arrival> = {}): Arrival => ({
  userId,
  choice: "online",
  choiceVersion: 1,
  idleForMs: 0,
  ...more,
});
const leave = async (userId: string) => (await registry.leave("node", [{ userId, idleForMs: 0 }])).changes;
const touch = (userId: string) => registry.touch([{ userId, idleForMs: 0 }]);
const choose = (userId: string, choice: Arrival["choice"], choiceVersion: number) =>
  registry.choose({ userId, choice, choiceVersion });
const read = async (userId: string) => (await registry.read([userId])).get(userId);

/** The changes that are due now, announced. */
async function swept(): Promise<readonly Pick<PresenceChange, "userId" | "own" | "shown" | "toOthers">[]> {
  const changes = await registry.settle();
  await registry.announced(changes);
  return changes.map(({ userId, own, shown, toOthers }) => ({ userId, own, shown, toOthers }));
}

async function enter(userId: string, more: Partial<Arrival> = {}): Promise<void> {
  await registry.announced(await registry.enter("node", [arrival(userId, more)]));
}

/** Passes all but the last of `ms` milliseconds without a change, and then the last one. */
async function lastOf(ms: number): Promise<void> {
  await clock.pass(ms - 1);
  expect(await swept()).toEqual([]);
  await clock.pass(1);
}

test("a user without activity is idle after five minutes, to the millisecond, counted from the last activity", async () => {
  await enter("ada");
  await clock.pass(4 * MINUTE);
  expect(await touch("ada")).toEqual([]);
  await lastOf(idleMs);
  expect(await swept()).toEqual([{ userId: "ada", own: "idle", shown: "idle", toOthers: true }]);
  expect(await touch("ada")).toMatchObject([{ own: "online", shown: "online", toOthers: true }]);
});

test("a closed session counts for the grace, to the millisecond", async () => {
  await enter("ada");
  await clock.pass(MINUTE);
  expect(await leave("ada")).toEqual([]);
  await lastOf(graceMs);
  expect(await swept()).toEqual([{ userId: "ada", own: "offline", shown: "offline", toOthers: true }]);
});

test("a choice without a session counts for a minute, to the millisecond, and each prolongs it", async () => {
  await registry.announced((await choose("ada", "busy", 1)).changes);
  await clock.pass(50_000);
  await registry.announced((await choose("ada", "busy", 2)).changes);
  await lastOf(holdMs);
  expect(await swept()).toEqual([{ userId: "ada", own: "offline", shown: "offline", toOthers: true }]);
});

test("a choice right after the session counts as one without", async () => {
  await enter("ada");
  await leave("ada");
  await clock.pass(graceMs - 1);
  await registry.announced((await choose("ada", "busy", 2)).changes);
  await lastOf(holdMs);
  expect(await swept()).toMatchObject([{ userId: "ada", shown: "offline" }]);
});

test("a user that appears offline is seen for exactly the grace, becomes idle meanwhile, and their last activity stays", async () => {
  await enter("ada", { idleForMs: idleMs - 2000 });
  const known = await read("ada");
  const { row, changes } = await choose("ada", "appear_offline", 2);
  await registry.announced(changes);
  expect(row).toMatchObject({ own: "appear_offline", shown: "online" });
  await clock.pass(2000);
  expect(await swept()).toEqual([{ userId: "ada", own: "appear_offline", shown: "idle", toOthers: true }]);
  await touch("ada");
  await lastOf(graceMs - 2000);
  expect(await swept()).toEqual([{ userId: "ada", own: "appear_offline", shown: "offline", toOthers: true }]);
  expect(await read("ada")).toMatchObject({ activeAt: known!.activeAt, ownActiveAt: row.ownActiveAt! + idleMs });
});

test("a user that appears offline in the grace of a session goes with its end, or, once back, a grace after the choice", async () => {
  for (const userId of ["ada", "bob"]) {
    await enter(userId);
    await leave(userId);
  }
  await clock.pass(3000);
  for (const userId of ["ada", "bob"]) await registry.announced((await choose(userId, "appear_offline", 2)).changes);
  await clock.pass(1000);
  await enter("bob", { choice: "appear_offline", choiceVersion: 2 });
  await lastOf(1000);
  expect(await swept()).toMatchObject([{ userId: "ada", own: "appear_offline", shown: "offline" }]);
  await enter("ada", { choice: "appear_offline", choiceVersion: 2 });
  await lastOf(3000);
  expect(await swept()).toMatchObject([{ userId: "bob", own: "appear_offline", shown: "offline" }]);
});

test("a user is forgotten after `keepMs` offline, and nothing is kept of them", async () => {
  for (let user = 0; user < 1000; user++) await enter(`user ${user}`);
  await registry.leave(
    "node",
    Array.from({ length: 1000 }, (_, user) => ({ userId: `user ${user}`, idleForMs: 0 })),
  );
  await clock.pass(graceMs);
  expect(await swept()).toHaveLength(1000);
  await clock.pass(keepMs - 1);
  await swept();
  expect(registry.size).toBe(1000);
  await clock.pass(1);
  expect(await swept()).toEqual([]);
  expect(registry.size).toBe(0);
  expect(await read("user 7")).toBeUndefined();
});

test("a user that comes back before that is remembered, and the time begins anew", async () => {
  await enter("ada");
  await leave("ada");
  await clock.pass(graceMs);
  await swept();
  await clock.pass(keepMs - 1);
  await enter("ada");
  await leave("ada");
  await clock.pass(graceMs);
  await swept();
  await clock.pass(keepMs - 1);
  await swept();
  expect(registry.size).toBe(1);
});

test("a change that no caller announced is handed out every two seconds until one does", async () => {
  const [change] = await registry.enter("node", [arrival("ada")]);
  await clock.pass(1999);
  expect(await registry.settle()).toEqual([]);
  await clock.pass(1);
  expect(await registry.settle()).toEqual([change]);
  expect(await registry.settle()).toEqual([]);
  await clock.pass(2000);
  expect(await registry.settle()).toEqual([change]);
  await registry.announced([change!]);
  await clock.pass(2000);
  expect(await registry.settle()).toEqual([]);
});

test("only the newest change of a user waits to be announced", () => {
  const unannounced = new UnannouncedChanges();
  const change = { userId: "ada", own: "busy", shown: "busy", activeAt: null, ownActiveAt: null } as const;
  unannounced.give({ ...change, version: 1, toOthers: true }, 0);
  expect(unannounced.give({ ...change, version: 2, toOthers: false }, 100)).toMatchObject({
    version: 2,
    toOthers: true,
  });
  expect(unannounced.size).toBe(1);
  unannounced.announced({ ...change, version: 1, toOthers: true });
  expect(unannounced.size).toBe(1);
  unannounced.announced({ ...change, version: 2, toOthers: true });
  expect(unannounced.size).toBe(0);
});

test("a lease runs out to the millisecond, and so does a claim", async () => {
  const expired = async () => (await registry.renew("other", 1)).expired;
  await registry.open("dead", 4000);
  await clock.pass(3999);
  expect(await registry.claim("dead", 1000)).toBe(false);
  expect(await expired()).toEqual([]);
  await clock.pass(1);
  expect(await expired()).toEqual([{ node: "dead", forMs: 0 }]);
  expect(await registry.claim("dead", 1000)).toBe(true);
  await clock.pass(999);
  expect(await registry.claim("dead", 1000)).toBe(false);
  expect(await expired()).toEqual([]);
  await clock.pass(1);
  expect(await expired()).toEqual([{ node: "dead", forMs: 1000 }]);
});

test("users of a dead node read as offline a grace after its lease, and the change follows once the node is ended", async () => {
  await registry.open("dead", 4000);
  await registry.announced(await registry.enter("dead", [arrival("ada")]));
  await clock.pass(4000 + graceMs);
  expect((await read("ada"))!.shown).toBe("online");
  await clock.pass(1);
  expect(await read("ada")).toMatchObject({ own: "offline", shown: "offline" });
  expect(await swept()).toEqual([]);
  await registry.endNode("dead", 700);
  await lastOf(700);
  expect(await swept()).toEqual([{ userId: "ada", own: "offline", shown: "offline", toOthers: true }]);
});

test("a choice made while only a dead node has a session counts as one without", async () => {
  await registry.open("dead", 4000);
  await registry.announced(await registry.enter("dead", [arrival("ada")]));
  await clock.pass(4000);
  await registry.announced((await choose("ada", "busy", 2)).changes);
  await registry.endNode("dead", 0);
  await lastOf(holdMs);
  expect(await swept()).toMatchObject([{ userId: "ada", shown: "offline" }]);
});

test("a user that has not left a closing node is online no longer than a grace", async () => {
  await enter("ada");
  await registry.close("node");
  await lastOf(graceMs);
  expect(await swept()).toEqual([{ userId: "ada", own: "offline", shown: "offline", toOthers: true }]);
});

test("a sweep costs what is due: 50,000 waiting users cost nothing", async () => {
  const arrivals = Array.from({ length: 50_000 }, (_, user) => arrival(`user ${user}`));
  const entering = performance.now();
  await registry.announced(await registry.enter("node", arrivals));
  const entered = performance.now() - entering;
  await enter("ada");
  await leave("ada");
  const began = performance.now();
  for (let turn = 0; turn < 1000; turn++) await registry.settle();
  // Sweeps that look at every user would take as long as entering them some hundred times.
  expect(performance.now() - began).toBeLessThan(5 * entered);
  await clock.pass(graceMs);
  expect(await swept()).toMatchObject([{ userId: "ada", shown: "offline" }]);
});
