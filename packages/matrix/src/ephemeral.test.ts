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
    hears: (...ephemeral: unknown[]) => ingest.take({ events: [], ephemeral }),
    typists: async () => ((await engine.typing.list([roomId])).get(roomId) ?? []).map(({ userId }) => userId).sort(),
  };
}

const typing = (...user_ids: string[]) => ({ type: "m.typing", room_id: ROOM, content: { user_ids } });
const receipt = (eventId: string, user: string, kind = "m.read", more: object = { ts: 1 }) => ({
  type: "m.receipt",
  room_id: ROOM,
  content: { [eventId]: { [kind]: { [user]: more } } },
});
const presence = (sender: string, word: string, last_active_ago = 0) => ({
  type: "m.presence",
  sender,
  content: { presence: word, last_active_ago },
});

test("typing in Matrix lasts until Matrix says stop, or 30 seconds", async () => {
  const { clock, frames, hears, typists } = await setUp();
  await hears(typing(ADA, BEN));
  expect(frames()).toEqual([
    { kind: "typing", userId: ada, remainingMs: 30_000 },
    { kind: "typing", userId: ben, remainingMs: 30_000 },
  ]);
  await hears(typing(BEN));
  expect(frames()).toEqual([
    { kind: "typing", userId: ben, remainingMs: 30_000 },
    { kind: "stop", userId: ada },
  ]);
  expect(await typists()).toEqual([ben]);
  await clock.pass(30_000);
  expect(await typists()).toEqual([]);
});

test("whoever types here is neither prolonged nor stopped by what Matrix says of them", async () => {
  const { engine, frames, hears, typists } = await setUp();
  engine.typing.start(roomId, ada, TTL);
  await hears(typing(ADA));
  await hears(typing());
  expect(frames()).toEqual([]);
  expect(await typists()).toEqual([ada]);
});

test("of two words on one room in a transaction the last counts", async () => {
  const { hears, typists } = await setUp();
  await hears(typing(ADA), typing(BEN));
  expect(await typists()).toEqual([ben]);
});

test("whoever appears offline here does not type for anybody, and is not here", async () => {
  const { engine, frames, hears, store } = await setUp();
  await store.choosePresence(ada, "appear_offline");
  await hears(typing(ADA), presence(ADA, "online"));
  expect(frames()).toEqual([]);
  expect((await engine.presence.read([ada])).get(ada)?.own ?? "offline").toBe("offline");
});

test("a receipt is for the whole room, whichever thread it names, and only moves forward", async () => {
  const { eventId, fake, hears, ingest, store } = await setUp();
  const later = fake.say(ROOM, "m.room.message", ADA, { msgtype: "m.text", body: "And this?" });
  await ingest.take({ events: [later] });
  await hears(receipt(String(later.event_id), BEN, "m.read", { ts: 1_700_000_000_000, thread_id: "main" }));
  const read = store.receipt(roomId, ben);
  expect(read).toMatchObject({ messageOrdinal: 2, private: false, readAt: new Date(1_700_000_000_000) });
  await hears(receipt(eventId, BEN));
  expect(store.receipt(roomId, ben)).toEqual(read);
});

test("a private receipt is nobody else's", async () => {
  const { eventId, frames, hears, store } = await setUp();
  await hears(receipt(eventId, BEN, "m.read.private"));
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

test("somebody online in Matrix is online here until Matrix says otherwise, or for 30 minutes", async () => {
  const { clock, engine, hears, presence: here, store } = await setUp();
  const seen = async () => {
    await here.announce(await engine.presence.settle());
    return (await here.look({ userId: ada, service: false }, [ben])).get(ben)?.status;
  };
  await hears(presence(BEN, "online", 1000), presence(BEN, "online", 1000));
  expect(await seen()).toBe("online");
  await clock.pass(299_000);
  expect(await seen()).toBe("idle");
  await hears(presence(BEN, "offline"));
  expect(await seen()).toBe("offline");
  await hears(presence(BEN, "online"));
  await clock.pass(29 * 60_000);
  expect(await seen()).toBe("idle");
  await clock.pass(60_000);
  expect(await seen()).toBe("offline");
  expect((await store.users([ben])).get(ben)?.choiceVersion).toBe(0);
});

test("somebody unavailable in Matrix is idle here, and not when they were active since", async () => {
  const { hears, presence: here } = await setUp();
  await hears(presence(BEN, "unavailable", 1000));
  const seen = async () => (await here.look({ userId: ada, service: false }, [ben])).get(ben)?.status;
  expect(await seen()).toBe("idle");
  await hears(presence(BEN, "online", 0));
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
  const { engine, eventId, hears, store, warnings } = await setUp();
  engine.typing.list = () => Promise.reject(new Error("away"));
  await hears(typing(ADA), receipt(eventId, BEN));
  expect(store.receipt(roomId, ben)).toBeDefined();
  expect(warnings).toEqual([{ error: "Error" }]);
});
