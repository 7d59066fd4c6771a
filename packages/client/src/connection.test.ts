import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { bring, said, setUp, statesOf } from "./connection.fake.ts";
import { createConnection } from "./connection.ts";
import { SignalboxError } from "./errors.ts";
import { type State, TABLE } from "./state-machine.ts";

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
const codeOf = (promise: Promise<unknown>) =>
  promise.then(
    () => "resolved",
    (error: unknown) => (error instanceof SignalboxError ? error.code : error),
  );

const STATES = Object.keys(TABLE) as State[];

describe("a first connection", () => {
  test("opens a socket with its token, and is live with READY", async () => {
    const at = setUp();
    const connected = at.connection.connect();
    await pass();
    expect(at.last().url).toBe("wss://gateway.example/chat/realtime");
    expect(at.last().protocols).toEqual(["signalbox.v1", "bearer.token"]);
    at.last().open();
    expect([at.connection.userId, statesOf(at)]).toEqual([undefined, ["connecting"]]);
    at.ready();
    await connected;
    expect([at.connection.userId, at.changes]).toEqual(["me", [{ state: "connecting" }, { state: "live" }]]);
    expect(at.last().sent).toEqual([]);
  });

  test("does nothing before connect()", async () => {
    const at = setUp();
    await pass(60_000);
    expect([at.sockets.length, vi.getTimerCount(), at.connection.send({ type: "PING" })]).toEqual([0, 0, false]);
  });

  test("without a socket is stopped", async () => {
    const at = setUp();
    const connection = createConnection({
      url: "https://gateway.example",
      WebSocket: class {
        constructor() {
          throw new SyntaxError("no subprotocol looks like that");
        }
      } as never,
      tokens: at.tokens,
      events: { received: () => undefined, changed: (change) => at.changes.push(change) },
    });
    expect(await codeOf(connection.connect())).toBe("invalid");
    expect(at.changes).toEqual([{ state: "connecting" }, { state: "stopped", code: "invalid" }]);
  });
});

