import { expect, test } from "vitest";
import type { ShownPresence } from "../ports/engine-frames.ts";
import { RecordingSink } from "../testing/recording-sink.fake.ts";
import { PresenceView } from "./presence-view.ts";
import { createSubscriber, type Subscriber } from "./subscriber.ts";

const roomOf = (...subscribers: Subscriber[]) => ({ live: new Set(subscribers) });
const arrive = (userId: string) => {
  const sink = new RecordingSink(userId);
  return { sink, subscriber: createSubscriber(sink) };
};
const ben = (version: number, shown: ShownPresence["shown"]): ShownPresence => ({
  userId: "ben",
  version,
  shown,
  activeAt: 1000 + version,
});
const received = (sink: RecordingSink) =>
  sink.signals.map(({ about }) => (about.kind === "presence" ? about.status : about));

test("a change that comes by several rooms is sent once to each session", () => {
  const presenceView = new PresenceView();
  const [both, first, second] = [arrive("ann"), arrive("cleo"), arrive("dora")];
  const [one, two] = [roomOf(both.subscriber, first.subscriber), roomOf(both.subscriber, second.subscriber)];
  for (const room of [one, two, one, two]) presenceView.update(room, ben(1, "online"));
  for (const room of [two, one]) presenceView.update(room, ben(2, "busy"));
  for (const { sink } of [both, first, second]) expect(received(sink)).toEqual(["online", "busy"]);
});

test("a state older than the one that was sent is ignored, also when it comes by another room", () => {
  const presenceView = new PresenceView();
  const [ann, cleo] = [arrive("ann"), arrive("cleo")];
  const [one, two] = [roomOf(ann.subscriber), roomOf(cleo.subscriber)];
  presenceView.update(one, ben(2, "offline"));
  presenceView.update(one, ben(3, "online"));
  presenceView.update(one, ben(2, "offline"));
  presenceView.update(two, ben(2, "offline"));
  presenceView.update(two, ben(3, "online"));
  expect(received(ann.sink)).toEqual(["online"]);
  expect(received(cleo.sink)).toEqual(["online"]);
});

test("a new version of the same state is not sent", () => {
  const presenceView = new PresenceView();
  const ann = arrive("ann");
  const room = roomOf(ann.subscriber);
  presenceView.update(room, ben(1, "online"));
  presenceView.update(room, ben(9, "online"));
  presenceView.update(room, ben(10, "idle"));
  expect(received(ann.sink)).toEqual(["online", "idle"]);
});

test("a user's own sessions receive nothing by the rooms: they have a channel of their own", () => {
  const presenceView = new PresenceView();
  const own = arrive("ben");
  presenceView.update(roomOf(own.subscriber), ben(1, "online"));
  expect(own.sink.signals).toEqual([]);
});

test("a new session receives the people that are not offline, once for all shared rooms; a returning one all of them", () => {
  const presenceView = new PresenceView();
  const [one, two] = [roomOf(), roomOf()];
  for (const room of [one, two]) presenceView.update(room, ben(1, "idle"));
  presenceView.update(two, { userId: "eve", version: 5, shown: "offline", activeAt: 5 });
  const [fresh, back] = [arrive("ann"), arrive("ann")];
  presenceView.sendAll(fresh.subscriber, [one, two], false);
  presenceView.sendAll(back.subscriber, [one, two], true);
  expect(received(fresh.sink)).toEqual(["idle"]);
  expect(received(back.sink)).toEqual(["idle", "offline"]);
});

test("a user that left a room is not seen there until the next join, also by changes that were on their way", () => {
  const presenceView = new PresenceView();
  const ann = arrive("ann");
  const room = roomOf(ann.subscriber);
  presenceView.update(room, ben(1, "online"));
  presenceView.left(room, "ben");
  presenceView.update(room, ben(2, "busy"));
  const late = arrive("cleo");
  presenceView.sendAll(late.subscriber, [room], true);
  expect(received(ann.sink)).toEqual(["online"]);
  expect(received(late.sink)).toEqual([]);
  presenceView.joined(room, "ben");
  presenceView.update(room, ben(3, "online"));
  expect(received(ann.sink)).toEqual(["online", "online"]);
});

test("once all users are registered, unknown ones are offline; a later change of theirs counts again", () => {
  const presenceView = new PresenceView();
  const ann = arrive("ann");
  const room = roomOf(ann.subscriber);
  presenceView.update(room, ben(1, "online"));
  presenceView.update(room, { userId: "eve", version: 1, shown: "online", activeAt: 1 });
  presenceView.markOffline(room, new Map([["eve", true]]));
  presenceView.markOffline(room, new Map([["eve", true]]));
  expect(received(ann.sink)).toEqual(["online", "online", "offline"]);
  presenceView.update(room, ben(50, "online"));
  expect(received(ann.sink).at(-1)).toBe("online");
});

test("a person is forgotten with the last room in which they were seen", () => {
  const presenceView = new PresenceView();
  const [one, two] = [roomOf(), roomOf()];
  for (const room of [one, two]) presenceView.update(room, ben(7, "online"));
  presenceView.closed(one);
  presenceView.closed(two);
  const ann = arrive("ann");
  // The same version is sent again: it is forgotten.
  presenceView.update(roomOf(ann.subscriber), ben(7, "online"));
  expect(received(ann.sink)).toEqual(["online"]);
});
