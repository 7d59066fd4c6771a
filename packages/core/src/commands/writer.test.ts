import { Problem } from "@signalbox/protocol/errors";
import { expect, test } from "vitest";
import { createMemoryEngine } from "../memory/engine.ts";
import { toText } from "../model/bytes.ts";
import { decodeRoomFrame, decodeUserFrame } from "../ports/engine-frames.ts";
import type { Channel } from "../ports/pub-sub.ts";
import { hold } from "../testing/lone-node.fake.ts";
import { ManualClock } from "../testing/manual-clock.fake.ts";
import { MapStore } from "../testing/map-store.fake.ts";
import { RecordingFaults } from "../testing/recording-faults.fake.ts";
import { createWriter } from "./writer.ts";

const user = (userId: string) => ({ userId, service: false });
const [olga, ann] = [user("olga"), user("ann")];

async function setUp() {
  const store = new MapStore();
  const clock = new ManualClock();
  const published: { channel: Channel; payload: string }[] = [];
  const engine = createMemoryEngine(clock);
  engine.pubSub.publish = (channel, payload) => void published.push({ channel, payload });
  engine.pubSub.publishConfirmed = async (channel, payload) => engine.pubSub.publish(channel, payload);
  const groups: number[] = [];
  const writer = createWriter({
    store,
    engine,
    clock,
    faults: new RecordingFaults(),
    typingTtlMs: 4000,
    measure: (size) => groups.push(size),
  });
  const room = (await writer.createRoom(olga, { name: "Project", members: ["ann"], metadata: {} })).roomId;
  const say = (userId: string, message: string) =>
    writer.act(user(userId), { type: "SEND_MSG", chatId: room, message });
  const frames = () =>
    published
      .splice(0)
      .map(({ channel, payload }) =>
        channel.kind === "room"
          ? decodeRoomFrame(channel.id, payload)
          : { to: channel.id, ...decodeUserFrame(payload) },
      );
  frames();
  groups.length = 0;
  return { store, clock, engine, writer, room, say, frames, groups };
}

const seqOf = (event: string) => (JSON.parse(toText(event)) as { seq: number }).seq;

test("changes are committed in the order of the calls", async () => {
  const { room, say, store } = await setUp();
  const texts = Array.from({ length: 600 }, (_, index) => `message ${index}`);
  const answers = await Promise.all(texts.map((text) => say("ann", text)));
  expect(answers.map(seqOf)).toEqual(texts.map((_, index) => index + 2));
  expect((await store.history(room, 1000, null)).map(({ content }) => content).reverse()).toEqual(texts);
});

test("a message ends its author's typing, and typing after it begins anew", async () => {
  const { clock, engine, writer, room, say } = await setUp();
  const types = (userId: string) => writer.act(user(userId), { type: "TYPING", chatId: room });
  const typists = async () => (await engine.typing.list([room])).get(room) ?? [];
  await Promise.all([types("ann"), types("olga")]);
  await clock.pass(1000);
  // One group: committed and published together.
  await Promise.all([say("ann", "hello"), say("olga", "hello"), types("ann")]);
  expect(await typists()).toEqual([expect.objectContaining({ userId: "ann", remainingMs: 4000 })]);
  const { startedAt } = (await typists())[0]!;
  await clock.pass(500);
  await types("ann");
  expect(await typists()).toEqual([{ userId: "ann", startedAt, remainingMs: 4000 }]);
  await Promise.all([say("ann", "and"), types("olga"), say("ann", "good bye"), say("olga", "bye")]);
  expect(await typists()).toEqual([]);
});

test("changes that arrive together are one transaction, in groups of at most 256", async () => {
  const { groups, say } = await setUp();
  await Promise.all(Array.from({ length: 600 }, () => say("ann", "hello")));
  expect(groups).toEqual([256, 256, 88]);
});

