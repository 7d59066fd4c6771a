/** Presence when gateways are killed together, or frozen for a while. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { flushRedis } from "../support/cluster/redis-faults.ts";
import { Stage } from "../support/cluster/stage.ts";
import { presenceOf, statusesOf } from "../support/queries.ts";
import { passed } from "../support/until.ts";
import type { Person } from "../support/world.ts";
import { areTold, companyOf, reads, toldOf } from "./company.ts";

const stage = new Stage();
beforeAll(() => stage.start());
afterAll(() => stage.stop());
afterEach(() => stage.mend());

/** Milliseconds in which all sessions resume. */
const RESUME_MS = 20_000;

const killAll = () => Promise.all(stage.gateways.map((gateway) => gateway.kill()));
const startAll = () => Promise.all(stage.gateways.map((_, index) => stage.replace(stage.gateways, index)));

const as = (status: string, people: readonly Person[]) => people.map((person) => [person, status] as const);

describe("when both gateways are killed", () => {
  test("and started again at once, users that stay away are told offline, and users that return never are", async () => {
    const { people, onlookers } = await companyOf(stage, 22);
    const [gone, back] = [people.slice(0, 20), people.slice(20)];
    await stage.opens(gone, (index) => index % 2);
    const returning = await Promise.all(back.map((person, door) => stage.connects(person, door)));
    await areTold(stage, onlookers, people, "online", 5000);

    const killedAt = Date.now();
    await killAll();
    await startAll();
    await stage.allLive([...returning, ...onlookers.map(({ session }) => session)], RESUME_MS);
    const [newcomer] = onlookers.map(({ person }) => person);
    const fresh = { person: newcomer!, session: await stage.connects(newcomer!, 1, "a new session") };
    await reads(newcomer!, [...as("offline", gone), ...as("online", back)], 15_000);
    await areTold(stage, onlookers, gone, "offline", 15_000);
    // The longest that a dead node's users could count as online, if its successors had begun to wait only now.
    await passed(killedAt, 20_000);
    await reads(newcomer!, [...as("offline", gone), ...as("online", back)], 0);
    for (const onlooker of onlookers) {
      for (const person of gone) expect(toldOf(onlooker, person)).toEqual(["online", "offline"]);
      for (const person of back) expect(toldOf(onlooker, person)).toEqual(["online"]);
    }
    // It may still have found them online; a user without a notice is offline.
    for (const person of gone) expect(toldOf(fresh, person).at(-1) ?? "offline").toBe("offline");
    for (const person of back) expect(toldOf(fresh, person)).toEqual(["online"]);
  });

  test("and stay away, REST says offline within 10 s, and a later session is never told otherwise", async () => {
    const { people, onlookers } = await companyOf(stage, 20);
    await stage.opens(people, (index) => index % 2);
    await areTold(stage, onlookers, people, "online", 5000);
    const [asker] = onlookers.map(({ person }) => person);

    await killAll();
    await reads(asker!, as("offline", [...people, ...onlookers.map(({ person }) => person)]), 10_000);
    await startAll();
    const startedAt = Date.now();
    const fresh = { person: asker!, session: await stage.connects(asker!, 0, "a new session") };
    await passed(startedAt, 12_000);
    await reads(asker!, as("offline", people), 0);
    for (const person of people) expect(toldOf(fresh, person)).toEqual([]);
  });
});

