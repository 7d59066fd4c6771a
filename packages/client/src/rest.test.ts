import { expect, test } from "vitest";
import type { Tokens } from "./ports.ts";
import { createRest } from "./rest.ts";

interface Asked {
  readonly url: string;
  readonly init: RequestInit;
}

/** A server that gives these answers, one after the other, and hands out token 1, 2, … */
function stage(...answers: (Response | Error)[]) {
  const asked: Asked[] = [];
  const refused: string[] = [];
  let fetched = 1;
  const tokens: Pick<Tokens, "get" | "refused"> = {
    get: async () => `token ${fetched}`,
    refused(token) {
      refused.push(token);
      fetched++;
    },
  };
  const fake = async (url: string, init: RequestInit) => {
    asked.push({ url, init });
    const answer = answers.shift();
    if (answer instanceof Response) return answer;
    throw answer;
  };
  const rest = createRest({ url: "http://api/chat", fetch: fake as typeof fetch, tokens });
  return { rest, asked, refused, tokens };
}

const json = (body: unknown, status = 200) => new Response(JSON.stringify(body), { status });
const problem = (status: number, code: string, more = {}) => json({ code, detail: "a sentence", ...more }, status);

test("without a token that can be fetched it is the network that failed", async () => {
  const { rest, tokens } = stage();
  tokens.get = () => Promise.reject(new TypeError("Failed to fetch"));
  await expect(rest.ask("GET", "/v1/rooms")).rejects.toMatchObject({ name: "SignalboxError", code: "network" });
});

test("a request goes out in the user's name, and resolves with the answer's JSON", async () => {
  const { rest, asked } = stage(json({ data: 1 }), json(null));
  expect(await rest.ask("GET", "/v1/rooms")).toEqual({ data: 1 });
  expect(await rest.ask("PUT", "/v1/rooms", { name: "é" })).toBeNull();
  const [get, put] = asked.map(({ url, init: { method, headers, body } }) => ({ url, method, headers, body }));
  const url = "http://api/chat/v1/rooms";
  expect(get).toEqual({ url, method: "GET", headers: { Authorization: "Bearer token 1" }, body: undefined });
  expect(put).toEqual({
    url,
    method: "PUT",
    headers: { Authorization: "Bearer token 1", "Content-Type": "application/json" },
    body: '{"name":"é"}',
  });
});

test("a problem rejects with what it says", async () => {
  const errors = [{ path: "name", message: "at least 1 byte" }];
  const { rest } = stage(problem(400, "invalid", { errors }), problem(429, "rate_limited", { retryAfterMs: 30 }));
  const name = "SignalboxError";
  await expect(rest.ask("GET", "/")).rejects.toMatchObject({ name, code: "invalid", status: 400, errors });
  await expect(rest.ask("GET", "/")).rejects.toMatchObject({ code: "rate_limited", retryAfterMs: 30 });
});

test("an answer that is not Signalbox's is told by its status", async () => {
  const { rest } = stage(new Response("<html>", { status: 503 }), new Response("", { status: 502 }), json([], 404));
  await expect(rest.ask("GET", "/")).rejects.toMatchObject({ code: "unavailable", status: 503 });
  await expect(rest.ask("GET", "/")).rejects.toMatchObject({ code: "network", status: 502 });
  await expect(rest.ask("GET", "/")).rejects.toMatchObject({ code: "not_found", status: 404 });
});

test("no answer, and a success that is not JSON, are a network that does not work", async () => {
  const { rest } = stage(new TypeError("fetch failed"), new Response("<html>"));
  await expect(rest.ask("GET", "/")).rejects.toMatchObject({ code: "network", status: undefined });
  await expect(rest.ask("GET", "/")).rejects.toMatchObject({ code: "network", status: 200 });
});

test("a refused token is replaced once", async () => {
  const { rest, asked, refused } = stage(problem(401, "unauthenticated"), json({ data: 2 }));
  expect(await rest.ask("POST", "/x", {})).toEqual({ data: 2 });
  expect(refused).toEqual(["token 1"]);
  expect(asked[1]?.init.headers).toMatchObject({ Authorization: "Bearer token 2" });
});

test("a second token that is refused is the end of it", async () => {
  const { rest, asked, refused } = stage(problem(401, "unauthenticated"), problem(401, "unauthenticated"));
  await expect(rest.ask("GET", "/")).rejects.toMatchObject({ code: "unauthenticated", status: 401 });
  expect(refused).toEqual(["token 1", "token 2"]);
  expect(asked).toHaveLength(2);
});

test("signing in posts the credentials without a token, and resolves with the one it gets", async () => {
  const { rest, asked } = stage(json({ token: "a.b.c" }));
  expect(await rest.signIn("http://app/sign-in", { userId: "ada" })).toBe("a.b.c");
  expect(asked[0]).toMatchObject({
    url: "http://app/sign-in",
    init: { method: "POST", body: '{"userId":"ada"}', headers: { "Content-Type": "application/json" } },
  });
});

test("signing in rejects with what was answered, and when that has no token", async () => {
  const { rest, refused } = stage(json({ error: "wrong password" }, 401), json({}), json(null));
  await expect(rest.signIn("http://app/", {})).rejects.toMatchObject({ code: "unauthenticated", status: 401 });
  await expect(rest.signIn("http://app/", {})).rejects.toMatchObject({ code: "network" });
  await expect(rest.signIn("http://app/", {})).rejects.toMatchObject({ code: "network" });
  expect(refused).toEqual([]);
});
