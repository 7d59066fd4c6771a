import { expect, test } from "vitest";
import { createLog } from "../log.ts";
import { createOrigins, isPreflight } from "./cors.ts";

const LISTED = ["https://app.example.org", "http://localhost:3000"];

/** Origins as `ALLOWED_ORIGINS` names them, and the lines that they log. */
function opened(allowed: readonly string[] = []) {
  const logged: { readonly origin: string; readonly host: string; readonly msg: string }[] = [];
  const log = createLog({ kind: "api", logLevel: "warn" }, { write: (line) => void logged.push(JSON.parse(line)) });
  const origins = createOrigins(allowed, log);
  const passes = (origin: string | undefined, host?: string) => origins.refusalOf({ origin, host }) === undefined;
  return { origins, passes, logged };
}

const OWN: readonly (readonly [origin: string, host: string])[] = [
  ["https://chat.example.org", "chat.example.org"],
  ["http://chat.example.org", "chat.example.org"],
  ["HTTPS://Chat.Example.ORG", "chat.example.org"],
  ["https://chat.example.org", "CHAT.example.org"],
  ["http://localhost:8080", "localhost:8080"],
  ["http://[::1]:8080", "[::1]:8080"],
  ["https://chat.example.org", "chat.example.org:443"],
  ["http://chat.example.org", "chat.example.org:80"],
  ["http://chat.example.org:80", "chat.example.org"],
];

test.each(OWN)("a page of %s is the own page of %s, with a list and without", (origin, host) => {
  expect(opened().passes(origin, host)).toBe(true);
  expect(opened(LISTED).passes(origin, host)).toBe(true);
});

test.each([
  ["null", "chat.example.org"],
  ["", "chat.example.org"],
  ["https://example.org", "chat.example.org"],
  ["https://chat.example.org.evil.org", "chat.example.org"],
  ["https://chat.example.org:8443", "chat.example.org"],
  ["http://localhost:3001", "localhost:8080"],
  ["https://chat.example.org", "chat.example.org:80"],
  ["https://chat.example.org@evil.org", "chat.example.org"],
  ["file://", ""],
  ["file://", "chat.example.org"],
  ["null", "null"],
  ["constructor://", ""],
  ["http://app.example.org", "chat.example.org"],
  ["https://app.example.org:8443", "chat.example.org"],
])("a page of %j is not that of %s, and refused with a list and without", (origin, host) => {
  expect(opened().passes(origin, host)).toBe(false);
  expect(opened(LISTED).passes(origin, host)).toBe(false);
});

test("without a host there is no own page", () => {
  expect(opened().passes("https://chat.example.org")).toBe(false);
});

test("a client that names no origin passes", () => {
  expect(opened().passes(undefined, "chat.example.org")).toBe(true);
  expect(opened(LISTED).passes(undefined, "chat.example.org")).toBe(true);
});

test.each(["https://app.example.org", "HTTPS://App.Example.Org", "http://localhost:3000"])(
  "a list lets %s in, in any case",
  (origin) => {
    expect(opened(LISTED).passes(origin, "chat.example.org")).toBe(true);
  },
);

test("a refusal says why, to the page and in one line of the log for each origin", () => {
  const { origins, logged } = opened(LISTED);
  const asking = { origin: "https://evil.example", host: "chat.example.org" };
  const refusals = [asking, asking, { ...asking, host: "other.example" }].map((each) => origins.refusalOf(each));
  expect(refusals[0]).toMatchObject({
    code: "forbidden",
    message:
      'pages of "https://evil.example" may not use this node: ALLOWED_ORIGINS does not name this origin, and the host asked was "chat.example.org"',
  });
  expect(logged).toMatchObject([{ ...asking, msg: refusals[0]?.message }]);
});

test("made-up origins fill neither the log nor the memory", () => {
  const { origins, logged } = opened();
  for (let count = 0; count < 1000; count++)
    origins.refusalOf({ origin: `https://${count}.example/${"x".repeat(1000)}`, host: "y".repeat(1000) });
  expect(logged).toHaveLength(100);
  for (const { origin, host, msg } of logged) expect(`${origin}${host}${msg}`.length).toBeLessThan(1000);
});

const SURFACE = { methods: "GET", headers: "Authorization" };

test("pages of listed origins may read answers, and learn what they may ask", () => {
  const { origins } = opened(LISTED);
  expect(origins.listed).toBe(true);
  const readable = {
    Vary: "Origin",
    "Access-Control-Allow-Origin": "http://localhost:3000",
    "Access-Control-Expose-Headers": "Retry-After",
  };
  expect(origins.headersFor("http://localhost:3000")).toEqual(readable);
  expect(origins.headersFor("http://localhost:3000", SURFACE)).toEqual({
    ...readable,
    "Access-Control-Allow-Methods": "GET",
    "Access-Control-Allow-Headers": "Authorization",
    "Access-Control-Max-Age": "600",
  });
  for (const origin of [undefined, "https://evil.example", "null"])
    expect(origins.headersFor(origin, SURFACE)).toEqual({ Vary: "Origin" });
  expect(opened().origins.listed).toBe(false);
});

test("only an OPTIONS that names a method is a preflight", () => {
  expect([isPreflight("OPTIONS", "GET"), isPreflight("OPTIONS", undefined), isPreflight("GET", "GET")]).toEqual([
    true,
    false,
    false,
  ]);
});
