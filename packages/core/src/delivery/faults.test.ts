/** A defect in one piece of work is reported once, ends the sessions that it concerns, and they resume. */
import { Problem } from "@signalbox/protocol/errors";
import { afterEach, expect, test } from "vitest";
import { openLoneNode } from "../testing/lone-node.fake.ts";
import { settled } from "../testing/manual-clock.fake.ts";
import { RecordingSink } from "../testing/recording-sink.fake.ts";
import type { Hub } from "./hub.ts";
import { createSubscriber } from "./subscriber.ts";

const opened: Hub[] = [];
afterEach(async () => {
  for (const hub of opened.splice(0)) await hub.close();
});

async function openNode() {
  const node = await openLoneNode();
  opened.push(node.hub);
  return node;
}

/** Has the next call of `method` reject with a defect; returns the error. */
function breakOnce<Name extends string>(target: { [N in Name]: (...args: never[]) => Promise<unknown> }, method: Name) {
  const error = new TypeError("a defect");
  const original = target[method];
  target[method] = (() => {
    target[method] = original;
    return Promise.reject(error);
  }) as (typeof target)[Name];
  return error;
}

test("a defect in a read of the outbox is reported, ends every session, and fails the node until the next answer", async () => {
  const { clock, connect, faults, hub, roomOf, store } = await openNode();
  await roomOf("ann", "ben");
  const [ann, ben] = [await connect("ann"), await connect("ben")];
  const error = breakOnce(store, "outbox");
  await clock.pass(1000);
  expect(faults.reports).toEqual([{ place: "outbox", error }]);
  expect([ann.sink.failures, ben.sink.failures]).toEqual([1, 1]);
  expect(hub.failing()).toBe(true);
  await clock.pass(1000);
  expect(faults.reports).toHaveLength(1);
  expect(hub.failing()).toBe(false);
});

test("what a fault lost is taken with the next answer", async () => {
  const { clock, connect, faults, network, roomOf, say, store } = await openNode();
  const chatId = await roomOf("ann", "ben");
  const ann = await connect("ann");
  network.loses = () => true;
  await say("ben", chatId);
  breakOnce(store, "outbox");
  await clock.pass(1000);
  expect([faults.places(), ann.sink.seqs(chatId)]).toEqual([["outbox"], []]);
  await clock.pass(1100);
  expect(ann.sink.seqs(chatId)).toEqual([2]);
});

test("a defect in a replay's read is reported, ends that session alone, and a resume brings everything", async () => {
  const { clock, connect, faults, roomOf, say, store } = await openNode();
  const chatId = await roomOf("ann", "ben");
  for (let count = 0; count < 3; count++) await say("ben", chatId);
  const ben = await connect("ben");
  const error = breakOnce(store, "events");
  const ann = await connect("ann", { [chatId]: 1 });
  expect(faults.reports).toEqual([{ place: "replay", error }]);
  expect([ann.sink.failures, ben.sink.failures]).toEqual([1, 0]);
  await clock.pass(10_000);
  expect(ann.sink.events).toEqual([]);
  const resumed = await connect("ann", { [chatId]: 1 });
  expect(resumed.sink.seqs(chatId)).toEqual([2, 3, 4]);
  expect(faults.reports).toHaveLength(1);
});

test("a defect in a presence read is reported, ends the room's sessions, and a resume brings the presence", async () => {
  const { clock, connect, engine, faults, roomOf } = await openNode();
  await roomOf("ann", "ben");
  await connect("ben");
  await clock.pass(2000);
  const other = await roomOf("ann", "cleo");
  await connect("cleo");
  const error = breakOnce(engine.presence, "read");
  const ann = await connect("ann");
  await settled();
  expect(faults.reports).toMatchObject([{ error }]);
  expect(ann.sink.failures).toBeGreaterThan(0);
  await clock.pass(2000);
  const resumed = await connect("ann", { [other]: 1 });
  expect(resumed.sink.presence()).toContainEqual(["cleo", "online"]);
  expect(faults.reports).toHaveLength(1);
});

test("a defect in the repair of a gap is reported and ends the room's sessions; the gap is repaired with the next attempt", async () => {
  const { clock, connect, faults, network, roomOf, say, store } = await openNode();
  const chatId = await roomOf("ann", "ben");
  const ann = await connect("ann");
  network.loses = () => true;
  await say("ben", chatId);
  network.loses = () => false;
  breakOnce(store, "events");
  await say("ben", chatId);
  await clock.pass(20);
  expect([faults.places(), ann.sink.failures]).toEqual([["sequence"], 1]);
  await clock.pass(1000);
  expect(ann.sink.seqs(chatId)).toEqual([2, 3]);
});

test("a defect in the counts of a notification is reported, and the next message notifies", async () => {
  const { clock, connect, faults, roomOf, say, store } = await openNode();
  const chatId = await roomOf("ann", "ben");
  const ann = await connect("ann");
  const error = breakOnce(store, "counts");
  await say("ben", chatId);
  await settled();
  expect(faults.reports).toEqual([{ place: "notification", error }]);
  await clock.pass(2000);
  await say("ben", chatId);
  await clock.pass(2000);
  const kinds = ann.sink.signals.map(({ about }) => about.kind);
  expect(kinds).toContain("notification");
});

test("a store and an engine that are away are no faults: nothing is reported, and no session ends", async () => {
  const { clock, connect, engine, faults, roomOf, say, store } = await openNode();
  const chatId = await roomOf("ann", "ben");
  const ann = await connect("ann");
  const away = () => Promise.reject(new Problem("unavailable", "away"));
  const [outbox, heads, events, counts, read] = [
    store.outbox,
    store.heads,
    store.events,
    store.counts,
    engine.presence.read,
  ];
  Object.assign(store, { outbox: away, heads: away, events: away, counts: away });
  engine.presence.read = away;
  await clock.pass(10_000);
  Object.assign(store, { outbox, heads, events, counts });
  engine.presence.read = read;
  await say("ben", chatId);
  await clock.pass(3000);
  expect([faults.places(), ann.sink.failures, ann.sink.seqs(chatId)]).toEqual([[], 0, [2]]);
});

test("after a defect in a presence read, a service may listen in a room without members as soon as the read works", async () => {
  const { clock, faults, hub, roomOf, store } = await openNode();
  const chatId = await roomOf();
  const listen = async () => {
    const sink = new RecordingSink("service");
    const subscriber = createSubscriber(sink, chatId);
    await hub.joining.attach(subscriber, true);
    await hub.joining.resumeFrom(subscriber, null);
    await settled();
    return sink;
  };
  breakOnce(store, "membersOf");
  const first = await listen();
  expect([faults.places(), first.failures > 0]).toEqual([["presence"], true]);
  await clock.pass(1500);
  expect([(await listen()).failures, faults.places()]).toEqual([0, ["presence"]]);
});
