import { expect, test } from "vitest";
import type { ShownPresence } from "../ports/engine-frames.ts";
import { RecordingSink } from "../testing/recording-sink.fake.ts";
import { PresenceView } from "./presence-view.ts";
import { createSubscriber, type Subscriber } from "./subscriber.ts";

const roomOf = (...subscribers: Subscriber[]) => ({ live: new Set(subscribers) });
const seatOf = (userId: string) => {
  const sink = new RecordingSink(userId);
  return { sink, subscriber: createSubscriber(sink) };
};
const ben = (version: number, shown: ShownPresence["shown"]): ShownPresence => ({
  userId: "ben",
  version,
  shown,
  activeAt: 1000 + version,
});
const told = (sink: RecordingSink) =>
  sink.signals.map(({ about }) => (about.kind === "presence" ? about.status : about));

test("a change that comes by several rooms is told once to each session, whichever rooms it is in", () => {
  const presenceView = new PresenceView();
  const [both, first, second] = [seatOf("ann"), seatOf("cleo"), seatOf("dora")];
  const [one, two] = [roomOf(both.subscriber, first.subscriber), roomOf(both.subscriber, second.subscriber)];
  for (const room of [one, two, one, two]) presenceView.update(room, ben(1, "online"));
  for (const room of [two, one]) presenceView.update(room, ben(2, "busy"));
  for (const { sink } of [both, first, second]) expect(told(sink)).toEqual(["online", "busy"]);
});

test("what is older than what was told is passed over, also when it comes by another room", () => {
  const presenceView = new PresenceView();
  const [ann, cleo] = [seatOf("ann"), seatOf("cleo")];
  const [one, two] = [roomOf(ann.subscriber), roomOf(cleo.subscriber)];
  presenceView.update(one, ben(2, "offline"));
  presenceView.update(one, ben(3, "online"));
  presenceView.update(one, ben(2, "offline"));
  presenceView.update(two, ben(2, "offline"));
  presenceView.update(two, ben(3, "online"));
  expect(told(ann.sink)).toEqual(["online"]);
  expect(told(cleo.sink)).toEqual(["online"]);
});

test("a new version of what is known is no news", () => {
  const presenceView = new PresenceView();
  const ann = seatOf("ann");
  const room = roomOf(ann.subscriber);
  presenceView.update(room, ben(1, "online"));
  presenceView.update(room, ben(9, "online"));
  presenceView.update(room, ben(10, "idle"));
  expect(told(ann.sink)).toEqual(["online", "idle"]);
});

test("somebody's own sessions hear of them by their own channel, not by their rooms", () => {
  const presenceView = new PresenceView();
  const own = seatOf("ben");
  presenceView.update(roomOf(own.subscriber), ben(1, "online"));
  expect(own.sink.signals).toEqual([]);
});

test("who comes in is told who is here, once however many rooms are shared; who returns, also who went lately", () => {
  const presenceView = new PresenceView();
  const [one, two] = [roomOf(), roomOf()];
  for (const room of [one, two]) presenceView.update(room, ben(1, "idle"));
  presenceView.update(two, { userId: "eve", version: 5, shown: "offline", activeAt: 5 });
  const [fresh, back] = [seatOf("ann"), seatOf("ann")];
  presenceView.sendAll(fresh.subscriber, [one, two], false);
  presenceView.sendAll(back.subscriber, [one, two], true);
  expect(told(fresh.sink)).toEqual(["idle"]);
  expect(told(back.sink)).toEqual(["idle", "offline"]);
});

test("whoever left a room is not seen there any more, also by what was on its way, until they join again", () => {
  const presenceView = new PresenceView();
  const ann = seatOf("ann");
  const room = roomOf(ann.subscriber);
  presenceView.update(room, ben(1, "online"));
  presenceView.left(room, "ben");
  presenceView.update(room, ben(2, "busy"));
  const late = seatOf("cleo");
  presenceView.sendAll(late.subscriber, [room], true);
  expect(told(ann.sink)).toEqual(["online"]);
  expect(told(late.sink)).toEqual([]);
  presenceView.joined(room, "ben");
  presenceView.update(room, ben(3, "online"));
  expect(told(ann.sink)).toEqual(["online", "online"]);
});

test("once it is settled who is here, whoever is not known is offline; a later word of them counts again", () => {
  const presenceView = new PresenceView();
  const ann = seatOf("ann");
  const room = roomOf(ann.subscriber);
  presenceView.update(room, ben(1, "online"));
  presenceView.update(room, { userId: "eve", version: 1, shown: "online", activeAt: 1 });
  presenceView.markOffline(room, new Map([["eve", true]]));
  presenceView.markOffline(room, new Map([["eve", true]]));
  expect(told(ann.sink)).toEqual(["online", "online", "offline"]);
  presenceView.update(room, ben(50, "online"));
  expect(told(ann.sink).at(-1)).toBe("online");
});

test("with the last room in which they were seen, people are forgotten", () => {
  const presenceView = new PresenceView();
  const [one, two] = [roomOf(), roomOf()];
  for (const room of [one, two]) presenceView.update(room, ben(7, "online"));
  presenceView.closed(one);
  presenceView.closed(two);
  const ann = seatOf("ann");
  // A version that was known before is news now: nobody remembers it.
  presenceView.update(roomOf(ann.subscriber), ben(7, "online"));
  expect(told(ann.sink)).toEqual(["online"]);
});
