/** The comparison itself: clients that were told rightly, not at all, or in vain. */
import { expect, test } from "vitest";
import { compare, type Lost, lostBetween, type StoredEvent, type Truth } from "../support/history/check.ts";
import { HeardRoom } from "../support/history/heard.ts";
import { until } from "../support/until.ts";

const ROOM = "room";
const message = (seq: number, messageId: string): StoredEvent => ({ seq, messageId, clientMessageId: undefined });
const story = (...ids: string[]): Truth => new Map([[ROOM, ids.map((id, index) => message(index + 2, id))]]);
const now = story("a", "c", "d");
const losses: Lost[] = [lostBetween(story("a", "b"), now)];

/** A client that has heard "a" and "b", and then the database changed. */
function listener() {
  const reload = async () => [
    { seq: 2, messageId: "a" },
    { seq: 3, messageId: "c" },
    { seq: 4, messageId: "d" },
  ];
  const room = new HeardRoom(ROOM, "1-00000000", { reload, epoch: () => 1 });
  room.event("2-00000001", "a");
  room.event("3-00000002", "b");
  return { room, findings: () => compare([{ name: "it", rooms: new Map([[ROOM, room]]), close() {} }], now, losses) };
}

test("a client that is told, loads, and hears the rest once has no findings", async () => {
  const { room, findings } = listener();
  room.reset("diverged", "3-00000003");
  room.event("4-00000004", "d");
  await until(
    () => findings().missing.length === 0,
    1000,
    () => findings().missing.join(),
  );
  expect(findings().wrong).toEqual([]);
});

test("a client that is not told is found, although its seqs have no gap", () => {
  const { room, findings } = listener();
  room.event(4, "d");
  expect(findings().missing).toHaveLength(3);
  expect(findings().missing.join()).toContain("was not told that 1 messages");
});

test.each([
  ["too_old", "3-00000003"],
  ["not_member", 0],
])("a client that is told %s is found", (reason, cursor) => {
  const { room, findings } = listener();
  room.reset(reason, cursor);
  expect(findings().wrong).toHaveLength(1);
});

test("an event twice, and a gap, are found", () => {
  const { room, findings } = listener();
  room.event("3-00000002", "b");
  room.event("5-00000005", "e");
  expect(findings().wrong).toHaveLength(2);
});

test("a reset of a room that lost nothing is found", () => {
  const { room } = listener();
  room.reset("diverged", "3-00000003");
  const { wrong } = compare([{ name: "it", rooms: new Map([[ROOM, room]]), close() {} }], now, [new Map()]);
  expect(wrong.join()).toContain("without one");
});
