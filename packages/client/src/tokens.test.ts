import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { SignalboxError } from "./errors.ts";
import { createTokens } from "./tokens.ts";

const NOW = Date.UTC(2026, 0, 1);
const base64url = (text: string) => Buffer.from(text, "utf8").toString("base64url");
/** A JWT with these claims; times in seconds from now. */
const jwt = ({ exp, iat, ...rest }: { exp?: number; iat?: number; [claim: string]: unknown }) => {
  const at = (seconds?: number) => (seconds === undefined ? undefined : NOW / 1000 + seconds);
  return `e30.${base64url(JSON.stringify({ ...rest, exp: at(exp), iat: at(iat) }))}.c2ln`;
};
const codeOf = (promise: Promise<unknown>) =>
  promise.then(
    () => "resolved",
    (error: unknown) => (error instanceof SignalboxError ? error.code : error),
  );

beforeEach(() => void vi.useFakeTimers({ now: NOW }));
afterEach(() => void vi.useRealTimers());

/** Tokens of a function that answers with these, one after the other. */
function fetching(...answers: (string | Error)[]) {
  const tokens = createTokens();
  const ask = vi.fn(async () => {
    const answer = answers.length > 1 ? answers.shift() : answers[0];
    if (typeof answer !== "string") throw answer;
    return answer;
  });
  tokens.set(ask);
  return { tokens, ask };
}

test("before setAuth there is no token", async () => {
  expect(await codeOf(createTokens().get())).toBe("no_token");
});

describe("a fixed token", () => {
  test("is offered until it is refused, and again when it is set anew", async () => {
    const tokens = createTokens();
    tokens.set("x");
    expect(await tokens.get()).toBe("x");
    tokens.refused("another");
    expect(await tokens.get()).toBe("x");
    tokens.refused("x");
    expect(await codeOf(tokens.get())).toBe("unauthenticated");
    tokens.set("x");
    expect(await tokens.get()).toBe("x");
  });

  test("cannot be refreshed", () => {
    const tokens = createTokens();
    const token = jwt({ exp: 600, iat: 0 });
    tokens.set(token);
    expect(tokens.refreshIn(token)).toBeUndefined();
  });
});

describe("a function", () => {
  test("is asked once by many at the same time, and not again while its token is good", async () => {
    const { tokens, ask } = fetching(jwt({ exp: 600, iat: 0 }));
    const got = await Promise.all([tokens.get(), tokens.get(), tokens.get()]);
    expect(new Set(got).size).toBe(1);
    vi.setSystemTime(NOW + 539_000);
    await tokens.get();
    expect(ask).toHaveBeenCalledTimes(1);
    vi.setSystemTime(NOW + 540_000);
    await tokens.get();
    expect(ask).toHaveBeenCalledTimes(2);
  });

  test("is asked for another when its token was refused", async () => {
    const { tokens, ask } = fetching("one", "two");
    expect(await tokens.get()).toBe("one");
    tokens.refused("one");
    expect([await tokens.get(), await tokens.get()]).toEqual(["two", "two"]);
    expect(ask).toHaveBeenCalledTimes(2);
  });

  test("passes on what it rejects with, and is asked again by the next", async () => {
    const wrong = new Error("no network");
    const { tokens, ask } = fetching(wrong, "one");
    expect(await codeOf(tokens.get())).toBe(wrong);
    expect(await tokens.get()).toBe("one");
    expect(ask).toHaveBeenCalledTimes(2);
  });

  test("that throws at once rejects like any other", async () => {
    const tokens = createTokens();
    const wrong = new Error("thrown");
    tokens.set(() => {
      throw wrong;
    });
    expect(await codeOf(tokens.get())).toBe(wrong);
  });

  test.each([undefined, null, "", 7])("that answers with %j gave no token", async (answer) => {
    const tokens = createTokens();
    tokens.set(() => Promise.resolve(answer as string));
    expect(await codeOf(tokens.get())).toBe("no_token");
  });

  test("that never answers is given up after 30 s, and is asked again by the next", async () => {
    const tokens = createTokens();
    const answers = [new Promise<string>(() => undefined), Promise.resolve("token")];
    tokens.set(() => answers.shift()!);
    const late = codeOf(tokens.get());
    await vi.advanceTimersByTimeAsync(30_000);
    expect([await late, await tokens.get()]).toEqual(["network", "token"]);
    expect(vi.getTimerCount()).toBe(0);
  });

  test("that fails is not asked again at once while the last token holds", async () => {
    const { tokens, ask } = fetching(jwt({ exp: 600, iat: 0 }), new Error("no network"));
    const token = await tokens.get();
    vi.setSystemTime(NOW + 560_000);
    await tokens.get();
    expect(tokens.refreshIn(token)).toBe(10_000);
    await tokens.get();
    expect(ask).toHaveBeenCalledTimes(2);
  });

  test("that fails leaves the last token in use as long as that holds", async () => {
    const wrong = new Error("no network");
    const { tokens } = fetching(jwt({ exp: 600, iat: 0 }), wrong);
    const token = await tokens.get();
    vi.setSystemTime(NOW + 599_000);
    expect(await tokens.get()).toBe(token);
    vi.setSystemTime(NOW + 600_000);
    expect(await codeOf(tokens.get())).toBe(wrong);
  });

  test("that fails does not bring a refused token back", async () => {
    const wrong = new Error("no network");
    const { tokens } = fetching(jwt({ exp: 600, iat: 0 }), wrong);
    tokens.refused(await tokens.get());
    expect(await codeOf(tokens.get())).toBe(wrong);
  });

  test.each([
    ["answers", () => Promise.resolve("old")],
    ["fails", () => Promise.reject(new Error("old"))],
  ])("that was replaced while it was asked counts no more, also when it %s", async (_, answer) => {
    const tokens = createTokens();
    const { promise, resolve } = gate();
    tokens.set(() => promise.then(answer));
    const got = tokens.get();
    tokens.set("new");
    resolve();
    expect(await got).toBe("new");
    expect(await tokens.get()).toBe("new");
  });
});

