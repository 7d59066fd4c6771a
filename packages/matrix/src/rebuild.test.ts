import { expect, test } from "vitest";
import { ADA, ada, BEN, createBridge, openRoom, ROOM, roomId } from "./bridge.fake.ts";
import { BOT } from "./homeserver.fake.ts";
import { createRebuild, type Progress } from "./rebuild.ts";

const EVERYTHING = {
  ...{ roomId, type: null, hasFile: null, senderId: null, threadRoot: null },
  ...{ from: null, until: null, words: null, after: null },
};

/** A bridge that got a whole history live, and an empty one to the same homeserver. */
async function setUp(count = 250) {
  const live = createBridge();
  await openRoom(live);
  const { fake } = live;
  const room = fake.room(ROOM);
  for (let index = 0; index < count; index++) {
    const event = room.says(index % 3 === 0 ? ADA : BEN, `message ${index}`);
    if (index % 10 === 0) {
      const reaction = room.reacts(BEN, event, "👍");
      if (index % 20 === 0) room.redacts(ADA, reaction);
    }
    if (index % 15 === 0) room.edits(ADA, event, `edited ${index}`);
    if (index % 30 === 0) room.redacts(ADA, event);
  }
  await live.ingest.take({ events: fake.room(ROOM).timeline });
  const fresh = createBridge();
  const progress: Progress[] = [];
  const onProgress = (each: Progress) => void progress.push(each);
  const deps = { store: fresh.store, ingest: fresh.ingest, homeserver: live.homeserver };
  const rows = async ({ store }: Pick<typeof live, "store">) => {
    const [projections, history] = [
      await store.projections(ada, true, EVERYTHING, 1000),
      await store.history(roomId, 1000, null),
    ];
    const reactions = new Map(history.map((row) => [row.messageId, row.reactions.map(({ reactionId }) => reactionId)]));
    return projections.map(({ seq: _, editSeq: __, deleteSeq: ___, ...row }) => ({
      ...row,
      on: reactions.get(row.messageId),
    }));
  };
  return { live, fresh, deps, onProgress, progress, fake, rows, total: fake.room(ROOM).timeline.length };
}

test("a rebuild of nothing makes what live ingestion made", async () => {
  const { onProgress, deps, fresh, live, progress, rows, total } = await setUp();
  const end = await createRebuild(deps).room(ROOM, { onProgress });
  expect(await rows(fresh)).toEqual(await rows(live));
  expect(end).toMatchObject({ matrixRoomId: ROOM, events: total });
  expect(progress.map(({ events }) => events)).toEqual([100, 200, 300, total]);
  expect(progress.at(-1)?.reached).toEqual(new Date(Date.UTC(2025, 0, 1) + total * 1000));
  expect(await fresh.store.rebuildCursor(roomId)).toBeNull();
});

test("a rebuild of known events changes nothing", async () => {
  const { onProgress, deps, live } = await setUp();
  const before = live.store.eventsOf(roomId);
  await createRebuild({ ...deps, store: live.store, ingest: live.ingest }).room(roomId, { onProgress });
  expect(live.store.eventsOf(roomId)).toEqual(before);
});

test("a rebuild that was stopped goes on where it was, and ends as one that was not", async () => {
  const { onProgress, deps, fake, fresh, live, progress, rows, total } = await setUp();
  const ingest = {
    project: async (events: readonly unknown[]) => {
      if (progress.length === 1) throw new Error("killed");
      await fresh.ingest.project(events);
    },
  };
  await expect(createRebuild({ ...deps, ingest }).room(ROOM, { onProgress })).rejects.toThrow("killed");
  expect(await fresh.store.rebuildCursor(roomId)).toBe("100");
  fake.requests.length = 0;
  const end = await createRebuild(deps).room(ROOM, { onProgress });
  expect(end.events).toBe(total - 100);
  expect(await rows(fresh)).toEqual(await rows(live));
});

test("live events come in between and nothing is lost or doubled", async () => {
  const { deps, fake, fresh, live, rows } = await setUp();
  const onProgress = () => {
    if (fake.room(ROOM).timeline.length > 330) return;
    const event = fake.say(ROOM, "m.room.message", ADA, { msgtype: "m.text", body: "meanwhile" });
    live.ingest.take({ events: [event] }).catch(() => undefined);
    fresh.ingest.take({ events: [event] }).catch(() => undefined);
  };
  await createRebuild(deps).room(ROOM, { onProgress });
  await Promise.all([live, fresh].map(({ ingest }) => ingest.take({ events: fake.room(ROOM).timeline })));
  const ids = async (bridge: typeof live) =>
    (await rows(bridge)).map(({ messageId, content }) => ({ messageId, content }));
  expect(await ids(fresh)).toEqual(await ids(live));
});

test("where the bridge itself may not read, a member does", async () => {
  const { onProgress, deps, fake, live } = await setUp(5);
  fake.strangers.add(BOT);
  fake.requests.length = 0;
  await createRebuild({ ...deps, store: live.store, ingest: live.ingest }).room(roomId, { onProgress });
  expect(fake.requests.filter(({ as }) => as !== BOT).length).toBeGreaterThan(0);
});

test("a room without a reader is forbidden, and one that is not bridged is not found", async () => {
  const { onProgress, deps, fake } = await setUp(5);
  for (const each of [BOT, ADA, BEN]) fake.strangers.add(each);
  await expect(createRebuild(deps).room(ROOM, { onProgress })).rejects.toMatchObject({ code: "forbidden" });
  const nowhere = "00000000-0000-4000-8000-000000000000";
  await expect(createRebuild(deps).room(nowhere, { onProgress })).rejects.toMatchObject({ code: "not_found" });
});

test("all rooms are the bridged ones and the ones of the bridge itself", async () => {
  const { deps, fake, fresh, live, rows } = await setUp(5);
  fake.say("!elsewhere:matrix.example", "m.room.message", ADA, { msgtype: "m.text", body: "hello" });
  expect(await createRebuild(deps).all()).toEqual([]);
  expect(await rows(fresh)).toEqual(await rows(live));
  expect(await fresh.store.bridgedRooms(null, 10)).toHaveLength(2);
});
