import type { IncomingMessage } from "node:http";
import { expect, test } from "vitest";
import { originAllowed, tokenOf } from "./handshake.ts";

const asking = (headers: Record<string, string>) => ({ headers }) as unknown as IncomingMessage;

test.each([
  ["the header", { authorization: "Bearer a.b.c" }, "a.b.c"],
  ["the header, whatever its case and spaces", { authorization: "bEARER   a.b.c  " }, "a.b.c"],
  ["the subprotocols", { "sec-websocket-protocol": "signalbox.v1, bearer.a.b.c" }, "a.b.c"],
  ["the subprotocols in any order, without spaces", { "sec-websocket-protocol": "bearer.a.b.c,signalbox.v1" }, "a.b.c"],
  ["the header before the subprotocols", { authorization: "Bearer a", "sec-websocket-protocol": "bearer.b" }, "a"],
  ["the first of several", { "sec-websocket-protocol": "bearer.a, bearer.b" }, "a"],
  ["an empty one, which is refused later", { "sec-websocket-protocol": "bearer." }, ""],
])("the token comes from %s", (_, headers, token) => {
  expect(tokenOf(asking(headers))).toBe(token);
});

test.each([
  {},
  { authorization: "Basic a" },
  { authorization: "Bearer" },
  { authorization: "Bearer " },
  { authorization: "Bearer a b" },
  { authorization: "xBearer a" },
  { "sec-websocket-protocol": "signalbox.v1" },
  { "sec-websocket-protocol": "Bearer.a, xbearer.b" },
])("%j brings no token", (headers) => {
  expect(tokenOf(asking(headers))).toBeUndefined();
});

test("a header of spaces costs no time", () => {
  const began = performance.now();
  tokenOf(asking({ authorization: `Bearer ${" ".repeat(32_768)}` }));
  tokenOf(asking({ authorization: `Bearer ${"a".repeat(16_384)}${" ".repeat(16_384)}b` }));
  expect(performance.now() - began).toBeLessThan(1000);
});

const from = (origin: string, host = "chat.example.org") => asking({ origin, host });

test.each([
  ["https://chat.example.org", "chat.example.org"],
  ["http://chat.example.org", "chat.example.org"],
  ["HTTPS://Chat.Example.ORG", "chat.example.org"],
  ["https://chat.example.org", "CHAT.example.org"],
  ["http://localhost:8080", "localhost:8080"],
  ["http://[::1]:8080", "[::1]:8080"],
  ["https://chat.example.org", "chat.example.org:443"],
  ["http://chat.example.org", "chat.example.org:80"],
  ["http://chat.example.org:80", "chat.example.org"],
])("without a list, a page of %s may connect to %s", (origin, host) => {
  expect(originAllowed(from(origin, host), [])).toBe(true);
});

test.each([
  ["null", "chat.example.org"],
  ["", "chat.example.org"],
  ["https://example.org", "chat.example.org"],
  ["https://chat.example.org.evil.org", "chat.example.org"],
  ["https://chat.example.org:8443", "chat.example.org"],
  ["http://localhost:3000", "localhost:8080"],
  ["https://chat.example.org", "chat.example.org:80"],
  ["https://chat.example.org@evil.org", "chat.example.org"],
  ["file://", ""],
  ["file://", "chat.example.org"],
  ["null", "null"],
  ["constructor://", ""],
])("without a list, a page of %j may not connect to %s", (origin, host) => {
  expect(originAllowed(from(origin, host), [])).toBe(false);
});

test("nor one without a host to compare with", () => {
  expect(originAllowed(asking({ origin: "https://chat.example.org" }), [])).toBe(false);
});

test("whoever names no origin passes", () => {
  expect(originAllowed(asking({ host: "chat.example.org" }), [])).toBe(true);
  expect(originAllowed(asking({ host: "chat.example.org" }), ["https://chat.example.org"])).toBe(true);
});

test("a list lets in its own, in any case, and nobody else: not the host itself", () => {
  const allowed = ["https://app.example.org", "http://localhost:3000"];
  const passes = (origin: string) => originAllowed(from(origin), allowed);
  expect(["https://app.example.org", "HTTPS://App.Example.Org", "http://localhost:3000"].map(passes)).toEqual([
    true,
    true,
    true,
  ]);
  expect(
    ["https://chat.example.org", "http://app.example.org", "https://app.example.org:8443", "null", ""].map(passes),
  ).toEqual([false, false, false, false, false]);
});
