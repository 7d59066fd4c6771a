import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { bring, type SetUp, said, setUp, statesOf } from "./connection.fake.ts";

beforeEach(() => {
  vi.useFakeTimers({ now: Date.UTC(2026, 0, 1) });
  vi.spyOn(Math, "random").mockReturnValue(0.5);
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

/** Lets `ms` milliseconds pass, and promises settle. */
const pass = (ms = 0) => vi.advanceTimersByTimeAsync(ms);

describe("a dead connection", () => {
  const pings = ({ last }: SetUp) => last().sent.filter(({ type }) => type === "PING").length;

  test("is found by a PING that nothing answers", async () => {
    const at = setUp();
    await at.live();
    await pass(24_999);
    expect(pings(at)).toBe(0);
    await pass(1);
    expect(pings(at)).toBe(1);
    await pass(9999);
    expect(statesOf(at).at(-1)).toBe("live");
    await pass(1);
    expect(at.changes.at(-1)).toEqual({ state: "waiting", retryInMs: 500, code: 1006 });
    expect(at.sockets[0]?.closedWith).toBe(1000);
  });

  test("is not one on which any frame arrives", async () => {
    const at = setUp();
    await at.live({ a: 0 });
    const answers = [{ type: "PONG" }, { type: "NEWS" }, said("a", 1), said("a", 1)];
    for (const answer of answers) {
      await pass(34_999);
      at.last().say(answer);
    }
    await pass(24_999);
    expect([pings(at), statesOf(at).at(-1)]).toEqual([4, "live"]);
  });

  test("is found while it resumes, too", async () => {
    const at = setUp();
    await bring(at, "resuming");
    await pass(34_999);
    expect([pings(at), statesOf(at).at(-1)]).toEqual([1, "connecting"]);
    await pass(1);
    expect(at.changes.at(-1)).toEqual({ state: "waiting", retryInMs: 1000, code: 1006 });
  });

  test.each(["that never opens", "that opens and says nothing"])("is a handshake %s", async (how) => {
    const at = setUp();
    void at.connection.connect();
    await pass();
    if (how !== "that never opens") at.last().open();
    await pass(19_999);
    expect(statesOf(at)).toEqual(["connecting"]);
    await pass(1);
    expect(at.changes.at(-1)).toEqual({ state: "waiting", retryInMs: 500, code: 1006 });
    await pass(500);
    at.sockets[0]?.open();
    at.sockets[0]?.say({ type: "READY", sessionId: "s", userId: "you", heartbeatMs: 1, rooms: {} });
    at.sockets[0]?.end(4401);
    await pass();
    expect([at.sockets.length, at.connection.userId, statesOf(at).at(-1)]).toEqual([2, undefined, "connecting"]);
  });

  test("sends nothing when its socket is closing already", async () => {
    const at = setUp();
    await at.live();
    at.last().readyState = 2;
    expect([at.connection.send({ type: "TYPING" }), at.last().sent]).toEqual([false, []]);
  });
});

describe("frames", () => {
  test("of unknown types, and texts that are no frames, are dropped", async () => {
    const at = setUp();
    await at.live({ a: 0 });
    for (const frame of ["", "null", "7", "[]", "{}", '{"type":7}', "{", { type: "NEWS" }, { type: "PONG" }])
      at.last().say(frame);
    at.last().say({ type: "READY", sessionId: "s", userId: "you", heartbeatMs: 1, rooms: {} });
    expect([at.frames, at.connection.userId, statesOf(at)]).toEqual([[], "me", ["connecting", "live"]]);
  });

  test("with a seq count, also when their type is unknown", async () => {
    const at = setUp();
    await at.live({ a: 0 });
    at.last().say({ type: "POLL", chatId: "a", seq: 1 });
    at.last().say(said("a", 2));
    expect([at.frames.length, statesOf(at).at(-1)]).toEqual([1, "live"]);
  });

  test("without a seq are handed on as they come", async () => {
    const at = setUp();
    await at.live({ a: 0 });
    const types = [
      "TYPING",
      "STOP_TYPING",
      "READ_MSG",
      "RECEIPTS",
      "PRESENCE",
      "NOTIFICATION",
      "MARKER",
      "ACK",
      "ERROR",
    ];
    for (const type of types) at.last().say({ type, chatId: "a" });
    expect(at.frames.map(({ type }) => type)).toEqual(types);
  });

  test("with a gap before them cause a reconnect, and a reset when that does not close the gap", async () => {
    const at = setUp();
    await at.live({ a: 1 });
    at.last().say(said("a", 4));
    expect([at.frames.length, at.changes.at(-1)?.state]).toEqual([0, "waiting"]);
    await pass(500);
    at.ready({ a: 4 });
    expect(at.last().sent).toEqual([{ type: "RESUME", rooms: { a: 1 } }]);
    at.last().say(said("a", 4));
    at.last().say({ type: "RESUMED" });
    at.last().say(said("a", 5));
    expect(at.frames.map((frame) => ("seq" in frame ? [frame.type, frame.seq] : []))).toEqual([
      ["RESET", 3],
      ["SEND_MSG", 4],
      ["SEND_MSG", 5],
    ]);
    expect([at.sockets.length, statesOf(at).at(-1)]).toEqual([2, "live"]);
  });

  test("of a RESET move the cursor", async () => {
    const at = setUp();
    await at.live({ a: 1, b: 1 });
    at.last().end(1006);
    await pass(500);
    at.ready({ a: 50 });
    at.last().say({ type: "RESET", chatId: "a", reason: "too_old", seq: 50, cursor: "50-0000000a" });
    at.last().say({ type: "RESET", chatId: "b", reason: "not_member", seq: 1, cursor: "1" });
    at.last().say(said("a", 51));
    at.last().end(1006);
    await pass(1000);
    at.ready({ a: 52 });
    expect(at.last().sent).toEqual([{ type: "RESUME", rooms: { a: 51 } }]);
    expect(at.frames.map(({ type }) => type)).toEqual(["RESET", "RESET", "SEND_MSG"]);
  });

  test("of a RESET after lost events are handed on, and events go on from its cursor", async () => {
    const at = setUp();
    await at.live({ a: "4-0000000a" });
    at.last().say(said("a", 5, "0000000b"));
    at.last().end(1006);
    await pass(500);
    at.ready({ a: "5-0000000c" });
    expect(at.last().sent).toEqual([{ type: "RESUME", rooms: { a: "5-0000000b" } }]);
    const reset = { type: "RESET", chatId: "a", reason: "diverged", seq: 3, cursor: "3-00000001" };
    at.last().say(reset);
    at.last().say(said("a", 4, "0000000d"));
    expect(at.frames.slice(1)).toEqual([reset, { ...said("a", 4), mark: "0000000d" }]);
    at.last().end(1006);
    await pass(1000);
    at.ready({ a: "4-0000000d" });
    expect(at.last().sent).toEqual([{ type: "RESUME", rooms: {} }]);
  });
});
