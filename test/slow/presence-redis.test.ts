/** Presence when Redis loses all its data. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { flushRedis } from "../support/cluster/redis-faults.ts";
import { Stage } from "../support/cluster/stage.ts";
import { dataOf } from "../support/http.ts";
import { passed } from "../support/until.ts";
import { areTold, companyOf, reads, toldOf } from "./company.ts";

const stage = new Stage();
beforeAll(() => stage.start());
afterAll(() => stage.stop());
afterEach(() => stage.mend());

const FAULTS: Readonly<Record<string, (meanwhile: () => void) => Promise<void>>> = {
  async "is flushed"(meanwhile) {
    await flushRedis(stage);
    meanwhile();
  },
  async "is away for ten seconds and comes back empty"(meanwhile) {
    const { redis } = stage.cluster;
    await redis.kill();
    const since = Date.now();
    meanwhile();
    await passed(since, 10_000);
    await redis.start();
  },
};

describe("when Redis", () => {
  test.each(Object.entries(FAULTS))(
    "%s, connected users are never told offline, and users that left are",
    async (_, fault) => {
      const { people, onlookers } = await companyOf(stage, 26);
      const [staying, left, leaving, coming] = [
        people.slice(0, 20),
        people.slice(20, 22),
        people.slice(22, 24),
        people.slice(24),
      ];
      const busy = staying[0]!;
      const sessions = await stage.opens([...staying, ...left, ...leaving], (index) => index % 2);
      await sessions[0]!.asks({ type: "PRESENCE", status: "busy" });
      await areTold(stage, onlookers, [busy], "busy", 5000);
      await areTold(stage, onlookers, [...staying.slice(1), ...left, ...leaving], "online", 5000);

      for (const session of sessions.slice(20, 22)) session.close();
      let arriving: Promise<unknown> = Promise.resolve();
      await fault(() => {
        for (const session of sessions.slice(22)) session.close();
        arriving = stage.opens(coming, (index) => index % 2);
        // Awaited below, after what may fail first.
        arriving.catch(() => undefined);
      });
      const expected = [
        [busy, "busy"],
        ...[...staying.slice(1), ...coming].map((person) => [person, "online"] as const),
        ...[...left, ...leaving].map((person) => [person, "offline"] as const),
      ] as const;
      await Promise.all([arriving, reads(onlookers[1]!.person, expected, 10_000)]);
      await areTold(stage, onlookers, coming, "online", 10_000);
      // No node remembers them: they are found missing when the time to reconnect is over for all.
      await areTold(stage, onlookers, [...left, ...leaving], "offline", 20_000);

      // Presence works as before.
      const [changing, going] = staying.slice(1);
      dataOf(await changing!.asks("PUT", "/v1/presence", { status: "idle" }));
      sessions[2]!.close();
      await areTold(stage, onlookers, [changing!], "idle", 2000);
      await areTold(stage, onlookers, [going!], "offline", 10_000);
      for (const onlooker of onlookers) {
        for (const person of staying.slice(3)) expect(onlooker.session.statuses(person)).toEqual(["online"]);
        for (const person of coming) expect(onlooker.session.statuses(person)).toEqual(["online"]);
        for (const person of [...left, ...leaving, going!])
          expect(toldOf(onlooker, person)).toEqual(["online", "offline"]);
        expect(toldOf(onlooker, busy)).toEqual(["online", "busy"]);
        expect(toldOf(onlooker, changing!)).toEqual(["online", "idle"]);
        expect(onlooker.session.closings).toEqual([]);
      }
    },
  );
});