describe("a fetched token is replaced", () => {
  const refreshOf = async (token: string) => {
    const { tokens } = fetching(token);
    await tokens.get();
    return tokens.refreshIn(token);
  };

  test.each([
    ["a minute before its end", { exp: 3600, iat: 0 }, 3_540_000],
    ["after 80 % of a short life", { exp: 60, iat: 0 }, 48_000],
    ["with regard to what is over of its life", { exp: 3000, iat: -600 }, 2_940_000],
    ["counted from now when it does not say when it was issued", { exp: 100 }, 80_000],
    ["never sooner than in a second", { exp: 1, iat: -3600 }, 1000],
    ["never later than a timer can be set to", { exp: 1e9, iat: 0 }, 2 ** 31 - 1],
    ["as late as its life says when this device's clock is ahead", { exp: -1000, iat: -4600 }, 3_540_000],
    ["as late as its life says when this device's clock is behind", { exp: 8600, iat: 5000 }, 3_540_000],
  ])("%s", async (_, claims, ms) => {
    expect(await refreshOf(jwt(claims))).toBe(ms);
  });

  test("also when it is written with the letters that only base64url has, and in any script", async () => {
    const token = jwt({ exp: 60, iat: 0, name: "🦊 ÿþ ?>~ Ærøskøbing" });
    expect(token).toMatch(/[-_]/);
    expect(await refreshOf(token)).toBe(48_000);
  });

  test.each([
    "opaque",
    "a.b.c",
    "..",
    `e30.${base64url("null")}.x`,
    `e30.${base64url("[1]")}.x`,
    `e30.${base64url('{"exp":"soon"}')}.x`,
    jwt({ iat: 0 }),
    jwt({ exp: -5 }),
  ])("not before it is refused when it says nothing of use: %s", async (token) => {
    expect(await refreshOf(token)).toBeUndefined();
  });

  test("soon when there is a newer one already", async () => {
    const { tokens } = fetching(jwt({ exp: 60, iat: 0 }));
    await tokens.get();
    expect(tokens.refreshIn("older")).toBe(1000);
  });
});

function gate() {
  let resolve: () => void = () => undefined;
  const promise = new Promise<void>((open) => {
    resolve = open;
  });
  return { promise, resolve };
}
