import type { IncomingMessage } from "node:http";
import { expect, test } from "vitest";
import { tokenOf } from "./handshake.ts";

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
