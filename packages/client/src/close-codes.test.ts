import { CLOSE } from "@signalbox/protocol/close";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { bring, type SetUp, setUp, statesOf } from "./connection.fake.ts";
import { SignalboxError } from "./errors.ts";

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

/** A function that hands out "1", "2", … */
const counting = () => {
  let count = 0;
  return vi.fn(async () => `${++count}`);
};

interface Answer {
  resolve(token: string): void;
  reject(error: Error): void;
}

describe("a close code", () => {
  const codes = Object.values(CLOSE).map(({ code, next }) => ({ code: code as number, next: next as string }));
  const unlisted = [
    { code: 3000, next: "resume" },
    { code: 4399, next: "resume" },
    { code: 4400, next: "token" },
    { code: 4999, next: "token" },
  ];

  test.each([...codes, ...unlisted])("$code is obeyed: $next", async ({ code, next }) => {
    const at = setUp();
    await at.live();
    at.last().end(code);
    await pass();
    const last = at.changes.at(-1);
    if (next === "resume") expect(last).toEqual({ state: "waiting", retryInMs: 500, code });
    else if (next === "backoff") expect(last).toEqual({ state: "waiting", retryInMs: 10_500, code });
    else expect(last).toEqual({ state: "stopped", code });
    await pass(11_000);
    expect(at.sockets).toHaveLength(next === "resume" || next === "backoff" ? 2 : 1);
    at.connection.disconnect();
  });
});

describe("a token", () => {
  test("that could not be fetched is fetched again later", async () => {
    const ask = vi.fn().mockRejectedValueOnce(new TypeError("fetch failed")).mockResolvedValue("token");
    const at = setUp(ask);
    const connected = at.connection.connect();
    await pass();
    expect(at.changes.at(-1)).toEqual({ state: "waiting", retryInMs: 500, code: "network" });
    await pass(500);
    at.ready();
    await connected;
    expect(statesOf(at)).toEqual(["connecting", "waiting", "connecting", "live"]);
  });

  test.each(["no_token", "unauthenticated"] as const)("whose function says %s stops it", async (code) => {
    const at = setUp(() => Promise.reject(new SignalboxError(code, "signed out")));
    expect(await codeOf(at.connection.connect())).toBe(code);
    expect(at.changes).toEqual([{ state: "connecting" }, { state: "stopped", code }]);
    expect(vi.getTimerCount()).toBe(0);
  });

  test.each(["opening", "resuming", "live"] as const)("that was refused when %s is replaced at once", async (state) => {
    const at = setUp(counting());
    await bring(at, state);
    const before = at.sockets.length;
    at.last().end(4401);
    await pass();
    expect(at.sockets).toHaveLength(before + 1);
    expect(at.last().protocols).toContain("bearer.2");
    at.ready();
    at.last().say({ type: "RESUMED" });
    expect(statesOf(at).at(-1)).toBe("live");
  });

  test("that was refused twice stops it, with the code", async () => {
    const ask = counting();
    const at = setUp(ask);
    await at.live();
    at.last().end(4409);
    expect(at.changes.at(-1)).toEqual({ state: "connecting", code: 4409 });
    await pass();
    at.last().end(4401);
    await pass(60_000);
    expect(at.changes.at(-1)).toEqual({ state: "stopped", code: 4401 });
    expect(ask).toHaveBeenCalledTimes(2);
  });

  test("that was refused twice, but was good in between, is replaced again", async () => {
    const at = setUp(counting());
    await at.live();
    for (const _ of [1, 2, 3]) {
      at.last().end(4401);
      await pass();
      at.ready();
      at.last().say({ type: "RESUMED" });
    }
    expect([statesOf(at).at(-1), at.sockets.length]).toEqual(["live", 4]);
  });

  test("that was set while the old one ran is taken when that is refused", async () => {
    const at = setUp("old");
    await at.live();
    at.tokens.set("new");
    at.last().end(4401);
    await pass();
    expect(at.last().protocols).toContain("bearer.new");
  });

  test.each([
    ["that arrives", (answer: Answer) => answer.resolve("old")],
    ["that fails to arrive", (answer: Answer) => answer.reject(new Error("old"))],
  ])("%s after disconnect() and connect() is not the one that was asked for then", async (_, arrive) => {
    const at = setUp();
    const answers: Answer[] = [];
    at.tokens.get = () => new Promise((resolve, reject) => answers.push({ resolve, reject }));
    void at.connection.connect();
    at.connection.disconnect();
    void at.connection.connect();
    answers[0] && arrive(answers[0]);
    await pass();
    expect([at.sockets.length, statesOf(at).at(-1)]).toEqual([0, "connecting"]);
    answers[1]?.resolve("new");
    await pass();
    expect([at.sockets.length, at.last().protocols[1]]).toEqual([1, "bearer.new"]);
  });
});

describe("a token that ends", () => {
  /** One that lives for a minute from now. */
  const jwt = (name: string) => {
    const now = Math.floor(Date.now() / 1000);
    return `e30.${btoa(JSON.stringify({ iat: now, exp: now + 60, name }))}.x`;
  };
  const refreshing = () => {
    let count = 0;
    return setUp(vi.fn(async () => jwt(`${++count}`)));
  };
  const auths = ({ last }: SetUp) => last().sent.filter(({ type }) => type === "AUTH");

  test("is replaced on the running connection, again and again", async () => {
    const at = refreshing();
    await at.live();
    // Nothing else is said meanwhile.
    at.last().answer = ({ type }) => type === "PING" && at.last().say({ type: "PONG" });
    await pass(47_000);
    expect(auths(at)).toEqual([]);
    await pass(1000);
    expect(auths(at)).toEqual([{ type: "AUTH", token: await at.tokens.get() }]);
    await pass(48_000);
    expect(auths(at)).toHaveLength(2);
    expect([at.sockets.length, statesOf(at)]).toEqual([1, ["connecting", "live"]]);
    at.connection.disconnect();
    expect(vi.getTimerCount()).toBe(0);
  });

  test("is replaced while it resumes, too", async () => {
    const at = refreshing();
    await bring(at, "resuming");
    at.last().answer = ({ type }) => type === "PING" && at.last().say({ type: "PONG" });
    await pass(48_000);
    expect([auths(at).length, statesOf(at).at(-1)]).toEqual([1, "connecting"]);
  });

  test("is tried to be replaced until the end when that fails", async () => {
    const ask = vi.fn<() => Promise<string>>().mockResolvedValueOnce(jwt("first"));
    ask.mockRejectedValue(new Error("no network"));
    const at = setUp(ask);
    await at.live();
    at.last().answer = ({ type }) => type === "PING" && at.last().say({ type: "PONG" });
    await pass(52_500);
    expect(ask.mock.calls.length).toBe(3);
    expect(auths(at)).toEqual([]);
    ask.mockResolvedValue(jwt("second"));
    await pass(1000);
    expect(auths(at)).toHaveLength(1);
  });

  test("is not sent to a connection that went meanwhile", async () => {
    let arrive: (token: string) => void = () => undefined;
    const ask = vi.fn<() => Promise<string>>().mockResolvedValueOnce(jwt("first"));
    ask.mockImplementation(() => new Promise((resolve) => (arrive = resolve)));
    const at = setUp(ask);
    await at.live();
    at.last().answer = ({ type }) => type === "PING" && at.last().say({ type: "PONG" });
    await pass(48_000);
    at.connection.disconnect();
    arrive(jwt("second"));
    await pass(60_000);
    expect([auths(at), vi.getTimerCount()]).toEqual([[], 0]);
  });
});