test("a forbidden change is refused, and its neighbours of the same group are committed", async () => {
  const { groups, room, say, store } = await setUp();
  const outcomes = await Promise.allSettled([say("ann", "one"), say("eve", "no"), say("ann", "two")]);
  expect(outcomes.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
  expect(store.eventsOf(room).map(({ seq }) => seq)).toEqual([1, 2, 3]);
  expect(groups).toEqual([3]);
});

test("a user that is removed within a group can do nothing in the rest of it", async () => {
  const { room, say, store, writer } = await setUp();
  const outcomes = await Promise.allSettled([
    say("ann", "one"),
    writer.removeMember(olga, room, "ann"),
    say("ann", "two"),
    writer.act(ann, { type: "TYPING", chatId: room }),
  ]);
  expect(outcomes[2]).toMatchObject({ status: "rejected", reason: { code: "not_found" } });
  expect(store.eventsOf(room).map(({ type }) => type)).toEqual(["NEW_CHAT", "SEND_MSG", "USER_LEAVE"]);
});

test("a user that is added within a group may send in the rest of it", async () => {
  const { room, say, writer } = await setUp();
  const [, event] = await Promise.all([writer.putMember(olga, room, "ben", undefined), say("ben", "hello")]);
  expect(seqOf(event)).toBe(3);
});

test("a change that the store cannot take does not fail its neighbours", async () => {
  const { say, store } = await setUp();
  store.beforeWrite = ({ messages }) => {
    if (messages.some(({ content }) => content === "poison")) throw new Error("cannot be stored");
  };
  const outcomes = await Promise.allSettled([say("ann", "one"), say("ann", "poison"), say("ann", "two")]);
  expect(outcomes.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
  expect(outcomes.flatMap((each) => (each.status === "fulfilled" ? [seqOf(each.value)] : []))).toEqual([2, 3]);
});

test("while the store is away changes are refused as unavailable and not published, and they work again afterwards", async () => {
  const { frames, say, store } = await setUp();
  store.away = true;
  const outcomes = await Promise.allSettled([say("ann", "one"), say("ann", "two")]);
  for (const outcome of outcomes)
    expect(outcome).toMatchObject({ status: "rejected", reason: { code: "unavailable" } });
  expect(frames()).toEqual([]);
  store.away = false;
  expect(seqOf(await say("ann", "three"))).toBe(2);
});

test("a change is published only after its commit", async () => {
  const { frames, say, store } = await setUp();
  let release: () => void = () => undefined;
  const held = new Promise<void>((resolve) => (release = resolve));
  store.underway = () => held;
  const sent = say("ann", "hello");
  await new Promise((resolve) => setImmediate(resolve));
  expect(frames()).toEqual([]);
  release();
  await sent;
  expect(frames()).toMatchObject([{ kind: "event", event: { seq: 2, type: "SEND_MSG", userId: "ann" } }]);
});

test("a join is published to the room and to the user that joined; a leave to the room", async () => {
  const { frames, room, writer } = await setUp();
  await writer.putMember(olga, room, "ben", undefined);
  expect(frames()).toMatchObject([
    { kind: "event", event: { seq: 2, type: "USER_JOIN", userId: "ben" } },
    { to: "ben", kind: "joined", roomId: room, seq: 2 },
  ]);
  await writer.removeMember(olga, room, "ben");
  expect(frames()).toMatchObject([{ kind: "event", event: { seq: 3, type: "USER_LEAVE", userId: "ben" } }]);
});

test("receipts of one group are published once per room, each user's newest", async () => {
  const { frames, room, say, writer } = await setUp();
  const ids = await Promise.all(
    ["one", "two"].map(async (text) => (JSON.parse(toText(await say("ann", text))) as { messageId: string }).messageId),
  );
  frames();
  await Promise.all(ids.map((messageId) => writer.act(olga, { type: "READ_MSG", chatId: room, messageId })));
  expect(frames()).toMatchObject([
    { kind: "receipts", receipts: [{ userId: "olga", messageId: ids[1], messageSeq: 3 }] },
  ]);
});

test("a receipt of a user that appears offline is published to that user's own sessions alone", async () => {
  const { frames, room, say, store, writer } = await setUp();
  const { messageId } = JSON.parse(toText(await say("ann", "one"))) as { messageId: string };
  await store.choosePresence("olga", "appear_offline");
  frames();
  await Promise.all([olga, ann].map((reader) => writer.act(reader, { type: "READ_MSG", chatId: room, messageId })));
  expect(frames()).toMatchObject([
    { kind: "receipts", receipts: [{ userId: "ann", messageId }] },
    { to: "olga", kind: "receipt", roomId: room, receipt: { userId: "olga", messageId, messageSeq: 2 } },
  ]);
});

test("typing of a user that appears offline is answered as always, and not published", async () => {
  const { engine, frames, room, store, writer } = await setUp();
  const visible = await writer.act(ann, { type: "TYPING", chatId: room });
  await writer.act(ann, { type: "STOP_TYPING", chatId: room });
  frames();
  expect(await writer.act({ ...ann, hidden: true }, { type: "TYPING", chatId: room }, true)).toBe(visible);
  await store.choosePresence("ann", "appear_offline");
  expect(await writer.act(ann, { type: "TYPING", chatId: room })).toBe(visible);
  expect(frames()).toEqual([]);
  expect((await engine.typing.list([room])).size).toBe(0);
});

test("typing does not wait for a store that hangs, except after its sender's own changes", async () => {
  const { frames, room, say, store, writer } = await setUp();
  const release = hold(store, "commit");
  const sent = say("ann", "under way");
  await writer.act(olga, { type: "TYPING", chatId: room }, true);
  const behind = writer.act(ann, { type: "TYPING", chatId: room }, true);
  expect(frames()).toMatchObject([{ kind: "typing", userId: "olga" }]);
  release();
  await Promise.all([sent, behind]);
  expect(frames()).toMatchObject([{ kind: "event" }, { kind: "typing", userId: "ann" }]);
});

test("typing is stored in the engine and published with its time to live, and so is its end", async () => {
  const { engine, frames, room, writer } = await setUp();
  const started = await writer.act(ann, { type: "TYPING", chatId: room });
  expect(JSON.parse(started)).toEqual({ recipientId: "ann", type: "TYPING", chatId: room, senderId: "ann" });
  expect((await engine.typing.list([room])).get(room)).toMatchObject([{ userId: "ann", remainingMs: 4000 }]);
  const stopped = await writer.act(ann, { type: "STOP_TYPING", chatId: room });
  expect(JSON.parse(stopped)).toEqual({ type: "STOP_TYPING", chatId: room, senderId: "ann" });
  expect((await engine.typing.list([room])).size).toBe(0);
  expect(frames()).toEqual([
    { kind: "typing", userId: "ann", remainingMs: 4000 },
    { kind: "stop", userId: "ann" },
  ]);
});

// Sessions end typing by the message itself. The engine's entry must end too: a node that opens the room just then would show it.
test("a message ends its author's typing in the engine, too", async () => {
  const { engine, room, say, writer } = await setUp();
  await writer.act(ann, { type: "TYPING", chatId: room });
  await say("ann", "done");
  expect((await engine.typing.list([room])).size).toBe(0);
});

test("a revocation is published to the user's sessions with the store's time", async () => {
  const { frames, store, writer } = await setUp();
  await writer.revoke("ann");
  expect(frames()).toEqual([{ to: "ann", kind: "revoked", at: (await store.users(["ann"])).get("ann")?.revokedAt }]);
});

test("a closing writer commits earlier changes, and takes no more", async () => {
  const { say, writer } = await setUp();
  const sent = [say("ann", "one"), say("ann", "two")];
  await writer.close();
  expect((await Promise.all(sent)).map(seqOf)).toEqual([2, 3]);
  await expect(say("ann", "three")).rejects.toMatchObject({ code: "unavailable" });
});

test("more than 20,000 waiting changes are refused instead of kept", async () => {
  const { say, store } = await setUp();
  store.away = true;
  const outcomes = await Promise.allSettled(Array.from({ length: 20_001 }, () => say("ann", "hello")));
  const last = outcomes.at(-1);
  expect(last?.status === "rejected" && last.reason instanceof Problem && last.reason.message).toBe(
    "too many changes wait",
  );
});
