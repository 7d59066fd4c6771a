import { afterEach, expect, test } from "vitest";
import { hold, openLoneNode, service, user } from "../testing/lone-node.fake.ts";
import { settled } from "../testing/manual-clock.fake.ts";
import type { RecordingSink } from "../testing/recording-sink.fake.ts";
import type { Hub } from "./hub.ts";

const open: Hub[] = [];

afterEach(async () => {
  for (const hub of open.splice(0)) await hub.close();
});

async function setUp() {
  const node = await openLoneNode();
  open.push(node.hub);
  return node;
}

const types = (sink: RecordingSink) => sink.events.map(({ type }) => type);

test("a first connection begins at the present: it gets the seqs of its rooms, and the events from there on", async () => {
  const { connect, roomOf, say } = await setUp();
  const room = await roomOf("ann", "ben");
  await say("ben", room);
  const { ready, sink } = await connect("ann");
  expect(ready.get(room)).toMatchObject({ seq: 2 });
  await say("ben", room);
  await settled();
  expect(sink.seqs(room)).toEqual([3]);
});

test("a message reaches all sessions in the room, the author's own included, and no other", async () => {
  const { connect, roomOf, say } = await setUp();
  const room = await roomOf("ann", "ben");
  const [phone, laptop, ben, eve] = [
    await connect("ann"),
    await connect("ann"),
    await connect("ben"),
    await connect("eve"),
  ];
  await say("ann", room);
  await settled();
  for (const { sink } of [phone, laptop, ben]) expect(sink.seqs(room)).toEqual([2]);
  expect(eve.sink.events).toEqual([]);
});

test("a resume brings exactly the events after its cursors", async () => {
  const { connect, roomOf, say } = await setUp();
  const [busy, quiet] = [await roomOf("ann"), await roomOf("ann")];
  for (let each = 0; each < 5; each++) await say("ann", busy);
  const { sink } = await connect("ann", { [busy]: 3 });
  expect(sink.seqs(busy)).toEqual([4, 5, 6]);
  expect(sink.seqs(quiet)).toEqual([]);
});

test("nothing is delivered to a session before it names its cursors", async () => {
  const { arrive, hub, roomOf, say, clock } = await setUp();
  const room = await roomOf("ann", "ben");
  const { sink, subscriber } = arrive("ann");
  const ready = await hub.joining.attach(subscriber);
  await say("ben", room);
  await clock.pass(3000);
  expect([...sink.events, ...sink.signals]).toEqual([]);
  await hub.joining.resumeFrom(subscriber, ready);
  expect(sink.seqs(room)).toEqual([2]);
});

test("a message whose hint is lost arrives within two seconds", async () => {
  const { clock, connect, network, roomOf, say } = await setUp();
  const room = await roomOf("ann", "ben");
  const { sink } = await connect("ann");
  network.loses = () => true;
  await say("ben", room);
  await clock.pass(2000);
  expect(sink.seqs(room)).toEqual([2]);
});

test("a message that is sent while the session attaches is neither lost nor doubled", async () => {
  const { arrive, connect, hub, roomOf, say, store } = await setUp();
  const room = await roomOf("ann", "ben");
  await connect("ben");
  const { sink, subscriber } = arrive("ann");
  const release = hold(store, "roomsOf");
  const attaching = hub.joining.attach(subscriber);
  await settled();
  await say("ben", room);
  release();
  const ready = await attaching;
  await say("ben", room);
  await hub.joining.resumeFrom(subscriber, null);
  await settled();
  expect(ready.get(room)?.seq).toBe(1);
  expect(sink.seqs(room)).toEqual([2, 3]);
});

test("a resume of a room that its user is not in gets a reset, and no event", async () => {
  const { connect, roomOf, say } = await setUp();
  const room = await roomOf("ben");
  await say("ben", room);
  const { sink } = await connect("eve", { [room]: 0 });
  await say("ben", room);
  await settled();
  expect(sink.resets).toEqual([{ roomId: room, reason: "not_member", seq: 0 }]);
  expect(sink.events).toEqual([]);
});

test("a resume from a seq above the room's gets a reset to the room's", async () => {
  const { connect, roomOf, say } = await setUp();
  const room = await roomOf("ann");
  const { sink } = await connect("ann", { [room]: 99 });
  await say("ann", room);
  await settled();
  expect(sink.resets).toEqual([{ roomId: room, reason: "too_old", seq: 1 }]);
  expect(sink.seqs(room)).toEqual([2]);
});

test("a resume of a room that was deleted meanwhile is its DELETE_CHAT alone", async () => {
  const { connect, roomOf, say, writer } = await setUp();
  const room = await roomOf("ann");
  await say("ann", room);
  await writer.deleteRoom(service, room);
  const { ready, subscriber, sink } = await connect("ann", { [room]: 1 });
  expect(ready.has(room)).toBe(false);
  expect(types(sink)).toEqual(["DELETE_CHAT"]);
  expect(subscriber.rooms.size).toBe(0);
});

test("a resume brings the receipts that changed meanwhile", async () => {
  const { connect, roomOf, say, writer } = await setUp();
  const room = await roomOf("ann", "ben");
  const { messageId } = JSON.parse(await say("ann", room)) as { messageId: string };
  await writer.act(user("ben"), { type: "READ_MSG", chatId: room, messageId });
  const { sink } = await connect("ann", { [room]: 1 });
  expect(sink.receipts()).toEqual([["ben", 2]]);
});

