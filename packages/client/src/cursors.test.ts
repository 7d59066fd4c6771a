import { describe, expect, test } from "vitest";
import { type Cursor, createCursors, type Sequenced } from "./cursors.ts";
import type { Reset } from "./events.ts";

const said = (seq: number, chatId = "a"): Sequenced => ({ type: "SEND_MSG", chatId, seq, recipientId: "me" });
const joined = (seq: number, userId = "me"): Sequenced => ({ ...said(seq), type: "USER_JOIN", message: userId });
const left = (seq: number, userId = "me"): Sequenced => ({ ...said(seq), type: "USER_LEAVE", senderId: userId });
const of = (type: string, seq: number): Sequenced => ({ ...said(seq), type });

/** Cursors after a first READY with these rooms. */
function after(rooms: Record<string, Cursor>) {
  const cursors = createCursors();
  cursors.ready(rooms, false);
  return cursors;
}
/** The rooms of the next RESUME, after a READY with these rooms. */
const resumeOf = (cursors: ReturnType<typeof createCursors>, rooms: Record<string, Cursor>) =>
  cursors.ready(rooms, true).cursors;

describe("an event", () => {
  test("is next when its seq is, seen when it is not higher, ahead when one is missing between", () => {
    const cursors = after({ a: 5 });
    expect([5, 6, 6, 3, 8, 7, 8].map((seq) => cursors.take(said(seq)))).toEqual([
      "seen",
      "next",
      "seen",
      "seen",
      "ahead",
      "next",
      "next",
    ]);
  });

  test("of one room says nothing about another", () => {
    const cursors = after({ a: 5, b: 0 });
    expect(cursors.take(said(6))).toBe("next");
    expect(cursors.take(said(1, "b"))).toBe("next");
  });

  test("counts, also when its type is unknown", () => {
    const cursors = after({ a: 5 });
    expect(cursors.take(of("POLL", 6))).toBe("next");
    expect(cursors.take({ type: "ROOM_STATE", chatId: "a", seq: 7 })).toBe("next");
    expect(cursors.take(said(8))).toBe("next");
  });

  test("begins a room that was not known, at any seq", () => {
    const cursors = after({});
    expect([cursors.take(of("NEW_CHAT", 1)), cursors.take(said(2))]).toEqual(["next", "next"]);
    expect([cursors.take({ ...joined(70), chatId: "b" }), cursors.take(said(71, "b"))]).toEqual(["next", "next"]);
  });

  test("with which the user enters a room may follow a gap, one of another user may not", () => {
    expect(after({ a: 5 }).take(joined(9))).toBe("next");
    expect(after({ a: 5 }).take(of("NEW_CHAT", 9))).toBe("next");
    expect(after({ a: 5 }).take(joined(9, "you"))).toBe("ahead");
    expect(after({ a: 5 }).take(joined(5))).toBe("seen");
  });
});

describe("a RESUME", () => {
  test("names the rooms that differ, those that are missing in READY among them", () => {
    const cursors = after({ same: 3, behind: 3, gone: 3, restored: 9 });
    expect(resumeOf(cursors, { same: 3, behind: 8, restored: 4 })).toEqual({ behind: 3, gone: 3, restored: 9 });
  });

  test("names nothing when nothing differs", () => {
    expect(resumeOf(after({ a: 5 }), { a: 5 })).toEqual({});
  });

  test("goes on from the same place when the connection broke before anything came", () => {
    const cursors = after({ a: 5 });
    expect([resumeOf(cursors, { a: 9 }), resumeOf(cursors, { a: 10 })]).toEqual([{ a: 5 }, { a: 5 }]);
  });

  test("does not name a room that appeared meanwhile: it goes on from READY, after a reset", () => {
    const cursors = after({});
    expect(cursors.ready({ a: 9 }, true)).toEqual({
      cursors: {},
      resets: [{ type: "RESET", chatId: "a", reason: "too_old", seq: 9, cursor: "9" }],
    });
    expect([cursors.take(said(9)), cursors.take(said(10))]).toEqual(["seen", "next"]);
  });

  test("names no cursor of another user", () => {
    const cursors = after({ a: 5, b: 2 });
    expect(cursors.ready({ a: 9 }, false)).toEqual({ cursors: {}, resets: [] });
    expect(resumeOf(cursors, { a: 10 })).toEqual({ a: 9 });
  });

  test("names no more rooms than fit its frame; the others in READY get a reset", () => {
    const ids = Array.from({ length: 4100 }, () => crypto.randomUUID());
    const at = (mark: string) => Object.fromEntries(ids.map((id) => [id, `${Number.MAX_SAFE_INTEGER}-${mark}`]));
    const { cursors, resets } = after(at("7ffffffe")).ready(at("7fffffff"), true);
    expect([Object.keys(cursors).length, resets.length]).toEqual([3900, 200]);
    expect(JSON.stringify({ type: "RESUME", rooms: cursors }).length).toBeLessThan(262_144);
  });

  test("leaves rooms that do not fit, and are missing in READY, to the next one", () => {
    const ids = Array.from({ length: 4100 }, (_, at) => `${at}`);
    const cursors = after(Object.fromEntries(ids.map((id) => [id, 1])));
    const first = resumeOf(cursors, {});
    for (const chatId of Object.keys(first))
      cursors.reset({ type: "RESET", chatId, reason: "not_member", seq: 1, cursor: "1" });
    expect(Object.keys(resumeOf(cursors, {})).length).toBe(200);
  });
});