describe("a reconnect", () => {
  test("resumes after the last events, and is live only after RESUMED", async () => {
    const at = setUp();
    await at.live({ a: 5, b: 7, c: 1 });
    at.last().say(said("a", 6));
    at.last().end(1006);
    await pass(500);
    expect(at.last().url).toBe("wss://gateway.example/chat/realtime?resume=1");
    at.ready({ a: 6, b: 9, d: 3 });
    expect(at.last().sent).toEqual([{ type: "RESUME", rooms: { b: 7, c: 1 } }]);
    at.last().say(said("b", 8));
    at.last().say(said("b", 9));
    expect(at.connection.send({ type: "TYPING" })).toBe(false);
    expect(statesOf(at)).toEqual(["connecting", "live", "waiting", "connecting"]);
    at.last().say({ type: "RESUMED" });
    expect(at.connection.send({ type: "TYPING" })).toBe(true);
    expect(at.last().sent.at(-1)).toEqual({ type: "TYPING" });
    expect(at.changes.slice(2)).toEqual([
      { state: "waiting", retryInMs: 500, code: 1006 },
      { state: "connecting" },
      { state: "live" },
    ]);
    expect(at.frames.map((frame) => ("seq" in frame ? [frame.type, frame.chatId, frame.seq] : frame.type))).toEqual([
      ["SEND_MSG", "a", 6],
      // A room that appeared meanwhile: its earlier events are lost, so there is a reset.
      ["RESET", "d", 3],
      ["SEND_MSG", "b", 8],
      ["SEND_MSG", "b", 9],
    ]);
  });

  test("does not resume when there was no READY yet", async () => {
    const at = setUp();
    void at.connection.connect();
    await pass();
    at.last().end(1006);
    await pass(500);
    expect(at.last().url).toBe("wss://gateway.example/chat/realtime");
    at.ready();
    expect(at.changes.at(-1)).toEqual({ state: "live" });
  });

  test("comes later with each failed attempt, and soon again only after it was live", async () => {
    const at = setUp();
    await at.live();
    const waits: unknown[] = [];
    const fail = async (how: () => void) => {
      how();
      waits.push(at.changes.at(-1)?.retryInMs);
      await pass(at.changes.at(-1)?.retryInMs);
    };
    await fail(() => at.last().end(1006));
    await fail(() => at.last().end(1006));
    await fail(() => {
      at.ready();
      at.last().end(4003);
    });
    at.ready();
    at.last().say({ type: "RESUMED" });
    await fail(() => at.last().end(1012));
    expect(waits).toEqual([500, 1000, 2000, 500]);
  });

  test("comes at once when a browser reports that the network is back", async () => {
    const page = new EventTarget();
    vi.stubGlobal("addEventListener", page.addEventListener.bind(page));
    vi.stubGlobal("removeEventListener", page.removeEventListener.bind(page));
    const removed = vi.spyOn(globalThis as unknown as EventTarget, "removeEventListener");
    const at = setUp();
    await bring(at, "waiting");
    page.dispatchEvent(new Event("online"));
    await pass();
    expect([at.sockets.length, statesOf(at).at(-1)]).toEqual([2, "connecting"]);
    expect(removed).toHaveBeenCalled();
    page.dispatchEvent(new Event("online"));
    await pass();
    expect(at.sockets).toHaveLength(2);
  });

  test("does not come at once when the server asked for a longer wait", async () => {
    const page = new EventTarget();
    vi.stubGlobal("addEventListener", page.addEventListener.bind(page));
    const at = setUp();
    await at.live();
    at.last().end(4029);
    page.dispatchEvent(new Event("online"));
    await pass();
    expect([at.sockets.length, statesOf(at).at(-1)]).toEqual([1, "waiting"]);
  });

  test("follows an error without a close event of a socket that never opened, as in Node 22", async () => {
    const at = setUp();
    void at.connection.connect();
    await pass();
    at.last().fail();
    expect(at.changes.at(-1)).toEqual({ state: "waiting", retryInMs: 500, code: 1006 });
  });

  test("as another user uses no cursor of the first one", async () => {
    const at = setUp();
    await at.live({ a: 5, b: 2 });
    at.connection.disconnect();
    void at.connection.connect();
    await pass();
    at.ready({ a: 9 }, { userId: "you" });
    expect(at.last().sent).toEqual([{ type: "RESUME", rooms: {} }]);
    expect([at.frames, at.connection.userId]).toEqual([[], "you"]);
  });
});

/** A function that hands out "1", "2", … */
const counting = () => {
  let count = 0;
  return vi.fn(async () => `${++count}`);
};

describe("connect()", () => {
  test.each(["authorizing", "opening", "resuming", "live"] as const)(
    "again, when %s, changes nothing",
    async (state) => {
      const at = setUp();
      await bring(at, state);
      const before = [at.sockets.length, at.changes.length];
      const again = at.connection.connect();
      await pass();
      expect(at.connection.connect()).toBe(again);
      expect(at.sockets.length).toBe(Math.max(before[0] ?? 0, 1));
      expect(at.changes.length).toBe(before[1]);
    },
  );

  test("cuts the waiting short", async () => {
    const at = setUp();
    await bring(at, "waiting");
    void at.connection.connect();
    await pass();
    expect(at.sockets).toHaveLength(2);
    await pass(10_000);
    expect(at.sockets).toHaveLength(2);
  });

  test.each(["idle", "stopped"] as const)("when it is %s, begins anew, and resumes", async (state) => {
    const at = setUp(counting());
    await at.live({ a: 5 });
    if (state === "idle") at.connection.disconnect();
    else at.last().end(1009);
    const connected = at.connection.connect();
    await pass();
    at.ready({ a: 8 });
    expect(at.last().sent).toEqual([{ type: "RESUME", rooms: { a: 5 } }]);
    at.last().say({ type: "RESUMED" });
    expect(await codeOf(connected)).toBe("resolved");
    expect(statesOf(at)).toEqual(["connecting", "live", state, "connecting", "live"]);
  });

  test("rejects when it is stopped, or ended, before it was live", async () => {
    const at = setUp();
    const ended = at.connection.connect();
    at.connection.disconnect();
    expect(await codeOf(ended)).toBe("disconnected");
    const refused = at.connection.connect();
    await pass();
    at.last().end(4401);
    expect(await codeOf(refused)).toBe("unauthenticated");
    at.tokens.set("another");
    const closed = at.connection.connect();
    await pass();
    at.last().end(1009);
    expect(await codeOf(closed)).toBe("disconnected");
  });

  test("outlives failed attempts", async () => {
    const at = setUp();
    const connected = at.connection.connect();
    await pass();
    at.last().end(1006);
    await pass(500);
    at.ready();
    expect(await codeOf(connected)).toBe("resolved");
  });
});

