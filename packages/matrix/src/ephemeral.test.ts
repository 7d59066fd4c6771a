import { decodeRoomFrame } from "@signalbox/core/ports/engine-frames";
import { expect, test } from "vitest";
import { ADA, ada, BEN, ben, createBridge, openRoom, ROOM, roomId, TTL } from "./bridge.fake.ts";

async function setUp() {
  const bridge = createBridge();
  await openRoom(bridge);
  const { engine, fake, ingest, published } = bridge;
  const message = fake.say(ROOM, "m.room.message", ADA, { msgtype: "m.text", body: "Who has read this?" });
  await ingest.take({ events: [message] });
  const frames = () =>
    published.splice(0).flatMap(({ channel, payload }) => decodeRoomFrame(channel.id, payload) ?? []);
  frames();
  return {
    ...bridge,
    frames,
    eventId: String(message.event_id),
    push: (...ephemeral: unknown[]) => ingest.take({ events: [], ephemeral }),
    typists: async () => ((await engine.typing.list([roomId])).get(roomId) ?? []).map(({ userId }) => userId).sort(),
  };
}

const typing = (...user_ids: string[]) => ({ type: "m.typing", room_id: ROOM, content: { user_ids } });
const receipt = (eventId: string, user: string, kind = "m.read", more: object = { ts: 1 }) => ({
  type: "m.receipt",
  room_id: ROOM,
  content: { [eventId]: { [kind]: { [user]: more } } },
});
const presence = (sender: string, status: string, last_active_ago = 0) => ({
  type: "m.presence",
  sender,
  content: { presence: status, last_active_ago },
});

test("typing in Matrix lasts until Matrix says stop, or 30 seconds", async () => {
  const { clock, frames, push, typists } = await setUp();
  await push(typing(ADA, BEN));
  expect(frames()).toEqual([
    { kind: "typing", userId: ada, remainingMs: 30_000 },
    { kind: "typing", userId: ben, remainingMs: 30_000 },
  ]);
  await push(typing(BEN));
  expect(frames()).toEqual([
    { kind: "typing", userId: ben, remainingMs: 30_000 },
    { kind: "stop", userId: ada },
  ]);
  expect(await typists()).toEqual([ben]);
  await clock.pass(30_000);
  expect(await typists()).toEqual([]);
});

test("typing in Matrix neither prolongs nor ends native typing of the same user", async () => {
  const { engine, frames, push, typists } = await setUp();
  engine.typing.start(roomId, ada, TTL);
  await push(typing(ADA));
  await push(typing());
  expect(frames()).toEqual([]);
  expect(await typists()).toEqual([ada]);
});

test("of two typing items of one room in a transaction the last counts", async () => {
  const { push, typists } = await setUp();
  await push(typing(ADA), typing(BEN));
  expect(await typists()).toEqual([ben]);
});

test("a user that appears offline here is neither typing nor online", async () => {
  const { engine, frames, push, store } = await setUp();
  await store.choosePresence(ada, "appear_offline");
  await push(typing(ADA), presence(ADA, "online"));
  expect(frames()).toEqual([]);
  expect((await engine.presence.read([ada])).get(ada)?.own ?? "offline").toBe("offline");
});

test("a receipt for a thread is for the whole room, and receipts only move forward", async () => {
  const { eventId, fake, push, ingest, store } = await setUp();
  const later = fake.say(ROOM, "m.room.message", ADA, { msgtype: "m.text", body: "And this?" });
  await ingest.take({ events: [later] });
  await push(receipt(String(later.event_id), BEN, "m.read", { ts: 1_700_000_000_000, thread_id: "main" }));
  const read = store.receipt(roomId, ben);
  expect(read).toMatchObject({ messageOrdinal: 2, private: false, readAt: new Date(1_700_000_000_000) });
  await push(receipt(eventId, BEN));
  expect(store.receipt(roomId, ben)).toEqual(read);
});

test("a private receipt is visible to its user alone", async () => {
  const { eventId, frames, push, store } = await setUp();
  await push(receipt(eventId, BEN, "m.read.private"));
  expect(store.receipt(roomId, ben)).toBeUndefined();
  expect(frames().map(({ kind }) => kind)).not.toContain("receipts");
  expect((await store.counts([{ roomId, userId: ben }]))[0]?.unread).toBe(0);
});

test("a receipt in the same transaction as its message finds it", async () => {
  const { fake, ingest, store } = await setUp();
  const message = fake.say(ROOM, "m.room.message", ADA, { msgtype: "m.text", body: "new" });
  await ingest.take({ events: [message], ephemeral: [receipt(String(message.event_id), BEN)] });
  expect(store.receipt(roomId, ben)).toMatchObject({ messageOrdinal: 2 });
});

test("a user online in Matrix is online here until Matrix says otherwise, or for 30 minutes", async () => {
  const { clock, engine, push, presence: here, store } = await setUp();
  const seen = async () => {
    await here.announce(await engine.presence.settle());
    return (await here.look({ userId: ada, service: false }, [ben])).get(ben)?.status;
  };
  await push(presence(BEN, "online", 1000), presence(BEN, "online", 1000));
  expect(await seen()).toBe("online");
  await clock.pass(299_000);
  expect(await seen()).toBe("idle");
  await push(presence(BEN, "offline"));
  expect(await seen()).toBe("offline");
  await push(presence(BEN, "online"));
  await clock.pass(29 * 60_000);
  expect(await seen()).toBe("idle");
  await clock.pass(60_000);
  expect(await seen()).toBe("offline");
  expect((await store.users([ben])).get(ben)?.choiceVersion).toBe(0);
});

test("a user unavailable in Matrix is idle here, unless they were active since", async () => {
  const { push, presence: here } = await setUp();
  await push(presence(BEN, "unavailable", 1000));
  const seen = async () => (await here.look({ userId: ada, service: false }, [ben])).get(ben)?.status;
  expect(await seen()).toBe("idle");
  await push(presence(BEN, "online", 0));
  expect(await seen()).toBe("online");
});

test("the key of old servers is read as well", async () => {
  const { ingest, typists } = await setUp();
  await ingest.take({ events: [], "de.sorunome.msc2409.ephemeral": [typing(ADA)] });
  expect(await typists()).toEqual([ada]);
});

test("a broken part fails nothing", async () => {
  const { eventId, fake, ingest, store, typists } = await setUp();
  const message = fake.say(ROOM, "m.room.message", ADA, { msgtype: "m.text", body: "new" });
  const broken = [null, 7, {}, { type: "m.typing" }, typing("nobody"), receipt("no event", BEN), presence("x", "y")];
  const half = { type: "m.receipt", room_id: ROOM, content: { [eventId]: 7, $x: { "m.read": [1] } } };
  await ingest.take({ events: [message], ephemeral: [...broken, half, receipt(eventId, BEN), typing(BEN)] });
  expect(store.room(roomId)?.messageCount).toBe(2);
  expect(store.receipt(roomId, ben)).toMatchObject({ messageOrdinal: 1 });
  expect(await typists()).toEqual([ben]);
});

test("signals are lost, and nothing else, while the engine is away", async () => {
  const { engine, eventId, push, store, warnings } = await setUp();
  engine.typing.list = () => Promise.reject(new Error("away"));
  await push(typing(ADA), receipt(eventId, BEN));
  expect(store.receipt(roomId, ben)).toBeDefined();
  expect(warnings).toEqual([{ error: "Error" }]);
});
