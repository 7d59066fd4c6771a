/** Publications that are lost: through the outbox they arrive within two seconds; by audits, when nobody noticed. */
import { afterEach, describe, expect, test } from "vitest";
import type { PubSubListener } from "../ports/pub-sub.ts";
import { openLoneNode, service, user } from "../testing/lone-node.fake.ts";
import { settled } from "../testing/manual-clock.fake.ts";
import type { Hub } from "./hub.ts";

/** Two rounds of the rolling audit: a room may be opened just after one has begun. */
const TWO_ROUNDS_MS = 10 * 60_000 + 5_000;

const open: Hub[] = [];

afterEach(async () => {
  for (const hub of open.splice(0)) await hub.close();
});

type Node = Awaited<ReturnType<typeof openLoneNode>>;

async function setUp(): Promise<Node> {
  const node = await openLoneNode();
  open.push(node.hub);
  return node;
}

const idOf = (event: string) => (JSON.parse(event) as { messageId: string }).messageId;
const kinds = ({ sink }: Awaited<ReturnType<Node["connect"]>>, kind: string) =>
  sink.signals.filter(({ about }) => about.kind === kind);

/** Has the engine report the room's channel as restored, to the listener that the hub gave it. */
function restore({ pubSub }: Node["engine"], id: string): void {
  (pubSub as unknown as { readonly listener: PubSubListener }).listener.restored([{ kind: "room", id }]);
}

/** Each durable thing that is published: what a session of Ann gets of it after `pass`, once. */
async function check(node: Node, lose: (lost: boolean) => void, pass: () => Promise<void>): Promise<void> {
  const { connect, roomOf, say, writer, store } = node;
  const room = await roomOf("ann", "ben");
  const ann = await connect("ann");
  const [first, second] = [idOf(await say("ben", room)), idOf(await say("ben", room))];
  await settled();
  expect(ann.sink.seqs(room)).toEqual([2, 3]);
  lose(true);
  const third = idOf(await say("ben", room));
  await writer.act(user("ben"), { type: "READ_MSG", chatId: room, messageId: third });
  await writer.setMarker(user("ann"), room, second);
  await writer.setMarker(user("ann"), room, first);
  await writer.revoke("ann");
  const other = await roomOf("ann", "ben");
  await writer.removeMember(service, room, "ben");
  await settled();
  expect([ann.sink.seqs(room), ann.sink.receipts(), ann.sink.revocations, ann.sink.seqs(other)]).toEqual([
    [2, 3],
    [],
    [],
    [],
  ]);
  await pass();
  expect(ann.sink.seqs(room)).toEqual([2, 3, 4, 5]);
  expect(ann.sink.receipts()).toEqual([["ben", 4]]);
  // The marker moved backwards at last: the one that it was in between comes no more.
  expect(kinds(ann, "marker").map(({ about }) => about)).toEqual([{ kind: "marker", messageId: first }]);
  expect(ann.sink.revocations.at(0)).toEqual((await store.users(["ann"])).get("ann")?.revokedAt);
  expect(ann.sink.seqs(other)).toEqual([1]);
}

describe("a publication that the engine does not confirm", () => {
  test("arrives within two seconds, of every kind", async () => {
    const node = await setUp();
    const lose = (lost: boolean) => (node.network.loses = () => lost);
    await check(node, lose, () => node.clock.pass(2000));
  });

  test("arrives also while the engine stays away", async () => {
    const { clock, connect, network, roomOf, say } = await setUp();
    const room = await roomOf("ann", "ben");
    const { sink } = await connect("ann");
    network.loses = () => true;
    for (let each = 0; each < 40; each++) {
      await say("ben", room);
      await clock.pass(500);
    }
    await clock.pass(2000);
    expect(sink.seqs(room)).toEqual(Array.from({ length: 40 }, (_, index) => index + 2));
  });

  test("costs one row for all commands of a group, and the row is read once", async () => {
    const { clock, connect, network, roomOf, say, store } = await setUp();
    const room = await roomOf("ann", "ben");
    await connect("ann");
    await clock.pass(1000);
    network.loses = () => true;
    await Promise.all(Array.from({ length: 20 }, () => say("ben", room)));
    await clock.pass(5000);
    expect((await store.outbox(new Date(0), [], 100)).rows).toHaveLength(1);
    const read = store.calls.get("events");
    await clock.pass(5000);
    expect(store.calls.get("events")).toBe(read);
  });

  test("a hidden receipt reaches the user's own sessions, and an older one does not come after a newer one", async () => {
    const { clock, connect, network, presence, roomOf, say, writer } = await setUp();
    const room = await roomOf("ann", "ben");
    const [ann, ben] = [await connect("ann"), await connect("ben")];
    await presence.choose("ann", "appear_offline");
    const [first, second] = [idOf(await say("ben", room)), idOf(await say("ben", room))];
    network.loses = () => true;
    await writer.act(user("ann"), { type: "READ_MSG", chatId: room, messageId: first });
    network.loses = () => false;
    await writer.act(user("ann"), { type: "READ_MSG", chatId: room, messageId: second });
    await clock.pass(2000);
    expect(ann.sink.receipts()).toEqual([["ann", 3]]);
    expect(ben.sink.receipts()).toEqual([]);
    await presence.choose("ann", "online");
    await clock.pass(2000);
    expect(ben.sink.receipts()).toEqual([["ann", 3]]);
  });
});

