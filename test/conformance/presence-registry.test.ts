/** The promises of presence, held by every engine: users on nodes that come, end and die. Choices: `presence-choices.test.ts`. */
import { randomUUID } from "node:crypto";
import type { PresenceChange, PresenceTiming } from "@signalbox/core/ports/presence-registry";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { engines, holds, type Nodes } from "./engine-nodes.ts";
import {
  arrival,
  BRISK,
  FORGETFUL,
  LONG_MS,
  PATIENT,
  person,
  SLACK_MS,
  type Stage,
  setStage,
} from "./presence-stage.ts";

// No promise here is about the limit of an answer: a call may take as long as a busy machine needs.
vi.mock("@signalbox/redis/connection", async (actual) => ({ ...(await actual<object>()), ANSWER_MS: 5_000 }));

// Nearly all of the time goes into waiting for time to pass: the engines wait together, and so do the tests of a section.
vi.setConfig({ maxConcurrency: 100 });

describe.concurrent.each(engines)("presence on the $name engine", ({ start }) => {
  let nodes: Nodes;
  let stage: Stage;

  beforeAll(async () => {
    nodes = await start();
  });
  afterAll(() => nodes.stop());

  /** Sets the stage of a section, with sweeps. */
  const play = (timing: PresenceTiming) => {
    beforeAll(async () => {
      stage = await setStage(nodes, timing);
      stage.sweeper.start();
    });
    afterAll(() => stage.sweeper.stop());
  };

  /** The end of a node's lease, as another node sees it. */
  const lapse = async (node: string) =>
    (await stage.far.renew("looking", LONG_MS)).expired.find((each) => each.node === node);

  describe.sequential("leases", () => {
    play(BRISK);

    test.concurrent("a lease that is renewed does not lapse, and one that was never opened cannot be renewed", async () => {
      const [node, other] = [await stage.open(50), randomUUID()];
      expect((await stage.near.renew(node, LONG_MS)).held).toBe(true);
      expect((await stage.near.renew(other, LONG_MS)).held).toBe(false);
      const witness = await stage.open(50);
      await holds(async () => (await lapse(witness)) !== undefined);
      expect(await lapse(node)).toBeUndefined();
      expect(await lapse(other)).toBeUndefined();
    });

    test.concurrent("an expired lease is told to others with its age, and lives again when it is renewed before a claim", async () => {
      const began = Date.now();
      const node = await stage.open(50);
      await holds(async () => ((await lapse(node))?.forMs ?? 0) > 30);
      expect((await lapse(node))!.forMs).toBeLessThanOrEqual(Date.now() - began - 50 + SLACK_MS);
      const { held, expired } = await stage.near.renew(node, LONG_MS);
      expect(held).toBe(true);
      expect(expired.map((each) => each.node)).not.toContain(node);
      expect(await lapse(node)).toBeUndefined();
    });

    test.concurrent("its own lapse is not told to a node", async () => {
      const node = await stage.open(1);
      await holds(async () => (await lapse(node)) !== undefined);
      expect((await stage.near.renew(node, LONG_MS)).expired.map((each) => each.node)).not.toContain(node);
    });

    test.concurrent("a node that lives, or never did, cannot be claimed", async () => {
      expect(await stage.far.claim(await stage.open(), LONG_MS)).toBe(false);
      expect(await stage.far.claim(randomUUID(), LONG_MS)).toBe(false);
    });

    test.concurrent("of many that claim an expired node one gets it; then its lease is gone, and it lapses for no other", async () => {
      const node = await stage.open(1);
      await holds(async () => (await lapse(node)) !== undefined);
      const claims = Array.from({ length: 10 }, (_, turn) =>
        (turn % 2 === 0 ? stage.near : stage.far).claim(node, LONG_MS),
      );
      expect((await Promise.all(claims)).filter((claimed) => claimed)).toHaveLength(1);
      expect((await stage.near.renew(node, LONG_MS)).held).toBe(false);
      expect(await lapse(node)).toBeUndefined();
    });

    test.concurrent("a claim that has run out leaves the node to the next, which learns how long ago the lease ended", async () => {
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

    test.concurrent("a lease that was closed is gone, and lapses for no node", async () => {
      const node = await stage.open(1);
      await holds(async () => (await lapse(node)) !== undefined);
      await stage.near.close(node);
      expect(await lapse(node)).toBeUndefined();
      expect((await stage.near.renew(node, LONG_MS)).held).toBe(false);
    });
  });

  describe.sequential("sessions", () => {
    play(BRISK);

    test.concurrent("the first one is a change for all, which every node reads; one more elsewhere is none", async () => {
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

    test.concurrent("the end of the last one is offline a grace later, not sooner, and only when none is open elsewhere", async () => {
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
      expect(gone.version).toBeGreaterThanOrEqual(began + BRISK.graceMs - SLACK_MS);
      expect((await stage.read(userId))!.shown).toBe("offline");
    });

    test.concurrent("the last activity comes with the farewell, and stays as it is", async () => {
      const { userId, node, change } = await stage.present({ idleForMs: 500 });
      const before = Date.now();
      await stage.leave(node, userId, 100);
      const gone = await stage.sweeper.next(userId, change.version);
      expect(gone.activeAt!).toBeGreaterThanOrEqual(before - 100 - SLACK_MS);
      expect(await stage.touch(userId)).toEqual([]);
      expect((await stage.read(userId))!.activeAt).toBe(gone.activeAt);
    });

    test.concurrent("a farewell from a node that never had the user changes nothing, and may be repeated", async () => {
      const { userId, node, change } = await stage.present();
      const [stranger, elsewhere] = [person(), await stage.open()];
      expect(await stage.leave(elsewhere, stranger)).toEqual({ changes: [], gone: [stranger] });
      expect(await stage.read(stranger)).toBeUndefined();
      expect(await stage.leave(elsewhere, userId)).toEqual({ changes: [], gone: [] });
      await stage.leave(node, userId);
      // A repeat that prolonged the grace would keep the user for ever.
      await holds(async () => {
        expect((await stage.leave(node, userId)).gone).toEqual([userId]);
        return stage.sweeper.after(userId, change.version).length > 0;
      });
      expect(await stage.sweeper.next(userId, change.version)).toMatchObject({ shown: "offline" });
    });

    test.concurrent("an online user who does nothing is idle, and back at once by doing something; a busy one stays so", async () => {
      const [ada, bob] = [await stage.present({ choice: "online" }), await stage.present()];
      expect(ada.change.shown).toBe("online");
      const idle = await stage.sweeper.next(ada.userId, ada.change.version);
      expect(idle).toMatchObject({ own: "idle", shown: "idle", toOthers: true, activeAt: ada.change.activeAt });
      expect(idle.version).toBeGreaterThanOrEqual(ada.change.activeAt! + BRISK.idleMs);
      expect(await stage.touch(ada.userId, BRISK.idleMs + 100)).toEqual([]);
      const [back] = await stage.touch(ada.userId);
      expect(back).toMatchObject({ own: "online", shown: "online", toOthers: true });
      expect(back!.activeAt!).toBeGreaterThan(idle.activeAt!);
      expect((await stage.read(bob.userId))!.shown).toBe("busy");
    });

    test.concurrent("a user who comes with an old activity is idle from the start", async () => {
      const { change } = await stage.present({ choice: "online", idleForMs: BRISK.idleMs });
      expect(change).toMatchObject({ own: "idle", shown: "idle" });
    });

    test.concurrent("an unknown user who did something stays unknown", async () => {
      const userId = person();
      expect(await stage.touch(userId)).toEqual([]);
      expect(await stage.read(userId)).toBeUndefined();
    });
  });

  describe.sequential("nodes that die", () => {
    play(BRISK);

    test.concurrent("users of an evicted node count for as long as was said, and a repeat prolongs nothing", async () => {
      const [node, ada, bob] = [await stage.open(), person(), person()];
      const changes = await stage.enter(node, arrival(ada), arrival(bob));
      const versions = new Map(changes.map((change) => [change.userId, change.version]));
      await stage.near.renew(node, 1);
      await stage.enter(await stage.open(), arrival(ada));
      await holds(() => stage.far.claim(node, LONG_MS));
      const began = Date.now();
      await stage.far.endNode(node, 400);
      await stage.far.endNode(node, LONG_MS);
      const gone = await stage.sweeper.next(bob, versions.get(bob)!);
      expect(gone).toMatchObject({ own: "offline", shown: "offline", toOthers: true });
      expect(gone.version).toBeGreaterThanOrEqual(began + 400 - SLACK_MS);
      expect((await stage.read(ada))!.shown).toBe("busy");
      expect(stage.sweeper.after(ada, versions.get(ada)!)).toEqual([]);
      expect(await lapse(node)).toBeUndefined();
      expect((await stage.near.renew(node, LONG_MS)).held).toBe(false);
    });

    test.concurrent("no user enters a node that was evicted", async () => {
      const [node, userId] = [await stage.open(1), person()];
      await holds(() => stage.far.claim(node, LONG_MS));
      await stage.far.endNode(node, 0);
      await expect(stage.near.enter(node, [arrival(userId)])).rejects.toMatchObject({ code: "unavailable" });
      expect(await stage.read(userId)).toBeUndefined();
    });

    test.concurrent("a user evicted with no time left is offline with the next sweep, which tells it", async () => {
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

    test.concurrent("a user whose only node's lease ended more than a grace ago reads as offline, until it is renewed", async () => {
      const [node, ada, bob] = [await stage.open(), person(), person()];
      const [change] = await stage.enter(node, arrival(ada));
      await stage.enter(node, arrival(bob));
      await stage.enter(await stage.open(), arrival(bob));
      const began = Date.now();
      await stage.near.renew(node, 50);
      await holds(async () => (await stage.read(ada))!.shown === "offline");
      expect(Date.now() - began).toBeGreaterThanOrEqual(50 + BRISK.graceMs - SLACK_MS);
      expect((await stage.read(ada))!.own).toBe("offline");
      expect((await stage.read(bob))!.shown).toBe("busy");
      expect(stage.sweeper.after(ada, change!.version)).toEqual([]);
      expect((await stage.near.renew(node, LONG_MS)).held).toBe(true);
      expect((await stage.read(ada))!.shown).toBe("busy");
    });

    test.concurrent("users of a node that closed in order count for the rest of their grace", async () => {
      const { userId, node, change } = await stage.present();
      const began = Date.now();
      await stage.leave(node, userId);
      await stage.near.close(node);
      const gone = await stage.sweeper.next(userId, change.version);
      expect(gone).toMatchObject({ shown: "offline", toOthers: true });
      expect(gone.version).toBeGreaterThanOrEqual(began + BRISK.graceMs - SLACK_MS);
    });
  });

  describe.sequential("the grace", () => {
    play(PATIENT);

    test.concurrent("a user who comes back within it never went", async () => {
      const { userId, node, change } = await stage.present();
      const witness = await stage.present();
      await stage.leave(node, userId);
      expect(await stage.enter(node, arrival(userId))).toEqual([]);
      await stage.leave(witness.node, witness.userId);
      await stage.sweeper.next(witness.userId, witness.change.version);
      expect((await stage.read(userId))!.shown).toBe("busy");
      expect(stage.sweeper.after(userId, change.version)).toEqual([]);
    });

    test.concurrent("a user of an evicted node who comes back elsewhere within it never went", async () => {
      const [node, ada, bob] = [await stage.open(), person(), person()];
      const changes = await stage.enter(node, arrival(ada), arrival(bob));
      const versions = new Map(changes.map((change) => [change.userId, change.version]));
      await stage.near.renew(node, 1);
      await holds(() => stage.far.claim(node, LONG_MS));
      await stage.far.endNode(node, PATIENT.graceMs);
      expect(await stage.enter(await stage.open(), arrival(ada))).toEqual([]);
      await stage.sweeper.next(bob, versions.get(bob)!);
      expect((await stage.read(ada))!.shown).toBe("busy");
      expect(stage.sweeper.after(ada, versions.get(ada)!)).toEqual([]);
    });
  });

  describe.sequential("reading", () => {
    play(FORGETFUL);

    test.concurrent("a thousand users enter in one call and are read in one; of strangers there is nothing", async () => {
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

    test.concurrent("a user who has been offline for long is forgotten, and comes back with a later version", async () => {
      const { userId, node, change } = await stage.present();
      await stage.leave(node, userId);
      const gone = await stage.sweeper.next(userId, change.version);
      await holds(async () => (await stage.read(userId)) === undefined);
      expect(Date.now()).toBeGreaterThanOrEqual(gone.version + FORGETFUL.keepMs - SLACK_MS);
      const [back] = await stage.enter(node, arrival(userId));
      expect(back!.version).toBeGreaterThan(gone.version);
    });
  });

  // Nothing is swept here but by the tests, which therefore go one after the other.
  describe.sequential("without sweeps", () => {
    beforeAll(async () => {
      stage = await setStage(nodes, BRISK);
    });

    test("an untold change is handed out after 2 seconds, for others too when an earlier one was for them", async () => {
      const node = await stage.open();
      const [untold, toldOnce, toldEarlier, merged] = [person(), person(), person(), person()];
      const users = [untold, toldOnce, toldEarlier, merged];
      const entered = await stage.near.enter(
        node,
        users.map((userId) => arrival(userId)),
      );
      // They come in any order.
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
      // Meanwhile the user's grace is over: that is a change of its own, and still for others.
      expect(handed.get(merged)).toMatchObject({ own: "appear_offline", toOthers: true });
      expect(handed.has(toldOnce)).toBe(false);
    });

    test("a change that others were not told is still for them when one follows that is not", async () => {
      const { userId, node } = await stage.present();
      const { row } = await stage.choose(userId, "appear_offline", 2);
      /** The next change of the user that is handed out, after `version`. */
      const next = async (version: number) => {
        let change: PresenceChange | undefined;
        await holds(async () => {
          change = (await stage.settled()).get(userId);
          return change !== undefined && change.version > version;
        });
        return change!;
      };
      const hidden = await next(row.version);
      expect(hidden).toMatchObject({ own: "appear_offline", shown: "offline", toOthers: true });
      await stage.leave(node, userId);
      const gone = await next(hidden.version);
      expect(gone).toMatchObject({ own: "offline", shown: "offline", toOthers: true });
      await stage.near.announced([gone]);
    });

    test("versions grow over the loss of everything", async ({ skip }) => {
      if (nodes.redis === undefined) return skip("What this process knows is lost with the process alone.");
      const users = Array.from({ length: 20 }, person);
      const node = await stage.open();
      const before = await stage.enter(node, ...users.map((userId) => arrival(userId)));
      const primaries = nodes.redis.nodes.filter(({ role }) => role === "primary");
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
