/** What becomes of presence when gateways die together, or stand still for a while. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import type { ResumingClient } from "../support/cluster/resuming-client.ts";
import { Stage } from "../support/cluster/stage.ts";
import { presenceOf, statusesOf } from "../support/queries.ts";
import { until } from "../support/until.ts";
import type { Person } from "../support/world.ts";
import { areTold, companyOf, passed, reads, toldOf } from "./company.ts";

const stage = new Stage();
beforeAll(() => stage.start());
afterAll(() => stage.stop());
afterEach(() => stage.mend());

const killAll = () => Promise.all(stage.gateways.map((gateway) => gateway.kill()));
const startAll = () => Promise.all(stage.gateways.map((_, index) => stage.replace(stage.gateways, index)));

const allLive = (sessions: readonly ResumingClient[]) =>
  until(
    () => sessions.every(({ live }) => live),
    20_000,
    () => stage.report(sessions, ["not all are live"]),
  );

const as = (status: string, people: readonly Person[]) => people.map((person) => [person, status] as const);

describe("when both gateways are killed", () => {
  test("and started again at once, who does not come back is told offline, and who comes back never", async () => {
    const { people, onlookers } = await companyOf(stage, 22);
    const [gone, back] = [people.slice(0, 20), people.slice(20)];
    await stage.opens(gone, (index) => index % 2);
    const returning = await Promise.all(back.map((person, door) => stage.connects(person, door)));
    await areTold(stage, onlookers, people, "online", 5000);

    const killedAt = Date.now();
    await killAll();
    await startAll();
    await allLive([...returning, ...onlookers.map(({ session }) => session)]);
    const [newcomer] = onlookers.map(({ person }) => person);
    const fresh = { person: newcomer!, session: await stage.connects(newcomer!, 1, "a new session") };
    await reads(newcomer!, [...as("offline", gone), ...as("online", back)], 15_000);
    await areTold(stage, onlookers, gone, "offline", 15_000);
    // So long could a dead node's users count, had its successors begun to wait only now.
    await passed(killedAt, 20_000);
    await reads(newcomer!, [...as("offline", gone), ...as("online", back)], 0);
    for (const onlooker of onlookers) {
      for (const person of gone) expect(toldOf(onlooker, person)).toEqual(["online", "offline"]);
      for (const person of back) expect(toldOf(onlooker, person)).toEqual(["online"]);
    }
    // It may have found them online still; of whoever it was told nothing, they are offline.
    for (const person of gone) expect(toldOf(fresh, person).at(-1) ?? "offline").toBe("offline");
    for (const person of back) expect(toldOf(fresh, person)).toEqual(["online"]);
  });

  test("and stay away, REST says offline within 10 s, and who comes later is never told otherwise", async () => {
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
  test("is right again by itself: its users were offline once and are online again, and nobody else was touched", async () => {
    const { people, onlookers } = await companyOf(stage, 24);
    const part = (index: number) => people.slice(index * 6, (index + 1) * 6);
    const [frozen, leaving, moving, elsewhere] = [part(0), part(1), part(2), part(3)];
    const sessions = await Promise.all(frozen.map((person) => stage.connects(person, 1)));
    const [leavers, movers] = await Promise.all([stage.opens(leaving, () => 1), stage.opens(moving, () => 1)]);
    // Half of those who are elsewhere are at the frozen gateway, too.
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

    // Until it has found out who is missing, and could have judged the others by its own standing still.
    await passed(thawedAt, 12_000);
    const [near, far] = onlookers;
    for (const person of frozen) expect(toldOf(near!, person)).toEqual(["online", "offline", "online"]);
    for (const person of leaving) expect(toldOf(near!, person)).toEqual(["online", "offline"]);
    for (const person of staying) expect(near!.session.statuses(person)).toEqual(["online"]);
    // Whoever looks on at the frozen gateway hears of it late, and of nobody else.
    for (const person of staying) expect(toldOf(far!, person)).toEqual(["online"]);
    await allLive(sessions);
    for (const { closings } of sessions) expect(closings).toEqual([]);
  });
});

describe("somebody who appears offline", () => {
  test("does so through a flushed Redis and a restart of every gateway, and is never seen to come online", async () => {
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
      await allLive([...sessions, ...onlookers.map(({ session }) => session)]);
      await reads(asker!, [...as("offline", [hidden]), ...as("busy", [busy])], 15_000);
      await reads(hidden, as("appear_offline", [hidden]), 15_000);
    };
    const flush = async () => {
      const primaries = await stage.cluster.redis.primaries();
      await Promise.all(primaries.map((primary) => primary.command("FLUSHALL")));
    };
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
    // Whoever is told of the one who changes now would have been told of the other before.
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

/** How somebody reads; offline while nothing can be read. */
const looked = (asker: Person, who: Person): Promise<string | undefined> =>
  statusesOf(asker, who).then(
    ([status]) => status,
    () => "offline",
  );
