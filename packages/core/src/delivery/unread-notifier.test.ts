import { expect, test } from "vitest";
import type { Counts } from "../ports/store.ts";
import { ManualClock, settled } from "../testing/manual-clock.fake.ts";
import { RecordingFaults } from "../testing/recording-faults.fake.ts";
import { RecordingSink } from "../testing/recording-sink.fake.ts";
import { createSubscriber } from "./subscriber.ts";
import { UnreadNotifier } from "./unread-notifier.ts";

type Asked = readonly { readonly roomId: string; readonly userId: string }[];

/** A room with these users, and a store with the same counts for each of them. */
function setUp(...userIds: string[]) {
  const clock = new ManualClock();
  const questions: Asked[] = [];
  const faults = new RecordingFaults();
  const store = {
    count: { unread: 3, mentions: 1, mutedUntil: null as Date | null },
    answer: () => Promise.resolve(),
    async counts(asked: Asked): Promise<readonly Counts[]> {
      questions.push(asked);
      await store.answer();
      return asked.map((each) => ({ ...each, ...store.count }));
    },
  };
  const notifier = new UnreadNotifier({ store, clock, faults });
  const sinks = userIds.map((userId) => new RecordingSink(userId));
  const room = { roomId: "room", live: new Set(sinks.map((sink) => createSubscriber(sink))) };
  let sent = 0;
  const say = (userId: string, mentions: string[] = []) => {
    notifier.message(room, userId, { messageId: `m${++sent}`, eventId: null, mentions });
  };
  return { clock, store, faults, questions, notifier, sinks, room, say };
}

const notified = (sink: RecordingSink | undefined) =>
  sink?.signals.flatMap(({ about }) => (about.kind === "notification" ? [[about.why, about.messageId]] : []));

test("the first message notifies at once, later ones once a second with the newest; authors receive nothing about their own", async () => {
  const { clock, say, sinks } = setUp("ann", "ben");
  for (let each = 0; each < 5; each++) say("ann");
  await settled();
  say("ann");
  await clock.pass(999);
  expect(notified(sinks[1])).toEqual([["unread", "m1"]]);
  await clock.pass(1);
  expect(notified(sinks[1])).toEqual([
    ["unread", "m1"],
    ["unread", "m6"],
  ]);
  await clock.pass(10_000);
  expect(notified(sinks[1])).toHaveLength(2);
  expect(notified(sinks[0])).toEqual([]);
});

test("each of two authors is notified of the other's message", async () => {
  const { clock, say, sinks } = setUp("ann", "ben", "cleo");
  say("cleo");
  await clock.pass(500);
  say("ann");
  say("ben");
  await clock.pass(1000);
  expect(sinks.map((sink) => notified(sink)?.at(-1))).toEqual([
    ["unread", "m3"],
    ["unread", "m2"],
    ["unread", "m3"],
  ]);
});

test("a mentioned user is notified at once, and not again of the same message as unread", async () => {
  const { clock, say, sinks } = setUp("ann", "ben");
  say("ann");
  await settled();
  say("ann", ["ben", "ann", "stranger"]);
  await settled();
  expect(notified(sinks[1])).toEqual([
    ["unread", "m1"],
    ["mention", "m2"],
  ]);
  await clock.pass(5000);
  expect(notified(sinks[1])).toHaveLength(2);
  expect(notified(sinks[0])).toEqual([]);
});

test("a muted room notifies of mentions alone, and no room of messages that are read already", async () => {
  const { clock, say, sinks, store } = setUp("ann", "ben");
  store.count = { unread: 1, mentions: 1, mutedUntil: new Date() };
  say("ann");
  await clock.pass(2000);
  say("ann", ["ben"]);
  await clock.pass(2000);
  expect(notified(sinks[1])).toEqual([["mention", "m2"]]);
  store.count = { unread: 0, mentions: 0, mutedUntil: null };
  say("ann", ["ben"]);
  say("ann");
  await clock.pass(2000);
  expect(notified(sinks[1])).toHaveLength(1);
});

test("one read is under way at a time, and messages meanwhile go into the next", async () => {
  const { clock, say, questions, store } = setUp("ann", "ben");
  let answer = () => {};
  store.answer = () => new Promise<void>((resolve) => (answer = resolve));
  say("ann");
  for (let each = 0; each < 10; each++) say("ann", ["ben"]);
  await clock.pass(5000);
  expect(questions).toHaveLength(1);
  store.answer = () => Promise.resolve();
  answer();
  await clock.pass(5000);
  expect(questions).toHaveLength(2);
});

test("a store that is away is read again with the next message, not before a second is over", async () => {
  const { clock, say, questions, store, sinks } = setUp("ann", "ben");
  store.answer = () => Promise.reject(new Error("away"));
  say("ann");
  await settled();
  say("ann");
  await clock.pass(900);
  expect(questions).toHaveLength(1);
  store.answer = () => Promise.resolve();
  await clock.pass(200);
  expect(notified(sinks[1])).toEqual([["unread", "m2"]]);
});

test("a forgotten room has no notifications, and a closed notifier no timer", async () => {
  const { clock, say, room, notifier, questions } = setUp("ann", "ben");
  say("ann");
  await settled();
  say("ann");
  notifier.forget(room);
  await clock.pass(5000);
  expect(questions).toHaveLength(1);
  say("ann");
  await settled();
  say("ann");
  notifier.close();
  await clock.pass(5000);
  expect(clock.waiting).toBe(0);
});
