/** The promises of presence as to choices and other systems' words, held by every engine. */
import type { Arrival, PresenceChange, PresenceTiming } from "@signalbox/core/ports/presence-registry";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { engines, holds, type Nodes } from "./engine-nodes.ts";
import { arrival, BRISK, LONG_MS, PATIENT, person, SLACK_MS, type Stage, setStage } from "./presence-stage.ts";

// No promise here is about the limit of an answer: a call may take as long as a busy machine needs.
vi.mock("@signalbox/redis/connection", async (actual) => ({ ...(await actual<object>()), ANSWER_MS: 5_000 }));

// Nearly all of the time goes into waiting for time to pass: the engines wait together, and so do the tests of a section.
vi.setConfig({ maxConcurrency: 100 });

describe.concurrent.each(engines)("choices on the $name engine", ({ start }) => {
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

  describe.sequential("choices", () => {
    play(BRISK);

    test.concurrent("a choice without a session counts for a while, and ends like a session", async () => {
      const userId = person();
      const began = Date.now();
      const { row, changes } = await stage.choose(userId, "busy", 1);
      expect(changes).toEqual([{ ...row, toOthers: true }]);
      expect(row).toMatchObject({ userId, own: "busy", shown: "busy" });
      const gone = await stage.sweeper.next(userId, row.version);
      expect(gone).toMatchObject({ own: "offline", shown: "offline", toOthers: true, activeAt: row.activeAt });
      expect(gone.version).toBeGreaterThanOrEqual(began + BRISK.holdMs - SLACK_MS);
    });

    test.concurrent("a choice is a change at once, and an activity", async () => {
      const { userId, change } = await stage.present({ idleForMs: 10_000 });
      const { row, changes } = await stage.choose(userId, "idle", 2);
      expect(changes).toEqual([{ ...row, toOthers: true }]);
      expect(row).toMatchObject({ own: "idle", shown: "idle" });
      expect(row.activeAt!).toBeGreaterThanOrEqual(change.activeAt! + 9_000);
      expect(row.version).toBeGreaterThan(change.version);
      expect(await stage.read(userId)).toEqual(row);
    });

    test.concurrent("an older choice changes nothing, whichever way it comes; a newer one comes with a session, too", async () => {
      const { userId, change } = await stage.present({ choiceVersion: 5 });
      const { toOthers: _, ...known } = change;
      expect(await stage.choose(userId, "online", 4)).toEqual({ row: known, changes: [] });
      expect(await stage.enter(await stage.open(), arrival(userId, { choice: "online", choiceVersion: 4 }))).toEqual(
        [],
      );
      const newer = arrival(userId, { choice: "idle", choiceVersion: 6 });
      expect(await stage.enter(await stage.open(), newer)).toMatchObject([
        { own: "idle", shown: "idle", toOthers: true },
      ]);
    });

    test.concurrent("versions grow with each change, and not without one", async () => {
      const { userId, node, change } = await stage.present({ choice: "online" });
      const versions = [change.version];
      versions.push((await stage.choose(userId, "appear_offline", 2)).row.version);
      versions.push((await stage.sweeper.next(userId, versions[1]!)).version);
      versions.push((await stage.choose(userId, "online", 3)).row.version);
      versions.push((await stage.choose(userId, "busy", 4)).row.version);
      await stage.touch(userId);
      expect((await stage.read(userId))!.version).toBe(versions.at(-1));
      await stage.leave(node, userId);
      versions.push((await stage.sweeper.next(userId, versions.at(-1)!)).version);
      expect(versions).toEqual([...new Set(versions)].sort((a, b) => a - b));
    });
  });

  describe.sequential("another system's word", () => {
    play(BRISK);

    const word = (userId: string, forMs: number, more: Partial<Arrival> = {}) => ({ ...arrival(userId, more), forMs });

    test.concurrent("counts for as long as it says, until the next, and beside a session", async () => {
      const userId = person();
      expect(await stage.setExternal(word(userId, LONG_MS))).toMatchObject([{ shown: "busy", toOthers: true }]);
      expect(await stage.setExternal(word(userId, LONG_MS))).toEqual([]);
      expect(await stage.setExternal(word(userId, 0))).toMatchObject([{ shown: "offline", toOthers: true }]);
      const [short] = await stage.setExternal(word(person(), BRISK.graceMs));
      expect(await stage.sweeper.next(short!.userId, short!.version)).toMatchObject({ shown: "offline" });
      const present = await stage.present();
      expect(await stage.setExternal(word(present.userId, LONG_MS))).toEqual([]);
      expect(await stage.setExternal(word(present.userId, 0))).toEqual([]);
      expect(await stage.read(present.userId)).toMatchObject({ shown: "busy" });
    });

    test.concurrent("about an end makes no user known", async () => {
      const userId = person();
      expect(await stage.setExternal(word(userId, 0))).toEqual([]);
      expect(await stage.read(userId)).toBeUndefined();
    });

    test.concurrent("never shows a user who appears offline", async () => {
      const hidden = { choice: "appear_offline", choiceVersion: 2 } as const;
      const [stranger, present] = [person(), await stage.present({ choiceVersion: 1 })];
      const { row } = await stage.choose(present.userId, "appear_offline", 2);
      await stage.sweeper.next(present.userId, row.version);
      for (const userId of [stranger, present.userId])
        for (const forMs of [LONG_MS, LONG_MS, 0]) {
          const changes = await stage.setExternal(word(userId, forMs, hidden));
          expect(changes.filter(({ toOthers }) => toOthers)).toEqual([]);
          expect((await stage.read(userId))?.shown ?? "offline").toBe("offline");
        }
    });

    test.concurrent("says when a user was last active, and so that the user is idle", async () => {
      const idle = word(person(), LONG_MS, { choice: "online", idleForMs: BRISK.idleMs + 1000 });
      expect(await stage.setExternal(idle)).toMatchObject([{ shown: "idle" }]);
    });
  });

  describe.sequential("appearing offline", () => {
    play(BRISK);

    /** The fields that others are told and can read of a user, but for the id and the time. */
    const seen = ({ shown, toOthers, version, activeAt }: PresenceChange) => ({
      shown,
      toOthers,
      idleForMs: version - activeAt! > 10_000,
    });

    test.concurrent("others see what they would see if the last session had closed with the choice", async () => {
      const [hidden, closed] = [await stage.present({ idleForMs: 10_000 }), await stage.present({ idleForMs: 10_000 })];
      const began = Date.now();
      const [{ row, changes }] = await Promise.all([
        stage.choose(hidden.userId, "appear_offline", 2),
        stage.leave(closed.node, closed.userId, 10_000),
      ]);
      expect(changes).toEqual([{ ...row, toOthers: false }]);
      expect(row).toMatchObject({ own: "appear_offline", shown: "busy", activeAt: hidden.change.activeAt });
      const [gone, witness] = await Promise.all([
        stage.sweeper.next(hidden.userId, row.version),
        stage.sweeper.next(closed.userId, closed.change.version),
      ]);
      expect(seen(gone)).toEqual(seen(witness));
      expect(gone).toMatchObject({ own: "appear_offline", shown: "offline", activeAt: hidden.change.activeAt });
      expect(gone.version).toBeGreaterThanOrEqual(began + BRISK.graceMs - SLACK_MS);
      expect((await stage.read(hidden.userId))!.shown).toBe("offline");
    });

    test.concurrent("nothing that the user does meanwhile or later shows to others", async () => {
      const { userId, node, change } = await stage.present({ idleForMs: 10_000 });
      const second = await stage.open();
      const { row } = await stage.choose(userId, "appear_offline", 2);
      const coming = arrival(userId, { choice: "appear_offline", choiceVersion: 2 });
      expect(await stage.enter(second, coming)).toEqual([]);
      expect(await stage.touch(userId)).toEqual([]);
      expect(await stage.choose(userId, "appear_offline", 3)).toMatchObject({ changes: [] });
      const gone = await stage.sweeper.next(userId, row.version);
      expect(gone).toMatchObject({ shown: "offline", toOthers: true, activeAt: change.activeAt });
      expect(await stage.touch(userId)).toEqual([]);
      await stage.leave(second, userId);
      expect(await stage.enter(second, coming)).toEqual([]);
      const after = await stage.read(userId);
      expect(after).toMatchObject({ own: "appear_offline", shown: "offline", activeAt: change.activeAt });
      expect(after!.ownActiveAt!).toBeGreaterThan(change.activeAt! + 9_000);
      await Promise.all([stage.leave(node, userId), stage.leave(second, userId)]);
      expect(await stage.sweeper.next(userId, gone.version)).toMatchObject({ own: "offline", toOthers: false });
      expect((await stage.read(userId))!.activeAt).toBe(change.activeAt);
    });

    test.concurrent("a user who shows again is seen at once, and what that user does as well", async () => {
      const { userId, change } = await stage.present({ idleForMs: 10_000 });
      const { row } = await stage.choose(userId, "appear_offline", 2);
      const gone = await stage.sweeper.next(userId, row.version);
      const { row: back, changes } = await stage.choose(userId, "busy", 3);
      expect(changes).toEqual([{ ...back, toOthers: true }]);
      expect(back).toMatchObject({ own: "busy", shown: "busy" });
      expect(back.version).toBeGreaterThan(gone.version);
      expect(back.activeAt!).toBeGreaterThan(change.activeAt! + 9_000);
    });
  });

  describe.sequential("the grace and the hold", () => {
    play(PATIENT);

    test.concurrent("a choice within a session counts no longer than the session", async () => {
      const [{ userId, node }, held] = [await stage.present(), person()];
      const { row } = await stage.choose(userId, "idle", 2);
      await stage.leave(node, userId);
      const hold = await stage.choose(held, "busy", 1);
      const gone = await stage.sweeper.next(userId, row.version);
      expect(gone).toMatchObject({ own: "offline", shown: "offline", toOthers: true });
      expect(gone.version).toBeLessThan((await stage.sweeper.next(held, hold.row.version)).version);
    });

    test.concurrent("a user who was not there is not seen coming, with a session or without", async () => {
      const [ada, bob, node] = [person(), person(), await stage.open()];
      const hidden = { choice: "appear_offline", choiceVersion: 2 } as const;
      const mine = { own: "appear_offline", shown: "offline", activeAt: null, toOthers: false };
      expect(await stage.enter(node, arrival(ada, hidden))).toMatchObject([mine]);
      expect((await stage.choose(bob, "appear_offline", 2)).changes).toMatchObject([mine]);
      expect(await stage.enter(node, arrival(bob, hidden))).toEqual([]);
      expect((await stage.read(bob))!.shown).toBe("offline");
    });

    test.concurrent("a user who hides in the grace of the last session goes with its end, though the choice counts for longer", async () => {
      const { userId, node } = await stage.present();
      await stage.leave(node, userId);
      const { row } = await stage.choose(userId, "appear_offline", 2);
      expect(row).toMatchObject({ own: "appear_offline", shown: "busy" });
      const gone = await stage.sweeper.next(userId, row.version);
      expect(gone).toMatchObject({ own: "appear_offline", shown: "offline", toOthers: true });
      const over = await stage.sweeper.next(userId, gone.version);
      expect(over).toMatchObject({ own: "offline", shown: "offline", toOthers: false });
      expect(over.version).toBeGreaterThanOrEqual(row.version + PATIENT.holdMs - SLACK_MS);
    });

    test.concurrent("a user who shows again before the grace is over was never away", async () => {
      const { userId } = await stage.present();
      const hidden = await stage.choose(userId, "appear_offline", 2);
      const { row, changes } = await stage.choose(userId, "busy", 3);
      expect(row).toMatchObject({ own: "busy", shown: "busy" });
      expect([...hidden.changes, ...changes].map(({ toOthers }) => toOthers)).toEqual([false, false]);
      const witness = await stage.present();
      await stage.leave(witness.node, witness.userId);
      await stage.sweeper.next(witness.userId, witness.change.version);
      expect((await stage.read(userId))!.shown).toBe("busy");
    });
  });

  // Nothing is swept here but by the tests, which therefore go one after the other.
  describe.sequential("without sweeps", () => {
    beforeAll(async () => {
      stage = await setStage(nodes, BRISK);
    });

    test("only a sweep says that a user appears offline, as of one who went", async () => {
      const hidden = await stage.present();
      const closed = await stage.present();
      await stage.choose(hidden.userId, "appear_offline", 2);
      await stage.leave(closed.node, closed.userId);
      const over = Date.now() + BRISK.graceMs + SLACK_MS;
      await holds(() => Date.now() > over);
      expect((await stage.touch(hidden.userId)).map(({ toOthers }) => toOthers)).not.toContain(true);
      const again = await stage.enter(
        await stage.open(),
        arrival(hidden.userId, { choice: "appear_offline", choiceVersion: 2 }),
      );
      expect(again.map(({ toOthers }) => toOthers)).not.toContain(true);
      expect((await stage.read(hidden.userId))!.shown).toBe((await stage.read(closed.userId))!.shown);
      const swept = await stage.settled();
      expect(swept.get(hidden.userId)).toMatchObject({ shown: "offline", toOthers: true });
      expect(swept.get(closed.userId)).toMatchObject({ shown: "offline", toOthers: true });
    });
  });
});
