import { expect, test } from "vitest";
import type { SignalboxError } from "./errors.ts";
import type { Tokens } from "./ports.ts";
import { createRest } from "./rest.ts";

interface Asked {
  readonly url: string;
  readonly init: RequestInit;
}

const API = "http://api/chat";

/** A server with these answers, one after the other, and tokens "token 1", "token 2", … */
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
  const rest = createRest({ url: API, fetch: fake as typeof fetch, tokens });
  return { rest, asked, refused, tokens };
}

const json = (body: unknown, status = 200) => new Response(JSON.stringify(body), { status });
const problem = (status: number, code: string, more = {}) => json({ code, detail: "a sentence", ...more }, status);

test("a token that cannot be fetched is a failure of the network", async () => {
  const { rest, tokens } = stage();
  tokens.get = () => Promise.reject(new TypeError("Failed to fetch"));
  const message = "GET /v1/rooms: network: the function of setAuth failed";
  await expect(rest.request("GET", "/v1/rooms")).rejects.toMatchObject({ name: "SignalboxError", message });
});

test("a request goes out in the user's name, and resolves with the answer's JSON", async () => {
  const { rest, asked } = stage(json({ data: 1 }), json(null));
  expect(await rest.request("GET", "/v1/rooms")).toEqual({ data: 1 });
  expect(await rest.request("PUT", "/v1/rooms", { name: "é" })).toBeNull();
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

test("a problem rejects with its fields", async () => {
  const errors = [{ path: "name", message: "at least 1 byte" }];
  const { rest } = stage(problem(400, "invalid", { errors }), problem(429, "rate_limited", { retryAfterMs: 30 }));
  const name = "SignalboxError";
  await expect(rest.request("GET", "/")).rejects.toMatchObject({ name, code: "invalid", status: 400, errors });
  await expect(rest.request("GET", "/")).rejects.toMatchObject({ code: "rate_limited", retryAfterMs: 30 });
});

test("an answer that is not Signalbox's gets its code from the status", async () => {
  const { rest } = stage(new Response("<html>", { status: 503 }), new Response("", { status: 502 }), json([], 404));
  await expect(rest.request("GET", "/")).rejects.toMatchObject({ code: "unavailable", status: 503 });
  await expect(rest.request("GET", "/")).rejects.toMatchObject({ code: "network", status: 502 });
  await expect(rest.request("GET", "/")).rejects.toMatchObject({ code: "not_found", status: 404 });
});

test("no answer, and a success that is not JSON, are failures of the network", async () => {
  const { rest } = stage(new TypeError("fetch failed"), new Response("<html>"));
  const error: unknown = await rest.request("GET", "/").catch((reason: unknown) => reason);
  expect([error, (error as SignalboxError).status]).toMatchObject([{ code: "network" }, undefined]);
  await expect(rest.request("GET", "/")).rejects.toMatchObject({ code: "network", status: 200 });
});

test("an error names method and path, without the query, and holds neither token nor body", async () => {
  const { rest } = stage(
    problem(404, "not_found"),
    new Response("<html>", { status: 404 }),
    new Response("<html>"),
    new TypeError("fetch failed", { cause: Object.assign(new Error("token 1"), { code: "ECONNREFUSED" }) }),
    new TypeError('"Bearer token 1" is an invalid header value'),
    new DOMException("signal timed out", "TimeoutError"),
  );
  const failure = async () => {
    const request = rest.request("POST", "/v1/rooms?cursor=secret", { name: "a text" });
    return String(await request.catch((reason: unknown) => reason));
  };
  const message = [];
  for (let each = 0; each < 6; each++) message.push(await failure());
  expect(message).toEqual([
    "SignalboxError: POST /v1/rooms: 404 not_found: a sentence",
    "SignalboxError: POST /v1/rooms: 404 not_found: the server gave no reason",
    "SignalboxError: POST /v1/rooms: 200 network: the answer is not JSON",
    "SignalboxError: POST /v1/rooms: network: no answer from http://api/chat/v1/rooms (ECONNREFUSED)",
    "SignalboxError: POST /v1/rooms: network: no answer from http://api/chat/v1/rooms",
    "SignalboxError: POST /v1/rooms: network: no answer from http://api/chat/v1/rooms within 30 s",
  ]);
});

test("an error of signing in names the address without user, password and query", async () => {
  const { rest } = stage(json({}, 403), json({}, 403), new TypeError("fetch failed"));
  const failure = async (authUrl: string) =>
    ((await rest.signIn(authUrl, { password: "p" }).catch((reason: unknown) => reason)) as SignalboxError).message;
  expect(await failure("/dev/sign-in")).toBe("POST /dev/sign-in: 403 forbidden: the server gave no reason");
  expect(await failure("https://u:p@app.example/in?key=p#p")).toBe(
    "POST https://app.example/in: 403 forbidden: the server gave no reason",
  );
  expect(await failure("https://app.example/in")).toBe(
    "POST https://app.example/in: network: no answer from https://app.example/in",
  );
});

test("a refused token is replaced once", async () => {
  const { rest, asked, refused } = stage(problem(401, "unauthenticated"), json({ data: 2 }));
  expect(await rest.request("POST", "/x", {})).toEqual({ data: 2 });
  expect(refused).toEqual(["token 1"]);
  expect(asked[1]?.init.headers).toMatchObject({ Authorization: "Bearer token 2" });
});

test("a second refused token rejects", async () => {
  const { rest, asked, refused } = stage(problem(401, "unauthenticated"), problem(401, "unauthenticated"));
  await expect(rest.request("GET", "/")).rejects.toMatchObject({ code: "unauthenticated", status: 401 });
  expect(refused).toEqual(["token 1", "token 2"]);
  expect(asked).toHaveLength(2);
});

test("signing in posts the credentials without a token, and resolves with the token of the answer", async () => {
  const { rest, asked } = stage(json({ token: "a.b.c" }));
  expect(await rest.signIn("http://app/sign-in", { userId: "ada" })).toBe("a.b.c");
  expect(asked[0]).toMatchObject({
    url: "http://app/sign-in",
    init: { method: "POST", body: '{"userId":"ada"}', headers: { "Content-Type": "application/json" } },
  });
});

test("signing in rejects with the problem of the answer, and without a token in it", async () => {
  const { rest, refused } = stage(json({ error: "wrong password" }, 401), json({}), json(null));
  await expect(rest.signIn("http://app/", {})).rejects.toMatchObject({ code: "unauthenticated", status: 401 });
  await expect(rest.signIn("http://app/", {})).rejects.toMatchObject({ code: "network" });
  await expect(rest.signIn("http://app/", {})).rejects.toMatchObject({ code: "network" });
  expect(refused).toEqual([]);
});