describe("a mark", () => {
  const marked = (seq: number, mark: string) => ({ ...said(seq), mark });

  test("is a part of the cursor", () => {
    const cursors = after({ a: "5-0000000a", b: "0-00000000" });
    expect([cursors.take(said(5)), cursors.take(marked(6, "0000000b"))]).toEqual(["seen", "next"]);
    expect(resumeOf(cursors, { a: "7-0000000c", b: "1-0000000d" })).toEqual({ a: "6-0000000b", b: "0-00000000" });
    expect(resumeOf(cursors, { a: "6-0000000b", b: "0-00000000" })).toEqual({});
  });

  test("is a difference when the seq is none", () => {
    expect(resumeOf(after({ a: "5-0000000a" }), { a: "5-0000000b" })).toEqual({ a: "5-0000000a" });
  });

  test("that an event does not have leaves the cursor a bare seq", () => {
    const cursors = after({ a: "5-0000000a" });
    cursors.take(said(6));
    expect(resumeOf(cursors, { a: "6-0000000b" })).toEqual({ a: 6 });
  });

  test("is not compared with a bare seq of an older server, nor sent to it", () => {
    const cursors = after({ a: "5-0000000a", b: "2-0000000b", c: "1-0000000c" });
    expect(resumeOf(cursors, { a: 5, b: 4 })).toEqual({ b: 2, c: 1 });
    expect(resumeOf(cursors, { a: "6-0000000d", b: "2-0000000b" })).toEqual({ a: "5-0000000a", c: "1-0000000c" });
  });
});

describe("a room that the user left", () => {
  test("is not asked for when READY does not have it", () => {
    const cursors = after({ a: 5 });
    cursors.take(left(6));
    expect(resumeOf(cursors, {})).toEqual({});
    // It is forgotten by then.
    expect(cursors.ready({ a: 20 }, true).resets).toHaveLength(1);
  });

  test("resumes from its last seq when READY has it again", () => {
    const cursors = after({ a: 5 });
    cursors.take(left(6));
    expect(resumeOf(cursors, { a: 12 })).toEqual({ a: 6 });
    expect([cursors.take(left(6)), cursors.take(joined(10)), cursors.take(said(11))]).toEqual(["seen", "next", "next"]);
  });

  test("goes on with the next event, and has no gap after it", () => {
    const cursors = after({ a: 5 });
    cursors.take(left(6));
    expect([cursors.take(joined(10)), cursors.take(said(12)), cursors.take(said(11))]).toEqual([
      "next",
      "ahead",
      "next",
    ]);
  });

  test("is not one that another user left", () => {
    const cursors = after({ a: 5 });
    cursors.take(left(6, "you"));
    expect(resumeOf(cursors, {})).toEqual({ a: 6 });
  });
});

test("a deleted room is forgotten", () => {
  const cursors = after({ a: 5 });
  expect(cursors.take(of("DELETE_CHAT", 6))).toBe("next");
  expect(resumeOf(cursors, {})).toEqual({});
});

describe("a RESET", () => {
  test("moves the cursor, forwards or backwards", () => {
    const cursors = after({ a: 5 });
    cursors.reset({ type: "RESET", chatId: "a", reason: "too_old", seq: 50, cursor: "50" });
    expect([cursors.take(said(50)), cursors.take(said(51))]).toEqual(["seen", "next"]);
    cursors.reset({ type: "RESET", chatId: "a", reason: "too_old", seq: 2, cursor: "2" });
    expect(cursors.take(said(3))).toBe("next");
  });

  test("takes the cursor with its mark, or the seq of an older server", () => {
    const cursors = after({ a: "5-0000000a", b: 5 });
    cursors.reset({ type: "RESET", chatId: "a", reason: "diverged", seq: 3, cursor: "3-0000000b" });
    cursors.reset({ type: "RESET", chatId: "b", reason: "too_old", seq: 7 } as Reset);
    expect(resumeOf(cursors, { a: "3-0000000b", b: "8-0000000c" })).toEqual({ b: "7" });
    expect(cursors.take(said(4))).toBe("next");
  });

  test("of a room that is not the user's any more forgets it", () => {
    const cursors = after({ a: 5 });
    cursors.reset({ type: "RESET", chatId: "a", reason: "not_member", seq: 5, cursor: "5" });
    expect(resumeOf(cursors, {})).toEqual({});
  });

  test("ends a stay away", () => {
    const cursors = after({ a: 5 });
    cursors.take(left(6));
    cursors.reset({ type: "RESET", chatId: "a", reason: "too_old", seq: 9, cursor: "9" });
    expect([cursors.take(said(11)), cursors.take(said(10))]).toEqual(["ahead", "next"]);
  });
});
