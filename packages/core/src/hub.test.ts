import fc from "fast-check";
import { afterEach, expect, test } from "vitest";
import { encodeJoinedFrame, encodeTypingFrame } from "./frames.ts";
import { Hub } from "./hub.ts";
import { ManualClock, settled } from "./manual-clock.ts";
import { MapStore } from "./map-store.ts";
import { createMemoryEngine } from "./memory/engine.ts";
import type { Channel, Engine } from "./ports.ts";
import { RecordingSink } from "./recording-sink.ts";
import { createSeat, type Seat } from "./seat.ts";
import { createWriter } from "./writer.ts";

const service = { userId: "service", service: true };
const user = (userId: string) => ({ userId, service: false });
const open: Hub[] = [];

afterEach(async () => {
  for (const hub of open.splice(0)) await hub.close();
});

/** A node over an engine whose publications can be lost and a store whose answers can be kept under way. */
async function setUp() {
  const clock = new ManualClock();
  const store = new MapStore();
  const memory = createMemoryEngine(clock);
  const network = { loses: (_: Channel): boolean => false };
  const engine: Engine = {
    ...memory,
    publish: (channel, payload) => {
      if (!network.loses(channel)) memory.publish(channel, payload);
    },
  };
  const hub = new Hub({ engine, store, clock, nodeId: "node" });
  open.push(hub);
  const writer = createWriter({ store, engine, typingTtlMs: 4000 });
  await hub.start();
  await settled();

  const roomOf = async (...members: string[]) =>
    (await writer.createRoom(service, { name: "Project", members, metadata: {} })).roomId;
  const say = (userId: string, chatId: string, message = "hello") =>
    writer.act(user(userId), { type: "SEND_MSG", chatId, message });
  const arrive = (userId: string) => {
    const sink = new RecordingSink(userId);
    return { sink, seat: createSeat(sink) };
  };
  /** A session from its beginning to the present: `cursors` where it resumes. */
  const connect = async (userId: string, cursors: Record<string, number> | null = null) => {
    const arrival = arrive(userId);
    const ready = await hub.enter(arrival.seat);
    await hub.resume(arrival.seat, cursors === null ? null : new Map(Object.entries(cursors)));
    return { ...arrival, ready };
  };
  return { clock, store, engine, network, hub, writer, roomOf, say, arrive, connect };
}

/** Keeps the next answer of `method` under way until the returned function is called. */
function hold(store: MapStore, method: keyof MapStore): () => void {
  let release: () => void = () => undefined;
  const held = new Promise<void>((resolve) => (release = resolve));
  let first = true;
  store.underway = (called) => {
    if (called !== method || !first) return undefined;
    first = false;
    return held;
  };
  return release;
}

const types = (sink: RecordingSink) => sink.events.map(({ type }) => type);

test("a first connection begins at the present: it hears where its rooms are, and what happens from there on", async () => {
  const { connect, roomOf, say } = await setUp();
  const room = await roomOf("ann", "ben");
  await say("ben", room);
  const { ready, sink } = await connect("ann");
  expect(ready).toEqual(new Map([[room, 2]]));
  await say("ben", room);
  await settled();
  expect(sink.seqs(room)).toEqual([3]);
});

test("everybody in the room gets a message, the author's own sessions included, and nobody else", async () => {
  const { connect, roomOf, say } = await setUp();
  const room = await roomOf("ann", "ben");
  const [phone, laptop, ben, eve] = [await connect("ann"), await connect("ann"), await connect("ben"), await connect("eve")];
  await say("ann", room);
  await settled();
  for (const { sink } of [phone, laptop, ben]) expect(sink.seqs(room)).toEqual([2]);
  expect(eve.sink.events).toEqual([]);
});

test("a resume brings exactly what came after its cursors", async () => {
  const { connect, roomOf, say } = await setUp();
  const [busy, quiet] = [await roomOf("ann"), await roomOf("ann")];
  for (let each = 0; each < 5; each++) await say("ann", busy);
  const { sink } = await connect("ann", { [busy]: 3 });
  expect(sink.seqs(busy)).toEqual([4, 5, 6]);
  expect(sink.seqs(quiet)).toEqual([]);
});

