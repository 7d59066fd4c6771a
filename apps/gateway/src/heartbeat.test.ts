import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import type { CloseReason } from "@signalbox/protocol/close";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { COMMENT_MS, HEARTBEAT_MS, Heartbeat, type HeartbeatTarget } from "./heartbeat.ts";

setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;

const BEGAN = Date.UTC(2026, 0, 1) + 130;
let heartbeat: Heartbeat;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setInterval", "clearInterval", "Date"], now: BEGAN });
  heartbeat = new Heartbeat();
});
afterEach(() => {
  heartbeat.close();
  expect(vi.getTimerCount()).toBe(0);
  vi.useRealTimers();
});

const pass = (ms: number) => vi.advanceTimersByTime(ms);

/** A session that answers pings as long as `answers` is true, with what it was told and when, in milliseconds since the beginning. */
class Recorded implements HeartbeatTarget {
  answers = true;
  readonly told: [string, number][] = [];
  #alive = true;

  ping(): void {
    this.#record("ping");
    this.#alive = this.answers;
  }
  alive(): boolean {
    return this.#alive;
  }
  close(reason: CloseReason): void {
    this.#record(reason);
  }
  times(what: string): number[] {
    return this.told.filter(([each]) => each === what).map(([, at]) => at);
  }
  #record(what: string): void {
    this.told.push([what, Date.now() - BEGAN]);
  }
}

describe("pings", () => {
  test("come every 25 s, from 25 s after the session came", () => {
    pass(7500);
    const session = new Recorded();
    heartbeat.add(session);
    pass(4 * HEARTBEAT_MS);
    const [first = 0, ...others] = session.times("ping");
    expect(first - 7500).toBeGreaterThan(HEARTBEAT_MS - 1000);
    expect(first - 7500).toBeLessThanOrEqual(HEARTBEAT_MS);
    expect(others.map((at) => at - first)).toEqual([25_000, 50_000, 75_000]);
    expect(session.times("heartbeat")).toEqual([]);
  });

  test("of streams come every 15 s, beside those of sockets", () => {
    const [stream, socket] = [new Recorded(), new Recorded()];
    heartbeat.add(stream, COMMENT_MS);
    heartbeat.add(socket);
    pass(75_000);
    expect(stream.times("ping")).toEqual([15_000, 30_000, 45_000, 60_000, 75_000]);
    expect(socket.times("ping")).toEqual([25_000, 50_000, 75_000]);
    stream.answers = false;
    pass(25_000);
    expect(stream.times("heartbeat")).toEqual([100_000]);
  });

  test("of sessions that come one by one are spread", () => {
    const sessions = Array.from({ length: 25 }, () => {
      const session = new Recorded();
      heartbeat.add(session);
      pass(1000);
      return session;
    });
    pass(HEARTBEAT_MS);
    expect(new Set(sessions.map((session) => session.times("ping")[0])).size).toBe(25);
  });

  test("without a pong within 10 s end the session", () => {
    const session = new Recorded();
    session.answers = false;
    const stop = heartbeat.add(session);
    pass(HEARTBEAT_MS + 9999);
    expect(session.times("heartbeat")).toEqual([]);
    pass(1);
    expect(session.times("heartbeat")).toEqual([HEARTBEAT_MS + 10_000]);
    stop();
    pass(4 * HEARTBEAT_MS);
    expect(session.told).toHaveLength(2);
  });

  test("end with the session, also when others end in the same moment", () => {
    const sessions = Array.from({ length: 5 }, () => new Recorded());
    const stops = sessions.map((session) => heartbeat.add(session));
    for (const session of sessions) {
      session.answers = false;
      session.close = () => stops.forEach((stop) => void stop());
    }
    pass(HEARTBEAT_MS * 3);
    expect(sessions.map((session) => session.times("ping").length)).toEqual([1, 1, 1, 1, 1]);
  });
});

describe("a token", () => {
  /** When a session hears of the end of a token that ends at `at`, in milliseconds since the beginning. */
  function heardAt(at: number): number | undefined {
    const session = new Recorded();
    heartbeat.expire(session, new Date(BEGAN + at));
    pass(Math.max(at, 0) + 3000);
    return session.times("unauthenticated")[0];
  }

  test.each([1, 370, 371, 499, 500, 501, 869, 870, 871, 999, 1000, 1001, 5678, 60_000])(
    "that ends in %i ms ends not before, and within a second after",
    (at) => {
      const heard = heardAt(at) ?? Number.NaN;
      expect(heard).toBeGreaterThanOrEqual(at);
      expect(heard).toBeLessThanOrEqual(at + 1000);
    },
  );

  test.each([0, -1, -131, -1000, -86_400_000, -BEGAN])("that ended %i ms ago ends within a second", (at) => {
    pass(250);
    expect(heardAt(at)).toBeLessThanOrEqual(1250);
  });

  test("that ends far beyond what a timer can hold does not end now", () => {
    const session = new Recorded();
    for (const at of [2 ** 31, 2 ** 40]) heartbeat.expire(session, new Date(BEGAN + at));
    heartbeat.expire(session, new Date(8.64e15));
    pass(120_000);
    expect(session.told).toEqual([]);
    vi.setSystemTime(BEGAN + 2 ** 31);
    pass(1000);
    expect(session.times("unauthenticated")).toHaveLength(1);
  });

  test("ends after the machine slept past it, once", () => {
    const session = new Recorded();
    heartbeat.expire(session, new Date(BEGAN + 10_000));
    vi.setSystemTime(BEGAN + 86_400_000);
    pass(5000);
    expect(session.times("unauthenticated")).toHaveLength(1);
  });

  test("that is called off says nothing, and leaves the others of its moment alone", () => {
    const [ann, ben] = [new Recorded(), new Recorded()];
    const at = new Date(BEGAN + 2000);
    const callOff = heartbeat.expire(ann, at);
    heartbeat.expire(ben, at);
    callOff();
    callOff();
    pass(5000);
    expect([ann.times("unauthenticated").length, ben.times("unauthenticated").length]).toEqual([0, 1]);
  });

  test("called off after it ended does not touch a later one", () => {
    const [ann, ben] = [new Recorded(), new Recorded()];
    const callOff = heartbeat.expire(ann, new Date(BEGAN + 1000));
    pass(3000);
    heartbeat.expire(ben, new Date(BEGAN + 1000));
    callOff();
    pass(2000);
    expect(ben.times("unauthenticated")).toHaveLength(1);
  });
});

test("nothing is kept of sessions that ended", async () => {
  const kept: WeakRef<Recorded>[] = [];
  const comeAndGo = () => {
    const session = new Recorded();
    kept.push(new WeakRef(session));
    const stop = heartbeat.add(session);
    const callOff = heartbeat.expire(session, new Date(BEGAN + 3_600_000));
    stop();
    callOff();
  };
  for (let each = 0; each < 100; each++) comeAndGo();
  await new Promise((resolve) => setImmediate(resolve));
  collectGarbage();
  expect(kept.filter((ref) => ref.deref() !== undefined)).toHaveLength(0);
});
