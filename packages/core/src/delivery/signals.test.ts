/** Presence and typing as sessions receive them, to the millisecond: one node under a manual clock. */
import { afterEach, expect, test } from "vitest";
import { openLoneNode, user } from "../testing/lone-node.fake.ts";
import { settled } from "../testing/manual-clock.fake.ts";
import type { RecordingSink } from "../testing/recording-sink.fake.ts";
import type { Hub } from "./hub.ts";

const open: Hub[] = [];
afterEach(async () => {
  for (const hub of open.splice(0)) await hub.close();
});

/** The time between two renewals of a lease; changes that are due are announced then. */
const BEAT_MS = 4000 / 3;
const MINUTE_MS = 60_000;

async function setUp() {
  const node = await openLoneNode();
  open.push(node.hub);
  const type = async (userId: string, chatId: string) => {
    await node.writer.act(
      { ...user(userId), hidden: node.hub.appearsOffline(userId) },
      { type: "TYPING", chatId },
      true,
    );
    await settled();
  };
  return { ...node, type };
}

const statuses = (sink: RecordingSink, of: string) =>
  sink.presence().flatMap(([userId, status]) => (userId === of ? [status] : []));

test("a user that comes and goes is announced once to each user in a shared room, and to no other", async () => {
  const { clock, connect, hub, roomOf } = await setUp();
  await roomOf("ann", "ben");
  await roomOf("ann", "ben", "cleo");
  const [ben, cleo, eve] = [await connect("ben"), await connect("cleo"), await connect("eve")];
  const ann = await connect("ann");
  await settled();
  hub.leave(ann.subscriber);
  await clock.pass(4999);
  for (const { sink } of [ben, cleo]) expect(statuses(sink, "ann")).toEqual(["online"]);
  await clock.pass(1 + BEAT_MS);
  for (const { sink } of [ben, cleo]) expect(statuses(sink, "ann")).toEqual(["online", "offline"]);
  expect(statuses(eve.sink, "ann")).toEqual([]);
});

test("a page reload is not announced, nor the end of one session of several", async () => {
  const { clock, connect, hub, roomOf } = await setUp();
  await roomOf("ann", "ben");
  const ben = await connect("ben");
  const phone = await connect("ann");
  hub.leave(phone.subscriber);
  await clock.pass(4000);
  const laptop = await connect("ann");
  const tablet = await connect("ann");
  hub.leave(laptop.subscriber);
  await clock.pass(MINUTE_MS);
  expect(statuses(ben.sink, "ann")).toEqual(["online"]);
  hub.leave(tablet.subscriber);
  await clock.pass(10_000);
  expect(statuses(ben.sink, "ann")).toEqual(["online", "offline"]);
});

test("a new session receives the users online; a returning one also those that went offline meanwhile", async () => {
  const { clock, connect, hub, roomOf } = await setUp();
  const room = await roomOf("ann", "ben", "cleo");
  const ann = await connect("ann");
  await connect("ben");
  hub.leave(ann.subscriber);
  await clock.pass(10_000);
  const [fresh, back] = [await connect("cleo"), await connect("cleo", { [room]: 1 })];
  expect(statuses(fresh.sink, "ben")).toEqual(["online"]);
  expect(statuses(fresh.sink, "ann")).toEqual([]);
  expect(statuses(back.sink, "ann")).toEqual(["offline"]);
});

test("a user without activity for 5 minutes is idle, and online again with the next activity", async () => {
  const { clock, connect, hub, roomOf } = await setUp();
  await roomOf("ann", "ben");
  const ben = await connect("ben");
  await connect("ann");
  await clock.pass(3 * MINUTE_MS);
  hub.active("ann");
  await clock.pass(5 * MINUTE_MS - 1);
  expect(statuses(ben.sink, "ann")).toEqual(["online"]);
  await clock.pass(1 + BEAT_MS);
  expect(statuses(ben.sink, "ann")).toEqual(["online", "idle"]);
  hub.active("ann");
  await clock.pass(BEAT_MS);
  expect(statuses(ben.sink, "ann")).toEqual(["online", "idle", "online"]);
});

