import { expect, test, vi } from "vitest";
import type { ClientOptions, Socket } from "./api.ts";
import { createClient } from "./client.ts";

interface Asked {
  readonly method: string;
  readonly url: string;
  readonly body: unknown;
  readonly token: string | undefined;
}

const CHAT = "660e8400-e29b-41d4-a716-446655440001";

/** A client that gets `answer` to each request. Its requests are kept; its sockets never open. */
function stage({ answer = {} as unknown, at = { url: "https://chat.example/base/" } as object } = {}) {
  const asked: Asked[] = [];
  const opened: string[] = [];
  const fetch = async (url: string, { method = "", body, headers }: RequestInit) => {
    const { Authorization } = headers as Record<string, string>;
    asked.push({ method, url, body: body && JSON.parse(String(body)), token: Authorization });
    return new Response(JSON.stringify(answer));
  };
  class Unopened implements Socket {
    readyState = 0;
    constructor(url: string) {
      opened.push(url);
    }
    send(): void {}
    close(): void {}
    addEventListener(): void {}
  }
  const client = createClient({ ...at, fetch, WebSocket: Unopened } as unknown as ClientOptions);
  client.setAuth("a.b.c");
  return { client, asked, opened };
}

type Made = ReturnType<typeof stage>["client"];

test.each<[name: string, call: (client: Made) => Promise<unknown>, method: string, path: string, body?: unknown]>([
  ["getMessages", (c) => c.getMessages(CHAT), "GET", `/api/chat/${CHAT}/messages?`],
  ["getMessages", (c) => c.getMessages("a/b", 20, "$m:x"), "GET", "/api/chat/a%2Fb/messages?limit=20&before=%24m%3Ax"],
  ["setPresence", (c) => c.setPresence("busy"), "PUT", "/v1/presence", { status: "busy" }],
  ["setMarker", (c) => c.setMarker(CHAT, "m"), "POST", `/chat/api/v1/conversations/${CHAT}/marker`, { event_id: "m" }],
  ["rooms.list", (c) => c.rooms.list(), "GET", "/v1/rooms?"],
  ["rooms.list", (c) => c.rooms.list({ limit: 5, cursor: "n&x" }), "GET", "/v1/rooms?limit=5&cursor=n%26x"],
  ["rooms.delete", (c) => c.rooms.delete(CHAT), "DELETE", `/v1/rooms/${CHAT}`],
  ["rooms.removeMember", (c) => c.rooms.removeMember(CHAT, "@a:b"), "DELETE", `/v1/rooms/${CHAT}/members/%40a%3Ab`],
])("%s asks the API", async (_name, call, method, path, body) => {
  const { client, asked } = stage();
  await call(client);
  expect(asked).toEqual([{ method, url: `https://chat.example/base${path}`, body, token: "Bearer a.b.c" }]);
});

test.each<[name: string, call: (client: Made) => Promise<unknown>, method: string, path: string, body?: unknown]>([
  ["getPresence", (c) => c.getPresence(["a", "b"]), "POST", "/v1/presence/query", { ids: ["a", "b"] }],
  ["rooms.create", (c) => c.rooms.create({ name: "n" }), "POST", "/v1/rooms", { name: "n" }],
  ["rooms.update", (c) => c.rooms.update(CHAT, { name: "n" }), "PATCH", `/v1/rooms/${CHAT}`, { name: "n" }],
  ["rooms.putMember", (c) => c.rooms.putMember(CHAT, "bob"), "PUT", `/v1/rooms/${CHAT}/members/bob`, {}],
  [
    "rooms.putMember",
    (c) => c.rooms.putMember(CHAT, "bob", "owner"),
    "PUT",
    `/v1/rooms/${CHAT}/members/bob`,
    { role: "owner" },
  ],
  ["rooms.state", (c) => c.rooms.state(CHAT), "GET", `/v1/rooms/${CHAT}/state`],
])("%s asks the API, and resolves with what the answer holds", async (_name, call, method, path, body) => {
  const { client, asked } = stage({ answer: { data: "what it holds" } });
  expect(await call(client)).toBe("what it holds");
  expect(asked).toEqual([{ method, url: `https://chat.example/base${path}`, body, token: "Bearer a.b.c" }]);
});

test.each([
  [{}, "https://api.example/dev/sign-in"],
  [{ authUrl: "/sign-in" }, "https://api.example/sign-in"],
  [{ authUrl: "https://app.example/session" }, "https://app.example/session"],
])("signing in with %o posts to %s, and its token is used from then on", async (options, url) => {
  const at = { apiUrl: "https://api.example", gatewayUrl: "https://gateway.example", ...options };
  const { client, asked } = stage({ at, answer: { token: "d.e.f" } });
  await client.signIn({ userId: "ada" });
  await client.rooms.list();
  expect(asked).toMatchObject([
    { method: "POST", url, body: { userId: "ada" }, token: undefined },
    { url: "https://api.example/v1/rooms?", token: "Bearer d.e.f" },
  ]);
});

test.each([
  [{ url: "http://127.0.0.1:8080" }, "ws://127.0.0.1:8080/realtime"],
  [{ url: "https://chat.example/base/" }, "wss://chat.example/base/realtime"],
  [{ apiUrl: "http://api.example", gatewayUrl: "wss://gateway.example" }, "wss://gateway.example/realtime"],
  [{ url: "http://one.example", gatewayUrl: "http://gateway.example" }, "ws://gateway.example/realtime"],
  [{ url: "http://one.example", apiUrl: "http://api.example" }, "ws://one.example/realtime"],
])("a client of %o opens its socket at %s", async (at, url) => {
  const { client, opened } = stage({ at });
  const connected = client.realtime.connect();
  await expect.poll(() => opened).toEqual([url]);
  client.realtime.disconnect();
  await expect(connected).rejects.toMatchObject({ code: "disconnected" });
});

test.each([
  [{ url: "https://one.example", apiUrl: "https://api.example/" }, "https://api.example"],
  [{ url: "https://one.example", gatewayUrl: "https://gateway.example" }, "https://one.example"],
  [{ url: "https://one.example", apiUrl: undefined }, "https://one.example"],
  [{ url: undefined, apiUrl: "https://api.example", gatewayUrl: "https://gateway.example" }, "https://api.example"],
])("a client of %o sends its requests to %s: apiUrl and gatewayUrl win over url", async (at, api) => {
  const { client, asked } = stage({ at });
  await client.rooms.list();
  expect(asked).toMatchObject([{ url: `${api}/v1/rooms?` }]);
});

test.each([
  [{}, "no apiUrl"],
  [{ gatewayUrl: "https://gateway.example" }, "no apiUrl"],
  [{ apiUrl: "https://api.example" }, "no gatewayUrl"],
])("a client of %o is refused", (at, reason) => {
  const message = `createClient: invalid: ${reason}: pass url, or both apiUrl and gatewayUrl`;
  expect(() => stage({ at })).toThrow(expect.objectContaining({ name: "SignalboxError", message }));
});

test("without a WebSocket the error says which one to pass", () => {
  vi.stubGlobal("WebSocket", undefined);
  try {
    const message =
      "createClient: invalid: no WebSocket here, as in Node 20: pass the class WebSocket of the package ws";
    expect(() => createClient({ url: "http://127.0.0.1:8080" })).toThrow(message);
  } finally {
    vi.unstubAllGlobals();
  }
});
