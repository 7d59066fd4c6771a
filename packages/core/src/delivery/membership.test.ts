import { afterEach, expect, test } from "vitest";
import { encodeJoinedFrame, encodeTypingFrame } from "../ports/engine-frames.ts";
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

/** Signals aside from the user's own presence, which every session receives. */
const ofRooms = (sink: RecordingSink) => sink.signals.filter(({ roomId }) => roomId !== null);
const types = (sink: RecordingSink) => sink.events.map(({ type }) => type);

test("an added user receives events from the USER_JOIN on, without reconnecting", async () => {
  const { connect, roomOf, say, writer } = await setUp();
  const room = await roomOf("ben");
  await say("ben", room);
  const { sink } = await connect("ann");
  await writer.putMember(user("ben"), room, "ann", undefined);
  await settled();
  await say("ben", room);
  await settled();
  expect(sink.seqs(room)).toEqual([3, 4]);
  expect(types(sink)).toEqual(["USER_JOIN", "SEND_MSG"]);
});

test("a session that waits to resume while its user is added receives events from the USER_JOIN on", async () => {
  const { arrive, hub, roomOf, say, writer } = await setUp();
  const room = await roomOf("ben");
  const { sink, subscriber } = arrive("ann");
  await hub.joining.attach(subscriber);
  await writer.putMember(user("ben"), room, "ann", undefined);
  await settled();
  await say("ben", room);
  await hub.joining.resumeFrom(subscriber, new Map());
  expect(sink.seqs(room)).toEqual([2, 3]);
});

test("a new room reaches its members as NEW_CHAT", async () => {
  const { connect, roomOf } = await setUp();
  const { sink } = await connect("ann");
  const room = await roomOf("ann", "ben");
  await settled();
  expect(types(sink)).toEqual(["NEW_CHAT"]);
  expect(sink.seqs(room)).toEqual([1]);
});

test("a join whose hints are lost is found within two seconds", async () => {
  const { clock, connect, network, roomOf } = await setUp();
  const { sink } = await connect("ann");
  network.loses = () => true;
  await roomOf("ann");
  await clock.pass(2000);
  expect(types(sink)).toEqual(["NEW_CHAT"]);
});

test("a join that the store cannot confirm at first is confirmed later", async () => {
  const { clock, connect, roomOf, store } = await setUp();
  const { sink } = await connect("ann");
  const room = await roomOf("ben", "ann");
  store.away = true;
  await clock.pass(500);
  store.away = false;
  await clock.pass(3000);
  expect(sink.seqs(room)).toEqual([1]);
});

test("a hint alone lets no session in", async () => {
  const { connect, engine, roomOf, say } = await setUp();
  const room = await roomOf("ben");
  const { sink } = await connect("eve");
  engine.pubSub.publish({ kind: "user", id: "eve" }, encodeJoinedFrame(room, 1));
  await settled();
  await say("ben", room);
  engine.pubSub.publish({ kind: "room", id: room }, encodeTypingFrame("ben", 4000));
  await settled();
  expect([...sink.events, ...ofRooms(sink)]).toEqual([]);
});

test("a removed user receives the USER_LEAVE, and nothing after it", async () => {
  const { connect, roomOf, say, writer } = await setUp();
  const room = await roomOf("ann", "ben");
  const { sink } = await connect("ann");
  await writer.removeMember(service, room, "ann");
  await say("ben", room);
  await settled();
  expect(types(sink)).toEqual(["USER_LEAVE"]);
});

test("without the hint, a removed user receives the USER_LEAVE within two seconds, and no signal after it", async () => {
  const { clock, connect, engine, network, roomOf, writer } = await setUp();
  const room = await roomOf("ann", "ben");
  const { sink } = await connect("ann");
  network.loses = ({ kind }) => kind === "room";
  await writer.removeMember(service, room, "ann");
  await clock.pass(2000);
  network.loses = () => false;
  engine.pubSub.publish({ kind: "room", id: room }, encodeTypingFrame("ben", 4000));
  await settled();
  expect(types(sink)).toEqual(["USER_LEAVE"]);
  expect(ofRooms(sink)).toEqual([]);
});