describe("disconnect()", () => {
  test.each(STATES)("when %s, leaves nothing running, and late events change nothing", async (state) => {
    const at = setUp(async () => "token");
    await bring(at, state);
    at.connection.disconnect();
    const { changes, frames, sockets } = at;
    expect(statesOf(at).at(-1)).toBe(state === "idle" ? undefined : "idle");
    // A fetch of a token goes on until its end, with a timer for its limit.
    await pass();
    expect(vi.getTimerCount()).toBe(0);
    const told = [changes.length, frames.length];
    for (const socket of sockets) {
      expect(socket.closedWith !== undefined || socket.readyState === 3).toBe(true);
      socket.say({ type: "READY", sessionId: "s", userId: "you", heartbeatMs: 1, rooms: {} });
      socket.say({ type: "RESUMED" });
      socket.say(said("a", 1));
      socket.end(1006);
    }
    await pass(120_000);
    at.connection.disconnect();
    expect([changes.length, frames.length, vi.getTimerCount()]).toEqual([...told, 0]);
    expect([at.connection.send({ type: "PING" }), at.connection.userId]).not.toContain("you");
  });

  test("removes the listener for the network", async () => {
    const listening = new Set<unknown>();
    vi.stubGlobal("addEventListener", (_: string, listener: unknown) => listening.add(listener));
    vi.stubGlobal("removeEventListener", (_: string, listener: unknown) => listening.delete(listener));
    const at = setUp();
    await bring(at, "waiting");
    expect(listening.size).toBe(1);
    at.connection.disconnect();
    expect(listening.size).toBe(0);
  });

  test("by a handler in the middle of a replay takes effect at once", async () => {
    const at = setUp();
    await at.live({ a: 0 });
    at.last().end(1006);
    await pass(500);
    at.ready({ a: 3, b: 2, c: 2 });
    at.handlers.received = () => at.connection.disconnect();
    at.last().say(said("a", 1));
    at.last().say(said("a", 2));
    expect(at.frames.map((frame) => frame.type)).toEqual(["RESET", "RESET", "SEND_MSG"]);
    expect([statesOf(at).at(-1), vi.getTimerCount()]).toEqual(["idle", 0]);
  });

  test("by a handler of a reset keeps no other reset back: no later READY would cause it", async () => {
    const at = setUp();
    await bring(at, "waiting");
    await pass(500);
    at.handlers.received = () => at.connection.disconnect();
    at.ready({ a: 3, b: 2 });
    expect(at.frames.map((frame) => "chatId" in frame && frame.chatId)).toEqual(["a", "b"]);
    expect([statesOf(at).at(-1), vi.getTimerCount()]).toEqual(["idle", 0]);
  });

  test("and connect() by a handler of changes: each change is reported once, in its order", async () => {
    const at = setUp();
    await at.live();
    at.handlers.changed = ({ state }) => {
      if (state === "waiting") at.connection.disconnect();
      else if (state === "idle") void at.connection.connect();
    };
    at.last().end(1006);
    await pass();
    at.ready();
    at.last().say({ type: "RESUMED" });
    expect(statesOf(at)).toEqual(["connecting", "live", "waiting", "idle", "connecting", "live"]);
  });
});