test("a choice reaches the registry through the outbox when the node that took it could not send it", async () => {
  const { clock, connect, engine, presence, store } = await setUp();
  await connect("ann");
  await clock.pass(1000);
  const choose = engine.presence.choose.bind(engine.presence);
  engine.presence.choose = () => Promise.reject(new TypeError("lost"));
  await presence.choose("ann", "busy");
  engine.presence.choose = choose;
  expect((await store.users(["ann"])).get("ann")?.choice).toBe("busy");
  await clock.pass(2000);
  expect((await engine.presence.read(["ann"])).get("ann")?.own).toBe("busy");
});

describe("a publication that is lost in silence", () => {
  test("is found by the rolling audit, of every kind", async () => {
    const node = await setUp();
    const lose = (lost: boolean) => (node.network.swallows = () => lost);
    await check(node, lose, () => node.clock.pass(TWO_ROUNDS_MS));
    expect((await node.store.outbox(new Date(0), [], 100)).rows).toEqual([]);
  });

  test("is found at once when its channel was interrupted", async () => {
    const { clock, connect, engine, network, roomOf, say } = await setUp();
    const room = await roomOf("ann", "ben");
    const { sink } = await connect("ann");
    network.swallows = () => true;
    await say("ben", room);
    restore(engine, room);
    await clock.pass(100);
    expect(sink.seqs(room)).toEqual([2]);
  });

  test("is found while the node's own publications do not come back", async () => {
    const { clock, connect, engine, network, roomOf, say } = await setUp();
    const room = await roomOf("ann", "ben");
    const { sink } = await connect("ann");
    engine.pubSub.publish = () => undefined;
    network.swallows = () => true;
    await clock.pass(4000);
    await say("ben", room);
    await clock.pass(2000);
    expect(sink.seqs(room)).toEqual([2]);
  });

  test("is found while the subscription takes long", async () => {
    const { arrive, clock, engine, hub, roomOf, say } = await setUp();
    const room = await roomOf("ann");
    engine.pubSub.subscribe = () => new Promise(() => undefined);
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
});

test("a gateway that could not read for half a minute audits everything, and delivers what the outbox lost meanwhile", async () => {
  const { clock, connect, faults, network, roomOf, say, store } = await setUp();
  const room = await roomOf("ann", "ben");
  const { sink } = await connect("ann");
  network.loses = () => true;
  await say("ben", room);
  store.away = true;
  await clock.pass(70_000);
  store.away = false;
  await store.prune(1000, 1);
  expect((await store.outbox(new Date(0), [], 100)).rows).toEqual([]);
  await clock.pass(2000);
  expect([sink.seqs(room), sink.failures, faults.places()]).toEqual([[2], 0, []]);
});

test("with everything confirmed, every answer of the outbox is empty, and audits tell no session anything twice", async () => {
  const { clock, connect, presence, roomOf, say, store, writer } = await setUp();
  const room = await roomOf("ann", "ben");
  const ann = await connect("ann");
  await presence.choose("ben", "busy");
  const messageId = idOf(await say("ben", room));
  await writer.act(user("ben"), { type: "READ_MSG", chatId: room, messageId });
  await writer.setMarker(user("ann"), room, messageId);
  await writer.act(user("ben"), { type: "TYPING", chatId: room });
  const answer = store.outbox.bind(store);
  const rows: unknown[] = [];
  store.outbox = async (...asked) => {
    const page = await answer(...asked);
    rows.push(...page.rows.flatMap(({ frames }) => frames));
    return page;
  };
  await clock.pass(TWO_ROUNDS_MS);
  // A choice is not published: gateways with a session of its user read it here.
  expect(rows).toEqual([["user", "ben", "c"]]);
  expect([ann.sink.seqs(room), ann.sink.receipts(), kinds(ann, "marker").length]).toEqual([[2], [["ben", 2]], 1]);
});

test("a fault of an audit is reported, and ends the sessions that it concerns", async () => {
  const { clock, connect, engine, faults, roomOf, store } = await setUp();
  const room = await roomOf("ann", "ben");
  const [ann, eve] = [await connect("ann"), await connect("eve")];
  const error = new TypeError("a defect");
  const heads = store.heads.bind(store);
  store.heads = () => Promise.reject(error);
  restore(engine, room);
  await clock.pass(100);
  store.heads = heads;
  expect(faults.reports).toEqual([{ place: "audit", error }]);
  expect([ann.sink.failures, eve.sink.failures]).toEqual([1, 0]);
});