test("nothing is delivered to a session that has not said where it was", async () => {
  const { arrive, hub, roomOf, say, clock } = await setUp();
  const room = await roomOf("ann", "ben");
  const { sink, seat } = arrive("ann");
  const ready = await hub.enter(seat);
  await say("ben", room);
  await clock.pass(3000);
  expect([...sink.events, ...sink.signals]).toEqual([]);
  await hub.resume(seat, new Map([[room, ready.get(room) ?? 0]]));
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

test("a message that is sent while the session comes in is neither lost nor doubled", async () => {
  const { arrive, connect, hub, roomOf, say, store } = await setUp();
  const room = await roomOf("ann", "ben");
  await connect("ben");
  const { sink, seat } = arrive("ann");
  const release = hold(store, "roomsOf");
  const entering = hub.enter(seat);
  await settled();
  await say("ben", room);
  release();
  const ready = await entering;
  await say("ben", room);
  await hub.resume(seat, null);
  await settled();
  expect(ready.get(room)).toBe(1);
  expect(sink.seqs(room)).toEqual([2, 3]);
});

test("who is added to a room takes part from their USER_JOIN on, without reconnecting", async () => {
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

test("who is added while a session of theirs waits to resume takes part from their USER_JOIN on", async () => {
  const { arrive, hub, roomOf, say, writer } = await setUp();
  const room = await roomOf("ben");
  const { sink, seat } = arrive("ann");
  await hub.enter(seat);
  await writer.putMember(user("ben"), room, "ann", undefined);
  await settled();
  await say("ben", room);
  await hub.resume(seat, new Map());
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

test("a join that the store cannot confirm at first is asked for again", async () => {
  const { clock, connect, roomOf, store } = await setUp();
  const { sink } = await connect("ann");
  const room = await roomOf("ben", "ann");
  store.away = true;
  await clock.pass(500);
  store.away = false;
  await clock.pass(3000);
  expect(sink.seqs(room)).toEqual([1]);
});

test("a hint alone lets nobody in", async () => {
  const { connect, engine, roomOf, say } = await setUp();
  const room = await roomOf("ben");
  const { sink } = await connect("eve");
  engine.publish({ kind: "user", id: "eve" }, encodeJoinedFrame(room, 1));
  await settled();
  await say("ben", room);
  engine.publish({ kind: "room", id: room }, encodeTypingFrame("ben", 4000));
  await settled();
  expect([...sink.events, ...sink.signals]).toEqual([]);
});

test("who is removed gets their USER_LEAVE, and nothing after it", async () => {
  const { connect, roomOf, say, writer } = await setUp();
  const room = await roomOf("ann", "ben");
  const { sink } = await connect("ann");
  await writer.removeMember(service, room, "ann");
  await say("ben", room);
  await settled();
  expect(types(sink)).toEqual(["USER_LEAVE"]);
});

test("who is removed while the hint is lost gets their USER_LEAVE within two seconds, and no signal after it", async () => {
  const { clock, connect, engine, network, roomOf, writer } = await setUp();
  const room = await roomOf("ann", "ben");
  const { sink } = await connect("ann");
  network.loses = ({ kind }) => kind === "room";
  await writer.removeMember(service, room, "ann");
  await clock.pass(2000);
  network.loses = () => false;
  engine.publish({ kind: "room", id: room }, encodeTypingFrame("ben", 4000));
  await settled();
  expect(types(sink)).toEqual(["USER_LEAVE"]);
  expect(sink.signals).toEqual([]);
});

test("a removal that is delivered while the session comes in is its last event", async () => {
  const { arrive, connect, hub, roomOf, say, store, writer } = await setUp();
  const room = await roomOf("ann", "ben");
  await connect("ben");
  const { sink, seat } = arrive("ann");
  const release = hold(store, "roomsOf");
  const entering = hub.enter(seat);
  await settled();
  await writer.removeMember(service, room, "ann");
  await say("ben", room);
  await settled();
  release();
  const ready = await entering;
  await hub.resume(seat, null);
  await say("ben", room);
  await settled();
  expect(ready.get(room)).toBe(1);
  expect(types(sink)).toEqual(["USER_LEAVE"]);
});

test("a removal that is delivered while a join is being confirmed is not undone by it", async () => {
  const { connect, hub, roomOf, say, store, writer } = await setUp();
  const room = await roomOf("ben");
  await connect("ben");
  const { sink, seat } = await connect("ann");
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
  expect(seat.feeds.size).toBe(0);
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
  engine.publish({ kind: "user", id: "ann" }, encodeJoinedFrame(room, 1));
  await clock.pass(3000);
  expect(sink.seqs(room)).toEqual([1, 2, 3]);
});

test("removed and added again: the room goes on from the second USER_JOIN", async () => {
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

test("a resume that names a room that its user is not in is told so, and gets nothing of it", async () => {
  const { connect, roomOf, say } = await setUp();
  const room = await roomOf("ben");
  await say("ben", room);
  const { sink } = await connect("eve", { [room]: 0 });
  await say("ben", room);
  await settled();
  expect(sink.resets).toEqual([{ roomId: room, reason: "not_member", seq: 0 }]);
  expect(sink.events).toEqual([]);
});

test("a resume from a seq that never was is set back to where the room is", async () => {
  const { connect, roomOf, say } = await setUp();
  const room = await roomOf("ann");
  const { sink } = await connect("ann", { [room]: 99 });
  await say("ann", room);
  await settled();
  expect(sink.resets).toEqual([{ roomId: room, reason: "too_old", seq: 1 }]);
  expect(sink.seqs(room)).toEqual([2]);
});

test("a resume of a room that was deleted meanwhile ends with its DELETE_CHAT", async () => {
  const { connect, roomOf, say, writer } = await setUp();
  const room = await roomOf("ann");
  await say("ann", room);
  await writer.deleteRoom(service, room);
  const { ready, seat, sink } = await connect("ann", { [room]: 1 });
  expect(ready.has(room)).toBe(false);
  expect(types(sink)).toEqual(["SEND_MSG", "DELETE_CHAT"]);
  expect(seat.feeds.size).toBe(0);
});

test("a resume brings the receipts that changed meanwhile", async () => {
  const { connect, roomOf, say, writer } = await setUp();
  const room = await roomOf("ann", "ben");
  const { messageId } = JSON.parse(await say("ann", room)) as { messageId: string };
  await writer.act(user("ben"), { type: "READ_MSG", chatId: room, messageId });
  const { sink } = await connect("ann", { [room]: 1 });
  expect(sink.receipts()).toEqual([["ben", 2]]);
});

test("a receipt reaches everybody once, whether its hint arrives or only the store tells of it", async () => {
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

test("who came in late is told who types", async () => {
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

test("a session that leaves while it comes in is in no room and keeps none open", async () => {
  const { arrive, clock, hub, roomOf, store } = await setUp();
  await roomOf("ann");
  const { seat } = arrive("ann");
  const release = hold(store, "roomsOf");
  const entering = hub.enter(seat);
  await settled();
  hub.leave(seat);
  release();
  await entering;
  await clock.pass(1000);
  expect(seat.feeds.size).toBe(0);
  expect(hub.counts()).toMatchObject({ rooms: 0, users: 0 });
});

test("a session that leaves while it resumes gets nothing more and keeps no room open", async () => {
  const { arrive, clock, hub, roomOf, say, store } = await setUp();
  const room = await roomOf("ann");
  for (let each = 0; each < 5; each++) await say("ann", room);
  const { sink, seat } = arrive("ann");
  await hub.enter(seat);
  const release = hold(store, "events");
  const resuming = hub.resume(seat, new Map([[room, 1]]));
  await settled();
  hub.leave(seat);
  release();
  await resuming;
  await clock.pass(1000);
  expect([...sink.events, ...sink.signals]).toEqual([]);
  expect(hub.counts()).toMatchObject({ rooms: 0, users: 0 });
});

test("a session that cannot come in because the store is away keeps nothing open", async () => {
  const { arrive, clock, hub, store } = await setUp();
  store.away = true;
  const { seat } = arrive("ann");
  await expect(hub.enter(seat)).rejects.toMatchObject({ code: "unavailable" });
  hub.leave(seat);
  await clock.pass(1000);
  expect(hub.counts()).toMatchObject({ rooms: 0, users: 0 });
});

test("a room stays subscribed for a second after its last session, so that a page reload finds it warm", async () => {
  const { clock, connect, hub, roomOf } = await setUp();
  await roomOf("ann");
  const { seat } = await connect("ann");
  hub.leave(seat);
  await clock.pass(999);
  expect(hub.counts()).toMatchObject({ rooms: 1, users: 1 });
  await clock.pass(1);
  expect(hub.counts()).toMatchObject({ rooms: 0, users: 0 });
});

test("an engine that is away does not keep a session out: it goes on after a second, and the store brings the rest", async () => {
  const { arrive, clock, engine, hub, roomOf, say } = await setUp();
  const room = await roomOf("ann");
  engine.subscribe = () => new Promise(() => undefined);
  engine.publish = () => undefined;
  const { sink, seat } = arrive("ann");
  const entering = hub.enter(seat);
  await clock.pass(3000);
  await entering;
  await hub.resume(seat, null);
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

test("whatever the interleaving of joins, leaves, losses, connections and slow answers: once, in order, and nothing after a USER_LEAVE", async () => {
  const step = fc.constantFrom("say", "remove", "add", "enter", "resume", "connect", "lose", "heal", "settle", "second", "slow", "fast");
  const property = fc.asyncProperty(fc.array(step, { minLength: 4, maxLength: 40 }), fc.nat(), async (steps, seed) => {
    const { arrive, clock, hub, network, roomOf, say, store, writer } = await setUp();
    const room = await roomOf("ben", "ann");
    const sessions: { sink: RecordingSink; seat: Seat; from: number | undefined; parked: boolean; running: Promise<void>[] }[] = [];
    let held: (() => void)[] = [];
    let slow = false;
    store.underway = () => (slow ? new Promise<void>((resolve) => held.push(resolve)) : undefined);
    const run = async (what: (typeof steps)[number], index: number) => {
      if (what === "say") void say("ben", room);
      else if (what === "remove") void writer.removeMember(service, room, "ann").catch(() => undefined);
      else if (what === "add") void writer.putMember(service, room, "ann", undefined);
      else if (what === "lose") network.loses = ({ kind }) => (seed + index) % 3 === 0 || kind === "room";
      else if (what === "heal") network.loses = () => false;
      else if (what === "settle") await settled();
      else if (what === "second") await clock.pass(1000);
      else if (what === "slow") slow = true;
      else if (what === "fast") {
        slow = false;
        for (const release of held.splice(0)) release();
        await settled();
      } else if (what === "enter" || what === "connect") {
        const { sink, seat } = arrive("ann");
        const session: (typeof sessions)[number] = { sink, seat, from: undefined, parked: true, running: [] };
        sessions.push(session);
        const entered = hub.enter(seat).then((ready) => {
          session.from = ready.get(room);
        });
        session.running.push(entered);
        if (what === "connect") {
          session.parked = false;
          session.running.push(entered.then(() => hub.resume(seat, null)));
        }
      } else {
        const session = sessions.find(({ parked, from }) => parked && from !== undefined);
        if (session === undefined) return;
        session.parked = false;
        session.from = (seed * (index + 3)) % ((session.from ?? 0) + 1);
        session.running.push(hub.resume(session.seat, new Map([[room, session.from]])));
      }
    };
    for (const [index, what] of steps.entries()) await run(what, index);
    slow = false;
    network.loses = () => false;
    for (const release of held.splice(0)) release();
    held = [];
    await clock.pass(5000);
    for (const session of sessions)
      if (session.parked) session.running.push(hub.resume(session.seat, session.from === undefined ? new Map() : new Map([[room, session.from]])));
    await clock.pass(5000);
    for (const { running } of sessions) await Promise.all(running);
    const member = await store.isVisible(room, "ann", false);
    const head = store.room(room)?.lastSeq ?? 0;
    const stayed = store.eventsOf(room).every(({ type }) => type !== "USER_LEAVE");
    for (const { sink, from } of sessions) {
      const seqs = sink.seqs(room);
      expect(seqs).toEqual([...new Set(seqs)].sort((a, b) => a - b));
      if (stayed) expect(seqs).toEqual(Array.from({ length: head - (from ?? head) }, (_, index) => (from ?? 0) + index + 1));
      if (member) expect(seqs.at(-1) ?? from).toBe(head);
      else expect(sink.events.at(-1)?.type ?? "USER_LEAVE").toBe("USER_LEAVE");
    }
  });
  await fc.assert(property, { numRuns: 500 });
}, 30_000);
