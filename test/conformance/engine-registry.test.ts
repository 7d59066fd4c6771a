/** The promises of the registry, held by every engine: who is here, over nodes that come, go and die. Choices: `engine-choices.test.ts`. */
import { randomUUID } from "node:crypto";
import type { PresenceChange } from "@signalbox/core/ports/presence-registry";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { holds } from "./engine-nodes.ts";
import { arrival, factories, LONG_MS, person, SLACK_MS, type Stage, setStage, TIMING } from "./registry-stage.ts";

// Nearly all of the time goes into waiting for time to pass: all tests wait together.
vi.setConfig({ maxConcurrency: 100 });

describe.concurrent.each(factories)("the registry of the $name engine", ({ start }) => {
  let stage: Stage;

  beforeAll(async () => {
    stage = await setStage(start);
  });
  afterAll(() => stage.stop());

  /** The lapse of a node, as another one sees it. */
  const lapse = async (node: string) =>
    (await stage.far.renew("looking", LONG_MS)).expired.find((each) => each.node === node);

  describe("leases", () => {
    test("a lease that is renewed does not lapse, and one that was never opened cannot be renewed", async () => {
      const [node, other] = [await stage.open(50), randomUUID()];
      expect((await stage.near.renew(node, LONG_MS)).held).toBe(true);
      expect((await stage.near.renew(other, LONG_MS)).held).toBe(false);
      const witness = await stage.open(50);
      await holds(async () => (await lapse(witness)) !== undefined);
      expect(await lapse(node)).toBeUndefined();
      expect(await lapse(other)).toBeUndefined();
    });

    test("a expired lease is told to others with its age, and lives again when it is renewed before a claim", async () => {
      const began = Date.now();
      const node = await stage.open(50);
      await holds(async () => ((await lapse(node))?.forMs ?? 0) > 30);
      expect((await lapse(node))!.forMs).toBeLessThanOrEqual(Date.now() - began - 50 + SLACK_MS);
      const { held, expired } = await stage.near.renew(node, LONG_MS);
      expect(held).toBe(true);
      expect(expired.map((each) => each.node)).not.toContain(node);
      expect(await lapse(node)).toBeUndefined();
    });

    test("its own lapse is not told to a node", async () => {
      const node = await stage.open(1);
      await holds(async () => (await lapse(node)) !== undefined);
      expect((await stage.near.renew(node, LONG_MS)).expired.map((each) => each.node)).not.toContain(node);
    });

    test("who lives, and who never did, cannot be claimed", async () => {
      expect(await stage.far.claim(await stage.open(), LONG_MS)).toBe(false);
      expect(await stage.far.claim(randomUUID(), LONG_MS)).toBe(false);
    });

    test("of many who claim a expired node one gets it; then its lease is gone, and it lapses for nobody", async () => {
      const node = await stage.open(1);
      await holds(async () => (await lapse(node)) !== undefined);
      const claims = Array.from({ length: 10 }, (_, turn) =>
        (turn % 2 === 0 ? stage.near : stage.far).claim(node, LONG_MS),
      );
      expect((await Promise.all(claims)).filter((claimed) => claimed)).toHaveLength(1);
      expect((await stage.near.renew(node, LONG_MS)).held).toBe(false);
      expect(await lapse(node)).toBeUndefined();
    });

    test("a claim that has run out leaves the node to the next, who learns how long ago the lease ended", async () => {
      const node = await stage.open(1);
      let claimed = 0;
      await holds(() => {
        claimed = Date.now();
        return stage.far.claim(node, 50);
      });
      await holds(async () => (await lapse(node)) !== undefined);
      expect(Date.now() - claimed).toBeGreaterThanOrEqual(50 - SLACK_MS);
      expect((await lapse(node))!.forMs).toBeGreaterThanOrEqual(50 - SLACK_MS);
      expect((await stage.near.renew(node, LONG_MS)).held).toBe(false);
      expect(await stage.near.claim(node, LONG_MS)).toBe(true);
      expect(await stage.far.claim(node, LONG_MS)).toBe(false);
    });

    test("a lease that was closed is gone, and lapses for nobody", async () => {
      const node = await stage.open(1);
      await holds(async () => (await lapse(node)) !== undefined);
      await stage.near.close(node);
      expect(await lapse(node)).toBeUndefined();
      expect((await stage.near.renew(node, LONG_MS)).held).toBe(false);
    });
  });

  describe("sessions", () => {
    test("the first one is a change for all, which every node reads; one more elsewhere is none", async () => {
      const [userId, first, second] = [person(), await stage.open(), await stage.open()];
      const began = Date.now();
      const [change] = await stage.enter(first, arrival(userId, { idleForMs: 400 }));
      expect(change).toMatchObject({ userId, own: "busy", shown: "busy", toOthers: true });
      expect(change!.version).toBeGreaterThanOrEqual(began - SLACK_MS);
      expect(change!.activeAt).toBe(change!.ownActiveAt);
      expect(change!.activeAt!).toBeGreaterThanOrEqual(began - 400 - SLACK_MS);
      expect(change!.activeAt!).toBeLessThanOrEqual(Date.now() - 400 + SLACK_MS);
      const { toOthers: _, ...row } = change!;
      expect(await stage.read(userId)).toEqual(row);
      expect(await stage.enter(second, arrival(userId, { idleForMs: 10_000 }))).toEqual([]);
      expect(await stage.read(userId)).toEqual(row);
    });

    test("who closes the last one is offline a grace later, not sooner, and only when none is open elsewhere", async () => {
      const { userId, node, change } = await stage.present();
      const second = await stage.open();
      await stage.enter(second, arrival(userId));
      expect(await stage.leave(node, userId)).toEqual({ changes: [], gone: [] });
      const witness = await stage.present();
      await stage.leave(witness.node, witness.userId);
      await stage.sweeper.next(witness.userId, witness.change.version);
      expect((await stage.read(userId))!.shown).toBe("busy");
      const began = Date.now();
      expect(await stage.leave(second, userId)).toEqual({ changes: [], gone: [userId] });
      const gone = await stage.sweeper.next(userId, change.version);
      expect(gone).toMatchObject({ own: "offline", shown: "offline", toOthers: true });
      expect(gone.version).toBeGreaterThanOrEqual(began + TIMING.graceMs - SLACK_MS);
      expect((await stage.read(userId))!.shown).toBe("offline");
    });

    test("the last activity comes with the farewell, and stays as it is", async () => {
      const { userId, node, change } = await stage.present({ idleForMs: 500 });
      const before = Date.now();
      await stage.leave(node, userId, 100);
      const gone = await stage.sweeper.next(userId, change.version);
      expect(gone.activeAt!).toBeGreaterThanOrEqual(before - 100 - SLACK_MS);
      expect(await stage.touch(userId)).toEqual([]);
      expect((await stage.read(userId))!.activeAt).toBe(gone.activeAt);
    });

    test("who comes back within the grace never went", async () => {
      const { userId, node } = await stage.present();
      const witness = await stage.present();
      await stage.leave(node, userId);
      expect(await stage.enter(node, arrival(userId))).toEqual([]);
      await stage.leave(witness.node, witness.userId);
      await stage.sweeper.next(witness.userId, witness.change.version);
      expect((await stage.read(userId))!.shown).toBe("busy");
      expect(stage.sweeper.of(userId)).toEqual([]);
    });

    test("a farewell from where nobody was changes nothing, and may be repeated", async () => {
      const { userId, node, change } = await stage.present();
      const [stranger, elsewhere] = [person(), await stage.open()];
      expect(await stage.leave(elsewhere, stranger)).toEqual({ changes: [], gone: [stranger] });
      expect(await stage.read(stranger)).toBeUndefined();
      expect(await stage.leave(elsewhere, userId)).toEqual({ changes: [], gone: [] });
      await stage.leave(node, userId);
      let repeats = 0;
      await holds(async () => {
        repeats++;
        expect((await stage.leave(node, userId)).gone).toEqual([userId]);
        return stage.sweeper.of(userId).length > 0;
      });
      expect(repeats).toBeGreaterThan(1);
      expect(await stage.sweeper.next(userId, change.version)).toMatchObject({ shown: "offline" });
    });

    test("who chose online and does nothing is idle, and back at once when they do; who is busy stays so", async () => {
      const [ada, bob] = [await stage.present({ choice: "online" }), await stage.present()];
      expect(ada.change.shown).toBe("online");
      const idle = await stage.sweeper.next(ada.userId, ada.change.version);
      expect(idle).toMatchObject({ own: "idle", shown: "idle", toOthers: true, activeAt: ada.change.activeAt });
      expect(idle.version).toBeGreaterThanOrEqual(ada.change.activeAt! + TIMING.idleMs);
      expect(await stage.touch(ada.userId, TIMING.idleMs + 100)).toEqual([]);
      const [back] = await stage.touch(ada.userId);
      expect(back).toMatchObject({ own: "online", shown: "online", toOthers: true });
      expect(back!.activeAt!).toBeGreaterThan(idle.activeAt!);
      expect((await stage.read(bob.userId))!.shown).toBe("busy");
    });

    test("who comes with an old activity is idle from the start", async () => {
      const { change } = await stage.present({ choice: "online", idleForMs: TIMING.idleMs });
      expect(change).toMatchObject({ own: "idle", shown: "idle" });
    });

    test("nothing is learnt of somebody unknown who did something", async () => {
      const userId = person();
      expect(await stage.touch(userId)).toEqual([]);
      expect(await stage.read(userId)).toBeUndefined();
    });
  });

  describe("nodes that die", () => {
    test("users of an evicted node count for as long as was said, and a repeat prolongs nothing", async () => {
      const [node, ada, bob] = [await stage.open(), person(), person()];
      await stage.enter(node, arrival(ada), arrival(bob));
      await stage.near.renew(node, 1);
      await stage.enter(await stage.open(), arrival(ada));
      await holds(() => stage.far.claim(node, LONG_MS));
      const began = Date.now();
      await stage.far.endNode(node, 400);
      await stage.far.endNode(node, LONG_MS);
      const gone = await stage.sweeper.next(bob, 0);
      expect(gone).toMatchObject({ own: "offline", shown: "offline", toOthers: true });
      expect(gone.version).toBeGreaterThanOrEqual(began + 400 - SLACK_MS);
      expect((await stage.read(ada))!.shown).toBe("busy");
      expect(stage.sweeper.of(ada)).toEqual([]);
      expect(await lapse(node)).toBeUndefined();
      expect((await stage.near.renew(node, LONG_MS)).held).toBe(false);
    });

    test("who comes back elsewhere before that never went", async () => {
      const [node, ada, bob] = [await stage.open(), person(), person()];
      await stage.enter(node, arrival(ada), arrival(bob));
      await stage.near.renew(node, 1);
      await holds(() => stage.far.claim(node, LONG_MS));
      await stage.far.endNode(node, 400);
      expect(await stage.enter(await stage.open(), arrival(ada))).toEqual([]);
      await stage.sweeper.next(bob, 0);
      expect((await stage.read(ada))!.shown).toBe("busy");
      expect(stage.sweeper.of(ada)).toEqual([]);
    });

    test("nobody enters where everybody was evicted", async () => {
      const [node, userId] = [await stage.open(1), person()];
      await holds(() => stage.far.claim(node, LONG_MS));
      await stage.far.endNode(node, 0);
      await expect(stage.near.enter(node, [arrival(userId)])).rejects.toMatchObject({ code: "unavailable" });
      expect(await stage.read(userId)).toBeUndefined();
    });

    test("who is evicted with no time left is offline with the next sweep, which tells it", async () => {
      const node = await stage.open();
      const [change] = await stage.enter(node, arrival(person()));
      await stage.near.renew(node, 1);
      await holds(() => stage.far.claim(node, LONG_MS));
      await stage.far.endNode(node, 0);
      expect(await stage.sweeper.next(change!.userId, change!.version)).toMatchObject({
        shown: "offline",
        toOthers: true,
      });
    });

    test("who is only where the lease ended more than a grace ago reads as offline, until it is renewed", async () => {
      const [node, ada, bob] = [await stage.open(), person(), person()];
      await stage.enter(node, arrival(ada), arrival(bob));
      await stage.enter(await stage.open(), arrival(bob));
      const began = Date.now();
      await stage.near.renew(node, 50);
      await holds(async () => (await stage.read(ada))!.shown === "offline");
      expect(Date.now() - began).toBeGreaterThanOrEqual(50 + TIMING.graceMs - SLACK_MS);
      expect((await stage.read(ada))!.own).toBe("offline");
      expect((await stage.read(bob))!.shown).toBe("busy");
      expect(stage.sweeper.of(ada)).toEqual([]);
      expect((await stage.near.renew(node, LONG_MS)).held).toBe(true);
      expect((await stage.read(ada))!.shown).toBe("busy");
    });

    test("users of a node that closed in order count for the rest of their grace", async () => {
      const { userId, node, change } = await stage.present();
      const began = Date.now();
      await stage.leave(node, userId);
      await stage.near.close(node);
      const gone = await stage.sweeper.next(userId, change.version);
      expect(gone).toMatchObject({ shown: "offline", toOthers: true });
      expect(gone.version).toBeGreaterThanOrEqual(began + TIMING.graceMs - SLACK_MS);
    });
  });

  describe("reading", () => {
    test("a thousand users enter in one call and are read in one; of strangers there is nothing", async () => {
      const users = Array.from({ length: 1000 }, person);
      const node = await stage.open();
      const changes = await stage.enter(node, ...users.map((userId) => arrival(userId)));
      expect(new Set(changes.map(({ userId }) => userId))).toEqual(new Set(users));
      const rows = await stage.far.read(users);
      expect([...rows.values()].filter(({ shown }) => shown === "busy")).toHaveLength(1000);
      expect(users.every((userId) => rows.get(userId)?.userId === userId)).toBe(true);
      expect((await stage.far.read([...users.slice(0, 990), ...Array.from({ length: 10 }, person)])).size).toBe(990);
      expect((await stage.far.read([])).size).toBe(0);
    });

    test("whoever has been offline for long is forgotten, and comes back with a later version", async () => {
      const { userId, node, change } = await stage.present();
      await stage.leave(node, userId);
      const gone = await stage.sweeper.next(userId, change.version);
      await holds(async () => (await stage.read(userId)) === undefined);
      expect(Date.now()).toBeGreaterThanOrEqual(gone.version + TIMING.keepMs - SLACK_MS);
      const [back] = await stage.enter(node, arrival(userId));
      expect(back!.version).toBeGreaterThan(gone.version);
    });
  });

  // From here on nothing is swept but by the tests, which therefore go one after the other.
  describe.sequential("without sweeps", () => {
    beforeAll(() => stage.sweeper.stop());

    test("what nobody told is handed out after 2 seconds, for others too when an earlier change was for them", async () => {
      const node = await stage.open();
      const [untold, toldOnce, toldEarlier, merged] = [person(), person(), person(), person()];
      const users = [untold, toldOnce, toldEarlier, merged];
      const entered = await stage.near.enter(
        node,
        users.map((userId) => arrival(userId)),
      );
      // In whatever order they come.
      const changes = new Map(entered.map((change) => [change.userId, change]));
      await stage.near.announced([changes.get(toldOnce)!]);
      const later = (await stage.near.choose({ userId: toldEarlier, choice: "idle", choiceVersion: 2 })).row;
      await stage.near.announced([changes.get(toldEarlier)!]);
      const own = await stage.near.choose({ userId: merged, choice: "appear_offline", choiceVersion: 2 });
      expect(own.changes).toMatchObject([{ own: "appear_offline", toOthers: true }]);
      const handed = new Map<string, PresenceChange>();
      await holds(async () => {
        for (const [userId, change] of await stage.settled()) if (!handed.has(userId)) handed.set(userId, change);
        return [untold, toldEarlier, merged].every((userId) => handed.has(userId));
      });
      expect(Date.now()).toBeGreaterThanOrEqual(changes.get(untold)!.version + 2000 - SLACK_MS);
      expect(handed.get(untold)).toEqual(changes.get(untold));
      expect(handed.get(toldEarlier)).toMatchObject({ shown: "idle", version: later.version, toOthers: true });
      // Meanwhile their grace is over: that is a change of its own, and still for others.
      expect(handed.get(merged)).toMatchObject({ own: "appear_offline", toOthers: true });
      expect(handed.has(toldOnce)).toBe(false);
    });

    test("what others were not told is still for them when something follows that is not", async () => {
      const { userId, node } = await stage.present();
      await stage.choose(userId, "appear_offline", 2);
      /** The next that is handed out of them. */
      const next = async () => {
        let change: PresenceChange | undefined;
        await holds(async () => {
          change = (await stage.settled()).get(userId);
          return change !== undefined;
        });
        return change!;
      };
      expect(await next()).toMatchObject({ own: "appear_offline", shown: "offline", toOthers: true });
      await stage.leave(node, userId);
      const gone = await next();
      expect(gone).toMatchObject({ own: "offline", shown: "offline", toOthers: true });
      await stage.near.announced([gone]);
    });

    test("versions grow over the loss of everything", async ({ skip }) => {
      if (stage.nodes.redis === undefined) return skip("What this process knows is lost with the process alone.");
      const users = Array.from({ length: 20 }, person);
      const node = await stage.open();
      const before = await stage.enter(node, ...users.map((userId) => arrival(userId)));
      const primaries = stage.nodes.redis.nodes.filter(({ role }) => role === "primary");
      await Promise.all(primaries.map((primary) => primary.command("FLUSHALL")));
      expect(await stage.read(users[0]!)).toBeUndefined();
      expect((await stage.near.renew(node, LONG_MS)).held).toBe(false);
      const newer = await stage.open();
      const after = await stage.enter(newer, ...users.map((userId) => arrival(userId)));
      const versions = new Map(before.map(({ userId, version }) => [userId, version]));
      expect(after).toHaveLength(20);
      expect(after.every(({ userId, version }) => version > versions.get(userId)!)).toBe(true);
    });
  });
});