test("a removal that is delivered while the session attaches is its last event", async () => {
  const { arrive, connect, hub, roomOf, say, store, writer } = await setUp();
  const room = await roomOf("ann", "ben");
  await connect("ben");
  const { sink, subscriber } = arrive("ann");
  const release = hold(store, "roomsOf");
  const attaching = hub.joining.attach(subscriber);
  await settled();
  await writer.removeMember(service, room, "ann");
  await say("ben", room);
  await settled();
  release();
  const ready = await attaching;
  await hub.joining.resumeFrom(subscriber, null);
  await say("ben", room);
  await settled();
  expect(ready.get(room)?.seq).toBe(1);
  expect(types(sink)).toEqual(["USER_LEAVE"]);
});

test("a removal that is delivered during the confirmation of a join stays", async () => {
  const { connect, hub, roomOf, say, store, writer } = await setUp();
  const room = await roomOf("ben");
  await connect("ben");
  const { sink, subscriber } = await connect("ann");
  const release = hold(store, "resumable");
  await writer.putMember(service, room, "ann", undefined);
  await settled();
  await writer.removeMember(service, room, "ann");
  await settled();
  release();
  await settled();
  await say("ben", room);
  await settled();
  expect(types(sink)).toEqual(["USER_JOIN", "USER_LEAVE"]);
  expect(subscriber.rooms.size).toBe(0);
  expect(hub.counts().rooms).toBe(1);
});

test("a late hint of an earlier join brings nothing twice", async () => {
  const { clock, connect, engine, network, roomOf, writer } = await setUp();
  const room = await roomOf("ann", "ben");
  const { sink } = await connect("ann", { [await roomOf("ben")]: 0, [room]: 0 });
  await writer.removeMember(service, room, "ann");
  await settled();
  network.loses = () => true;
  await writer.putMember(service, room, "ann", undefined);
  network.loses = () => false;
  engine.pubSub.publish({ kind: "user", id: "ann" }, encodeJoinedFrame(room, 1));
  await clock.pass(3000);
  expect(sink.seqs(room)).toEqual([1, 2, 3]);
});

test("a user that is removed and added again receives events from the second USER_JOIN on", async () => {
  const { connect, roomOf, say, writer } = await setUp();
  const room = await roomOf("ann", "ben");
  const { sink } = await connect("ann");
  await writer.removeMember(service, room, "ann");
  await say("ben", room);
  await writer.putMember(service, room, "ann", undefined);
  await say("ben", room);
  await settled();
  expect(sink.seqs(room)).toEqual([2, 4, 5]);
});

test("a user that is removed and added again during the read of the first join receives both stays, in order, once", async () => {
  const { connect, network, roomOf, say, store, writer } = await setUp();
  const room = await roomOf("ben");
  const { sink } = await connect("ann");
  const release = hold(store, "resumable");
  await writer.putMember(service, room, "ann", undefined);
  await settled();
  await say("ben", room);
  network.loses = ({ kind }) => kind === "user";
  await writer.removeMember(service, room, "ann");
  await say("ben", room);
  await writer.putMember(service, room, "ann", undefined);
  await say("ben", room);
  release();
  await settled();
  await say("ben", room);
  await settled();
  expect(sink.seqs(room)).toEqual([2, 3, 4, 6, 7, 8]);
});

test("a resume over a removal and a return leaves out the messages between them", async () => {
  const { connect, roomOf, say, writer } = await setUp();
  const room = await roomOf("ann", "ben");
  await writer.removeMember(service, room, "ann");
  await say("ben", room);
  await writer.putMember(service, room, "ann", undefined);
  const { sink } = await connect("ann", { [room]: 1 });
  await say("ben", room);
  await settled();
  expect(sink.seqs(room)).toEqual([2, 4, 5]);
});

test("a late hint of an earlier join does not bring the messages between a removal and the return", async () => {
  const { clock, connect, engine, network, roomOf, say, writer } = await setUp();
  const room = await roomOf("ben");
  const { sink } = await connect("ann");
  await connect("ben");
  await writer.putMember(service, room, "ann", undefined);
  await settled();
  await writer.removeMember(service, room, "ann");
  await say("ben", room);
  await settled();
  network.loses = () => true;
  await writer.putMember(service, room, "ann", undefined);
  network.loses = () => false;
  engine.pubSub.publish({ kind: "user", id: "ann" }, encodeJoinedFrame(room, 2));
  await settled();
  await clock.pass(2000);
  expect(sink.seqs(room)).toEqual([2, 3, 5]);
});