test("a user that appears offline is offline to others after the grace, and appear_offline on every own device at once", async () => {
  const { clock, connect, presence, roomOf } = await setUp();
  await roomOf("ann", "ben");
  const ben = await connect("ben");
  const [phone, laptop] = [await connect("ann"), await connect("ann")];
  await settled();
  await presence.choose("ann", "appear_offline");
  await settled();
  for (const { sink } of [phone, laptop]) expect(statuses(sink, "ann").at(-1)).toBe("appear_offline");
  await clock.pass(4999);
  expect(statuses(ben.sink, "ann")).toEqual(["online"]);
  await clock.pass(1 + BEAT_MS);
  expect(statuses(ben.sink, "ann")).toEqual(["online", "offline"]);
  await connect("ann");
  await presence.choose("ann", "busy");
  await settled();
  expect(statuses(ben.sink, "ann")).toEqual(["online", "offline", "busy"]);
});

test("typing of a user that appears offline is not published, and earlier typing ends at once", async () => {
  const { clock, connect, presence, roomOf, type } = await setUp();
  const room = await roomOf("ann", "ben");
  const ben = await connect("ben");
  await connect("ann");
  await type("ann", room);
  await presence.choose("ann", "appear_offline");
  await settled();
  await type("ann", room);
  await clock.pass(1000);
  expect(ben.sink.typing()).toEqual([
    ["ann", true],
    ["ann", false],
  ]);
});

test("typing ends exactly 4 s after its last refresh, and a refresh is not sent", async () => {
  const { clock, connect, roomOf, type } = await setUp();
  const room = await roomOf("ann", "ben");
  const ben = await connect("ben");
  await connect("ann");
  for (let refresh = 0; refresh < 3; refresh++) {
    await type("ann", room);
    await clock.pass(3999);
  }
  expect(ben.sink.typing()).toEqual([["ann", true]]);
  await clock.pass(1);
  expect(ben.sink.typing()).toEqual([
    ["ann", true],
    ["ann", false],
  ]);
});

test("typing ends with the last session, not with one of several", async () => {
  const { connect, hub, roomOf, type } = await setUp();
  const room = await roomOf("ann", "ben");
  const ben = await connect("ben");
  const [phone, laptop] = [await connect("ann"), await connect("ann")];
  await type("ann", room);
  hub.leave(phone.subscriber);
  await settled();
  expect(ben.sink.typing()).toEqual([["ann", true]]);
  hub.leave(laptop.subscriber);
  await settled();
  expect(ben.sink.typing()).toEqual([
    ["ann", true],
    ["ann", false],
  ]);
});

test("a user that joins a room receives its members' presence, and its members theirs, without reconnecting", async () => {
  const { connect, roomOf, writer } = await setUp();
  const room = await roomOf("ann");
  const [ann, ben] = [await connect("ann"), await connect("ben")];
  await writer.putMember(user("ann"), room, "ben", undefined);
  await settled();
  await settled();
  expect(statuses(ann.sink, "ben")).toEqual(["online"]);
  expect(statuses(ben.sink, "ann")).toEqual(["online"]);
});

test("while the registry is away no user goes offline, and a departure meanwhile is announced after its return", async () => {
  const { clock, connect, engine, hub, roomOf } = await setUp();
  await roomOf("ann", "ben", "cleo");
  const ben = await connect("ben");
  await connect("ann");
  const cleo = await connect("cleo");
  const { renew, leave, settle, read } = engine.presence;
  const away = () => Promise.reject(new Error("away"));
  Object.assign(engine.presence, { renew: away, leave: away, settle: away, read: away });
  hub.leave(cleo.subscriber);
  await clock.pass(20_000);
  expect([...statuses(ben.sink, "ann"), ...statuses(ben.sink, "cleo")]).toEqual(["online", "online"]);
  Object.assign(engine.presence, { renew, leave, settle, read });
  await clock.pass(15_000);
  expect(statuses(ben.sink, "ann")).toEqual(["online"]);
  expect(statuses(ben.sink, "cleo")).toEqual(["online", "offline"]);
});
