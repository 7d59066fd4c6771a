import { inspect } from "node:util";
import { expect, test } from "vitest";
import { SignalboxError } from "./errors.ts";

const operation = "GET /v1/rooms";

test("the message names the request, the status, the code and the reason; the reason is there alone, too", () => {
  const error = new SignalboxError("not_found", "no such room", { operation, status: 404 });
  expect(error.message).toBe("GET /v1/rooms: 404 not_found: no such room");
  expect(error.detail).toBe("no such room");
  expect(new SignalboxError("no_token", "call setAuth").message).toBe("no_token: call setAuth");
});

test("it prints as SignalboxError: its name, the head of its stack, and what a console shows of it", () => {
  const error = new SignalboxError("rate_limited", "too many requests", { operation, status: 429, retryAfterMs: 30 });
  const head = "SignalboxError: GET /v1/rooms: 429 rate_limited: too many requests";
  expect([error.name, String(error), error.stack?.split("\n")[0]]).toEqual(["SignalboxError", head, head]);
  const printed = inspect(error);
  expect(printed.split("\n")[0]).toBe(head);
  expect(printed.match(/\{[^{}]*\}$/)?.[0].replace(/\s+/g, " ")).toBe(
    "{ code: 'rate_limited', status: 429, retryAfterMs: 30 }",
  );
});