describe("a gateway that is frozen for 15 s", () => {
  test("recovers by itself: its users were offline once and are online again, and no others changed", async () => {
    const { people, onlookers } = await companyOf(stage, 24);
    const part = (index: number) => people.slice(index * 6, (index + 1) * 6);
    const [frozen, leaving, moving, elsewhere] = [part(0), part(1), part(2), part(3)];
    const sessions = await Promise.all(frozen.map((person) => stage.connects(person, 1)));
    const [leavers, movers] = await Promise.all([stage.opens(leaving, () => 1), stage.opens(moving, () => 1)]);
    // Half of the users elsewhere are at the frozen gateway as well.
    await stage.opens([...elsewhere, ...elsewhere.slice(3)], (index) => Number(index >= elsewhere.length));
    await areTold(stage, onlookers, people, "online", 5000);

    const [gateway] = stage.gateways.slice(1);
    const frozenAt = Date.now();
    gateway!.signal("SIGSTOP");
    try {
      for (const session of [...leavers, ...movers]) session.close();
      await stage.opens(moving, () => 0);
      await areTold(stage, onlookers.slice(0, 1), [...frozen, ...leaving], "offline", 10_000);
      await passed(frozenAt, 15_000);
    } finally {
      gateway!.signal("SIGCONT");
    }
    const thawedAt = Date.now();
    const staying = [...moving, ...elsewhere];
    await areTold(stage, onlookers, frozen, "online", 10_000);
    await areTold(stage, onlookers, leaving, "offline", 10_000);
    await reads(onlookers[0]!.person, [...as("online", [...frozen, ...staying]), ...as("offline", leaving)], 10_000);

    // Long enough for it to find the missing users, and to take the others for missing.
    await passed(thawedAt, 12_000);
    const [near, far] = onlookers;
    for (const person of frozen) expect(toldOf(near!, person)).toEqual(["online", "offline", "online"]);
    for (const person of leaving) expect(toldOf(near!, person)).toEqual(["online", "offline"]);
    for (const person of staying) expect(near!.session.statuses(person)).toEqual(["online"]);
    // The onlooker at the frozen gateway is told late, and of no other change.
    for (const person of staying) expect(toldOf(far!, person)).toEqual(["online"]);
    await stage.allLive(sessions, RESUME_MS);
    for (const { closings } of sessions) expect(closings).toEqual([]);
  });
});

describe("a user that appears offline", () => {
  test("does so through a flushed Redis and a restart of every gateway, and is never told online", async () => {
    const { people, chatId, onlookers } = await companyOf(stage, 2);
    const [hidden, busy] = people as [Person, Person];
    const sessions = await Promise.all(
      [hidden, hidden, busy].map((person, index) => stage.connects(person, index % 2)),
    );
    await sessions[2]!.asks({ type: "PRESENCE", status: "busy" });
    await areTold(stage, onlookers, [hidden], "online", 5000);
    await sessions[0]!.asks({ type: "PRESENCE", status: "appear_offline" });
    await areTold(stage, onlookers, [hidden], "offline", 10_000);
    const [asker] = onlookers.map(({ person }) => person);
    const { last_active_at } = await presenceOf(asker!, hidden);

    const settled = async () => {
      await stage.allLive([...sessions, ...onlookers.map(({ session }) => session)], RESUME_MS);
      await reads(asker!, [...as("offline", [hidden]), ...as("busy", [busy])], 15_000);
      await reads(hidden, as("appear_offline", [hidden]), 15_000);
    };
    const flush = () => flushRedis(stage);
    const faults: Readonly<Record<string, () => Promise<unknown>>> = {
      flush,
      "one gateway after the other": async () => {
        for (const index of [0, 1]) {
          await stage.gateways[index]!.kill();
          await stage.replace(stage.gateways, index);
          await settled();
        }
      },
      "everything at once": async () => {
        await Promise.all([flush(), killAll()]);
        await startAll();
      },
    };
    for (const [name, fault] of Object.entries(faults)) {
      const ends: { over: boolean } = { over: false };
      const looking = (async () => {
        while (!ends.over) expect(await looked(asker!, hidden), name).toBe("offline");
      })();
      await fault();
      await settled();
      ends.over = true;
      await looking;
    }
    const [fresh, stream] = [await stage.connects(asker!, 0), await stage.streams(asker!, chatId, 1)];
    // A session that is told of this change would have been told of the other before.
    await sessions[2]!.asks({ type: "PRESENCE", status: "idle" });
    await areTold(stage, [...onlookers, { person: asker!, session: fresh }], [busy], "idle", 5000);
    await stream.receives("presence", { user_id: busy.id, status: "unavailable" });
    for (const onlooker of onlookers) expect(toldOf(onlooker, hidden)).toEqual(["online", "offline"]);
    expect(fresh.statuses(hidden)).toEqual([]);
    expect(stream.of("presence").filter(({ user_id }) => user_id === hidden.id)).toEqual([]);
    expect(await presenceOf(asker!, hidden)).toEqual({ user_id: hidden.id, status: "offline", last_active_at });

    await sessions[0]!.asks({ type: "PRESENCE", status: "online" });
    await areTold(stage, onlookers, [hidden], "online", 5000);
  });
});

/** The status of a user over REST; offline while no request succeeds. */
const looked = (asker: Person, user: Person): Promise<string | undefined> =>
  statusesOf(asker, user).then(
    ([status]) => status,
    () => "offline",
  );
