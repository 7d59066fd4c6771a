import type { MapStore } from "@signalbox/core/testing/map-store.fake";
import { Problem } from "@signalbox/protocol/errors";
import { expect, test } from "vitest";
import { ADA, ada, BEN, ben, createBridge, openRoom, ROOM, roomId } from "./bridge.fake.ts";
import type { Json } from "./events.ts";

async function setUp() {
  const bridge = createBridge();
  await openRoom(bridge);
  const { fake, ingest, store } = bridge;
  const text = (body: string, sender = ADA, more: Json = {}) =>
    fake.say(ROOM, "m.room.message", sender, { msgtype: "m.text", body, ...more });
  const take = (...events: unknown[]) => ingest.take({ events });
  return { ...bridge, text, take, seen: () => historyOf(store) };
}

async function historyOf(store: MapStore) {
  const rows = await store.history(roomId, 100, null);
  return rows.map(({ content, eventId }) => ({ content, eventId })).reverse();
}

const typesOf = (store: MapStore) => store.eventsOf(roomId).map(({ type }) => type);
const contents = async (store: MapStore) => (await historyOf(store)).map(({ content }) => content);

test("a new room comes with its members, its owner and their names", async () => {
  const { store } = await setUp();
  expect(store.room(roomId)).toMatchObject({ matrixRoomId: ROOM, createdBy: ada, memberCount: 2 });
  const members = (await store.roomState(roomId, ada, false))?.members ?? [];
  expect(
    members.map(({ userId, name, role }) => ({ userId, name, role })).sort((a, b) => (a.role > b.role ? -1 : 1)),
  ).toEqual([
    { userId: ada, name: "Ada", role: "owner" },
    { userId: ben, name: "Ben", role: "member" },
  ]);
  expect(typesOf(store)).toEqual(["NEW_CHAT", "USER_JOIN", "USER_JOIN"]);
});

test("events become rows and events in their order", async () => {
  const { store, take, text, seen } = await setUp();
  const [one, two] = [text("one"), text("two", BEN)];
  await take(one, two);
  expect(await seen()).toEqual([
    { content: "one", eventId: one.event_id },
    { content: "two", eventId: two.event_id },
  ]);
  expect(store.eventsOf(roomId).map(({ seq }) => seq)).toEqual([1, 2, 3, 4, 5]);
});

test("a transaction that comes again, whole or in part, changes nothing", async () => {
  const { store, take, text } = await setUp();
  const events = [text("one"), text("two")];
  await take(...events);
  const before = store.eventsOf(roomId);
  await take(...events);
  await take(events[1]);
  await take(events[0], events[0]);
  expect(store.eventsOf(roomId)).toEqual(before);
});

test("the same transaction at two nodes at once is taken once", async () => {
  const one = await setUp();
  const other = createBridge(one.store);
  const events = Array.from({ length: 50 }, (_, index) => one.text(`message ${index}`));
  await Promise.all([one.take(...events), other.ingest.take({ events })]);
  expect(await contents(one.store)).toEqual(events.map((_, index) => `message ${index}`));
  const { lastSeq = 0 } = one.store.room(roomId) ?? {};
  expect(one.store.eventsOf(roomId).map(({ seq }) => seq)).toEqual(
    Array.from({ length: lastSeq }, (_, index) => index + 1),
  );
});

test("one transaction resolves its rooms and users in one call of the store", async () => {
  const { store, text, take } = await setUp();
  const before = store.calls.get("bridge") ?? 0;
  await take(...Array.from({ length: 100 }, () => text("hello", BEN)));
  expect((store.calls.get("bridge") ?? 0) - before).toBe(1);
});

test("more events than the writer takes at once all arrive", async () => {
  const { store, text, take } = await setUp();
  await take(...Array.from({ length: 1100 }, () => text("hello")));
  expect(store.room(roomId)?.messageCount).toBe(1100);
});

test("an invalid item is skipped and counted, and its neighbours arrive", async () => {
  const { seen, take, text, warnings } = await setUp();
  await take(null, text("one"), { type: "m.room.message" }, 7, text("two"), []);
  expect((await seen()).map(({ content }) => content)).toEqual(["one", "two"]);
  expect(warnings).toEqual([{ skipped: 4 }]);
});

test.each([null, [], "text", 7, {}, { events: null }, { events: {} }, { events: [], ephemeral: "x" }])(
  "a transaction of %j is ingested, and changes nothing",
  async (body) => {
    const { ingest, store } = await setUp();
    const before = store.room(roomId);
    await ingest.take(body);
    expect(store.room(roomId)).toEqual(before);
  },
);

test("while the store is away a transaction is refused, and taken when it comes again", async () => {
  const { seen, store, take, text } = await setUp();
  const event = text("one");
  store.away = true;
  await expect(take(event)).rejects.toMatchObject({ code: "unavailable" });
  store.away = false;
  await take(event);
  expect(await seen()).toHaveLength(1);
});

