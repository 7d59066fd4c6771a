import { expect, test } from "vitest";
import type { ShownPresence } from "../ports/engine-frames.ts";
import { RecordingSink } from "../testing/recording-sink.fake.ts";
import { Sightings } from "./presence-view.ts";
import type { Feed } from "./room-feed.ts";
import { createSeat, type Seat } from "./subscriber.ts";

/** A room, as far as sightings know one. */
const roomOf = (...seats: Seat[]) => ({ live: new Set(seats) }) as unknown as Feed;
const seatOf = (userId: string) => {
  const sink = new RecordingSink(userId);
  return { sink, seat: createSeat(sink) };
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
  const sightings = new Sightings();
  const [both, first, second] = [seatOf("ann"), seatOf("cleo"), seatOf("dora")];
  const [one, two] = [roomOf(both.seat, first.seat), roomOf(both.seat, second.seat)];
  for (const room of [one, two, one, two]) sightings.saw(room, ben(1, "online"));
  for (const room of [two, one]) sightings.saw(room, ben(2, "busy"));
  for (const { sink } of [both, first, second]) expect(told(sink)).toEqual(["online", "busy"]);
});

test("what is older than what was told is passed over, also when it comes by another room", () => {
  const sightings = new Sightings();
  const [ann, cleo] = [seatOf("ann"), seatOf("cleo")];
  const [one, two] = [roomOf(ann.seat), roomOf(cleo.seat)];
  sightings.saw(one, ben(2, "offline"));
  sightings.saw(one, ben(3, "online"));
  sightings.saw(one, ben(2, "offline"));
  sightings.saw(two, ben(2, "offline"));
  sightings.saw(two, ben(3, "online"));
  expect(told(ann.sink)).toEqual(["online"]);
  expect(told(cleo.sink)).toEqual(["online"]);
});

test("a new version of what is known is no news", () => {
  const sightings = new Sightings();
  const ann = seatOf("ann");
  const room = roomOf(ann.seat);
  sightings.saw(room, ben(1, "online"));
  sightings.saw(room, ben(9, "online"));
  sightings.saw(room, ben(10, "idle"));
  expect(told(ann.sink)).toEqual(["online", "idle"]);
});

test("somebody's own sessions hear of them by their own channel, not by their rooms", () => {
  const sightings = new Sightings();
  const own = seatOf("ben");
  sightings.saw(roomOf(own.seat), ben(1, "online"));
  expect(own.sink.signals).toEqual([]);
});

test("who comes in is told who is here, once however many rooms are shared; who returns, also who went lately", () => {
  const sightings = new Sightings();
  const [one, two] = [roomOf(), roomOf()];
  for (const room of [one, two]) sightings.saw(room, ben(1, "idle"));
  sightings.saw(two, { userId: "eve", version: 5, shown: "offline", activeAt: 5 });
  const [fresh, back] = [seatOf("ann"), seatOf("ann")];
  sightings.present(fresh.seat, [one, two], false);
  sightings.present(back.seat, [one, two], true);
  expect(told(fresh.sink)).toEqual(["idle"]);
  expect(told(back.sink)).toEqual(["idle", "offline"]);
});

test("whoever left a room is not seen there any more, also by what was on its way, until they join again", () => {
  const sightings = new Sightings();
  const ann = seatOf("ann");
  const room = roomOf(ann.seat);
  sightings.saw(room, ben(1, "online"));
  sightings.left(room, "ben");
  sightings.saw(room, ben(2, "busy"));
  const late = seatOf("cleo");
  sightings.present(late.seat, [room], true);
  expect(told(ann.sink)).toEqual(["online"]);
  expect(told(late.sink)).toEqual([]);
  sightings.joined(room, "ben");
  sightings.saw(room, ben(3, "online"));
  expect(told(ann.sink)).toEqual(["online", "online"]);
});

test("once it is settled who is here, whoever is not known is offline; a later word of them counts again", () => {
  const sightings = new Sightings();
  const ann = seatOf("ann");
  const room = roomOf(ann.seat);
  sightings.saw(room, ben(1, "online"));
  sightings.saw(room, { userId: "eve", version: 1, shown: "online", activeAt: 1 });
  sightings.missed(room, new Map([["eve", true]]));
  sightings.missed(room, new Map([["eve", true]]));
  expect(told(ann.sink)).toEqual(["online", "online", "offline"]);
  sightings.saw(room, ben(50, "online"));
  expect(told(ann.sink).at(-1)).toBe("online");
});

test("with the last room in which they were seen, people are forgotten", () => {
  const sightings = new Sightings();
  const [one, two] = [roomOf(), roomOf()];
  for (const room of [one, two]) sightings.saw(room, ben(7, "online"));
  sightings.closed(one);
  sightings.closed(two);
  const ann = seatOf("ann");
  // A version that was known before is news now: nobody remembers it.
  sightings.saw(roomOf(ann.seat), ben(7, "online"));
  expect(told(ann.sink)).toEqual(["online"]);
});