test("a receipt reaches a session once, by its hint or through the store", async () => {
  const { clock, connect, network, roomOf, say, writer } = await setUp();
  const room = await roomOf("ann", "ben");
  const { sink } = await connect("ann");
  for (const lost of [false, true]) {
    network.loses = () => lost;
    const { messageId } = JSON.parse(await say("ann", room)) as { messageId: string };
    await writer.act(user("ben"), { type: "READ_MSG", chatId: room, messageId });
    await clock.pass(5000);
  }
  expect(sink.receipts()).toEqual([
    ["ben", 2],
    ["ben", 3],
  ]);
});

test("a session that comes late receives the present typists", async () => {
  const { connect, roomOf, writer } = await setUp();
  const room = await roomOf("ann", "ben");
  await writer.act(user("ben"), { type: "TYPING", chatId: room });
  const { sink } = await connect("ann");
  await settled();
  expect(sink.typing()).toEqual([["ben", true]]);
});

test("a revocation reaches every session of the user, by its hint or through the store", async () => {
  const { clock, connect, network, writer } = await setUp();
  const [first, second, other] = [await connect("ann"), await connect("ann"), await connect("ben")];
  await writer.revoke("ann");
  await settled();
  expect([first, second, other].map(({ sink }) => sink.revocations.length)).toEqual([1, 1, 0]);
  network.loses = () => true;
  await writer.revoke("ben");
  await clock.pass(1000);
  expect(other.sink.revocations).toHaveLength(1);
});

test("a session that leaves while it attaches is in no room and keeps none open", async () => {
  const { arrive, clock, hub, roomOf, store } = await setUp();
  await roomOf("ann");
  const { subscriber } = arrive("ann");
  const release = hold(store, "roomsOf");
  const attaching = hub.joining.attach(subscriber);
  await settled();
  hub.leave(subscriber);
  release();
  await attaching;
  await clock.pass(1000);
  expect(subscriber.rooms.size).toBe(0);
  expect(hub.counts()).toMatchObject({ rooms: 0, users: 0 });
});

test("a session that leaves while it resumes gets nothing more and keeps no room open", async () => {
  const { arrive, clock, hub, roomOf, say, store } = await setUp();
  const room = await roomOf("ann");
  for (let each = 0; each < 5; each++) await say("ann", room);
  const { sink, subscriber } = arrive("ann");
  await hub.joining.attach(subscriber);
  const release = hold(store, "events");
  const resuming = hub.joining.resumeFrom(subscriber, new Map([[room, { seq: 1, mark: null }]]));
  await settled();
  hub.leave(subscriber);
  release();
  await resuming;
  await clock.pass(1000);
  expect([...sink.events, ...sink.signals]).toEqual([]);
  expect(hub.counts()).toMatchObject({ rooms: 0, users: 0 });
});

test("a session that cannot attach because the store is away keeps nothing open", async () => {
  const { arrive, clock, hub, store } = await setUp();
  store.away = true;
  const { subscriber } = arrive("ann");
  await expect(hub.joining.attach(subscriber)).rejects.toMatchObject({ code: "unavailable" });
  hub.leave(subscriber);
  await clock.pass(1000);
  expect(hub.counts()).toMatchObject({ rooms: 0, users: 0 });
});

test("a room stays subscribed for a second after its last session, so that a page reload finds it warm", async () => {
  const { clock, connect, hub, roomOf } = await setUp();
  await roomOf("ann");
  const { subscriber } = await connect("ann");
  hub.leave(subscriber);
  await clock.pass(999);
  expect(hub.counts()).toMatchObject({ rooms: 1, users: 1 });
  await clock.pass(1);
  expect(hub.counts()).toMatchObject({ rooms: 0, users: 0 });
});

test("an engine that is away does not stop a session: it attaches after a second, and the store brings the rest", async () => {
  const { arrive, clock, engine, hub, roomOf, say } = await setUp();
  const room = await roomOf("ann");
  engine.pubSub.subscribe = () => new Promise(() => undefined);
  engine.pubSub.publish = () => undefined;
  const { sink, subscriber } = arrive("ann");
  const attaching = hub.joining.attach(subscriber);
  await clock.pass(3000);
  await attaching;
  const resuming = hub.joining.resumeFrom(subscriber, null);
  await clock.pass(1000);
  await resuming;
  await say("ann", room);
  await clock.pass(2000);
  expect(sink.seqs(room)).toEqual([2]);
});

test("a reconnect storm reads each page of a room once", async () => {
  const { connect, roomOf, say, store } = await setUp();
  const names = Array.from({ length: 50 }, (_, index) => `user${index}`);
  const room = await roomOf(...names);
  for (let each = 0; each < 100; each++) await say("user0", room);
  const sessions = await Promise.all(names.map((name, index) => connect(name, { [room]: index })));
  for (const [index, { sink }] of sessions.entries()) expect(sink.seqs(room)).toHaveLength(101 - index);
  expect(store.calls.get("events")).toBeLessThanOrEqual(2);
});

// Clients read receipts of the time before READY after it: a first connection brings none.
test("a receipt that changes between READY and the first event is not lost", async () => {
  const { arrive, clock, connect, hub, roomOf, say, writer } = await setUp();
  const room = await roomOf("ann", "ben");
  await connect("ben");
  const { messageId } = JSON.parse(await say("ann", room)) as { messageId: string };
  await settled();
  const { sink, subscriber } = arrive("ann");
  await hub.joining.attach(subscriber);
  await writer.act(user("ben"), { type: "READ_MSG", chatId: room, messageId });
  await settled();
  await hub.joining.resumeFrom(subscriber, null);
  await clock.pass(3000);
  expect(sink.receipts()).toEqual([["ben", 2]]);
});