test("an event that the store refuses is skipped, and logged by its ids alone", async () => {
  const { seen, store, take, text, warnings } = await setUp();
  store.beforeWrite = ({ messages }) => {
    if (messages.some(({ content }) => content === "poison")) throw new Error("cannot store poison");
  };
  const poison = text("poison");
  await take(text("one"), poison, text("two"));
  expect((await seen()).map(({ content }) => content)).toEqual(["one", "two"]);
  expect(warnings).toEqual([{ eventId: poison.event_id, roomId: ROOM, type: "m.room.message", error: "Error" }]);
});

test("ids that the store refuses do not stop other events", async () => {
  const { ingest, seen, store, text } = await setUp();
  const bridge = store.bridge.bind(store);
  store.bridge = (rooms, users) =>
    users.some(({ matrixUserId }) => matrixUserId === "@poison:matrix.example")
      ? Promise.reject(new TypeError("no such id"))
      : bridge(rooms, users);
  const ephemeral = [{ type: "m.receipt", room_id: ROOM, content: {} }];
  await ingest.take({ events: [text("one"), text("x", "@poison:matrix.example"), text("two")], ephemeral });
  expect((await seen()).map(({ content }) => content)).toEqual(["one", "two"]);
});

test("a sender without a known join becomes a member", async () => {
  const { store, take, text } = await setUp();
  await take(text("hello", "@new:matrix.example"));
  expect(typesOf(store).slice(-2)).toEqual(["USER_JOIN", "SEND_MSG"]);
});

test("a knock makes no member", async () => {
  const { fake, store, take } = await setUp();
  const stranger = "@stranger:matrix.example";
  await take(fake.say(ROOM, "m.room.member", stranger, { membership: "knock" }, { state_key: stranger }));
  expect(store.room(roomId)?.memberCount).toBe(2);
});

test("a mapped user keeps their id and name here", async () => {
  const { fake, store, take, text } = await setUp();
  const cyd = "@cyd:matrix.example";
  await store.putUser("cyd", "Captain Cyd", cyd);
  const join = fake.say(ROOM, "m.room.member", cyd, { membership: "join", displayname: "Cyd" }, { state_key: cyd });
  await take(join, text("hello", cyd));
  expect((await store.users(["cyd"])).get("cyd")?.name).toBe("Captain Cyd");
  expect((await store.history(roomId, 1, null))[0]?.senderId).toBe("cyd");
});

test("edits, reactions and redactions do to a message what they do natively", async () => {
  const { fake, store, take, text } = await setUp();
  const message = text("When?");
  const relation = (rel_type: string, more: Json = {}) => ({
    "m.relates_to": { rel_type, event_id: message.event_id, ...more },
  });
  const edit = text("* When today?", ADA, {
    "m.new_content": { msgtype: "m.text", body: "When today?" },
    ...relation("m.replace"),
  });
  const reaction = fake.say(ROOM, "m.reaction", BEN, relation("m.annotation", { key: "👍" }));
  await take(message, edit, reaction);
  const [row] = await store.history(roomId, 1, null);
  expect(row).toMatchObject({ content: "When today?", type: "m.text", reactions: [{ reaction: "👍", senderId: ben }] });
  await take(fake.say(ROOM, "m.room.redaction", ADA, { redacts: edit.event_id }));
  expect((await store.history(roomId, 1, null))[0]).toMatchObject({ content: "When?", editedAt: null });
  await take(fake.say(ROOM, "m.room.redaction", BEN, { redacts: reaction.event_id }));
  await take(fake.say(ROOM, "m.room.redaction", ADA, { redacts: message.event_id }));
  expect((await store.history(roomId, 1, null))[0]).toMatchObject({ content: "", reactions: [], deletedBy: ada });
});

test("an event that comes redacted already makes the row of one that was redacted later", async () => {
  const [early, late] = [await setUp(), await setUp()];
  const message = late.text("A mistake");
  const redaction = late.fake.say(ROOM, "m.room.redaction", ADA, { redacts: message.event_id });
  await late.take(message, redaction);
  await early.take({ ...message, content: {}, unsigned: { redacted_because: redaction } }, redaction);
  const [one, other] = await Promise.all(
    [early, late].map(({ store }) => store.projections(ada, false, EVERYTHING, 9)),
  );
  expect(one?.map(withoutSeqs)).toEqual(other?.map(withoutSeqs));
  expect(one).toHaveLength(1);
});

const EVERYTHING = {
  ...{ roomId, type: null, hasFile: null, senderId: null, threadRoot: null },
  ...{ from: null, until: null, words: null, after: null },
};
const withoutSeqs = ({ seq: _, deleteSeq: __, ...row }: { seq: number; deleteSeq: number | null }) => row;

test("an event that is refused for another reason than an absent store is skipped", async () => {
  const { core, ingest, text, warnings } = await setUp();
  core.ingest = () => Promise.reject(new Problem("conflict", "no"));
  await ingest.take({ events: [text("one")] });
  expect(warnings).toMatchObject([{ error: "conflict" }]);
});
