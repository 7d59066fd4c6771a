/** CONTRACT section 1: the conventions of all REST endpoints: errors, bodies, ids, CORS. */
import { describe, expect, test } from "vitest";
import { ask, dataOf, expectProblem } from "../../../support/http.ts";
import { ORIGIN, type World } from "../../../support/world.ts";
import { ANY_TEXT } from "../../support/shapes.ts";

export function conventions(world: World): void {
  describe("an error", () => errors(world));
  describe("a body", () => bodies(world));
  describe("an id", () => ids(world));
  describe("a page of another origin", () => crossOrigin(world));
}

function errors(world: World): void {
  test("names the wrong fields of an invalid body", async () => {
    const alice = await world.person();
    const { errors: wrong } = expectProblem(await alice.posts({ type: "REACT", chatId: "x", messageId: 7 }), "invalid");
    expect((wrong as { path: string }[]).map(({ path }) => path)).toEqual(["chatId", "messageId", "reaction"]);
    const members = { name: "x", members: ["ok", "not ok"] };
    expect(expectProblem(await alice.asks("POST", "/v1/rooms", members), "invalid").errors).toEqual([
      { path: "members.1", message: ANY_TEXT },
    ]);
  });

  test("never repeats the content of a request", async () => {
    const alice = await world.person();
    for (const body of [
      { type: "my secret" },
      { type: "SEND_MSG", chatId: "my secret", message: { text: "my secret" } },
      '{"my secret',
    ])
      expect((await alice.asks("POST", "/api/chat", body)).text).not.toContain("my secret");
  });

  test("is the answer to a path that does not exist", async () => {
    const alice = await world.person();
    for (const path of ["/v1", "/v1/rooms/", "/api/chat/", "/v2/rooms", "/v1/rooms/%ZZ", "//"])
      expect((await alice.asks("GET", path)).headers.get("content-type"), path).toMatch(/^application\/problem\+json/);
    expectProblem(await alice.asks("GET", "/nowhere"), "not_found");
  });
}

function bodies(world: World): void {
  test.each([
    undefined,
    "application/x-www-form-urlencoded",
    "text/plain",
    "multipart/form-data",
    "application/json; charset=utf-8",
  ])("is JSON, also with the Content-Type %s", async (type) => {
    const { alice, chatId } = await world.chat();
    // Bytes, to which fetch adds no Content-Type.
    const body = new TextEncoder().encode(JSON.stringify({ type: "SEND_MSG", chatId, message: "from curl -d, öä" }));
    const headers: Record<string, string> = type === undefined ? {} : { "content-type": type };
    const answer = await ask(`${world.servers.api}/api/chat`, { method: "POST", token: alice.token, body, headers });
    expect(dataOf(answer).message).toBe("from curl -d, öä");
  });

  test.each([
    "",
    "{",
    "nonsense",
    "null",
    "7",
    "[]",
    '"SEND_MSG"',
    "{}",
    '{"type":7}',
    '{"type":"NO_SUCH"}',
    '{"type":"PING"}',
    '{"type":"toString"}',
  ])("of %j is invalid", async (body) => {
    const alice = await world.person();
    expectProblem(await alice.asks("POST", "/api/chat", body), "invalid");
  });

  test("that is not UTF-8 is invalid", async () => {
    const { alice, chatId } = await world.chat();
    const body = new Uint8Array(Buffer.from(`{"type":"SEND_MSG","chatId":"${chatId}","message":"\xff\xfe"}`, "latin1"));
    expectProblem(await ask(`${world.servers.api}/api/chat`, { method: "POST", token: alice.token, body }), "invalid");
    expect(await alice.history(chatId)).toEqual([]);
  });

  test("that is nested too deeply is refused, and the server stays up", async () => {
    const alice = await world.person();
    const deep = `${'{"a":'.repeat(20_000)}1${"}".repeat(20_000)}`;
    expectProblem(await alice.asks("POST", "/v1/rooms", `{"name":"x","metadata":${deep}}`), "invalid");
    expectProblem(await alice.asks("POST", "/api/chat", deep), "invalid");
  });

  test("has up to 256 KiB", async () => {
    const { alice, chatId } = await world.chat();
    const json = JSON.stringify({ type: "SEND_MSG", chatId, message: "full" });
    expect((await alice.asks("POST", "/api/chat", json.padEnd(262_144))).status).toBe(200);
    for (const length of [262_145, 400_000]) {
      expectProblem(await alice.asks("POST", "/api/chat", json.padEnd(length)), "too_large");
      expectProblem(await alice.asks("PATCH", `/v1/rooms/${chatId}`, json.padEnd(length)), "too_large");
    }
  });

  test("has up to 256 KiB, also without an announced length", async () => {
    const { alice, chatId } = await world.chat();
    const post = (length: number) => {
      const text = JSON.stringify({ type: "SEND_MSG", chatId, message: "in chunks" }).padEnd(length);
      const chunks = [text.slice(0, 1000), text.slice(1000)].map((part) => new TextEncoder().encode(part));
      const body = new ReadableStream({ pull: (to) => (chunks.length > 0 ? to.enqueue(chunks.shift()) : to.close()) });
      const headers = { authorization: `Bearer ${alice.token}` };
      return fetch(`${world.servers.api}/api/chat`, { method: "POST", headers, body, duplex: "half" });
    };
    expect((await post(2000)).status).toBe(200);
    expect((await post(262_145)).status).toBe(413);
  });

  test("is not read without a token", async () => {
    const url = `${world.servers.api}/api/chat`;
    expectProblem(await ask(url, { method: "POST", body: "nonsense" }), "unauthenticated");
  });
}

function ids(world: World): void {
  test("of a room may be bare, prefixed with room-, and in upper case, in paths and bodies", async () => {
    const { alice, chatId } = await world.chat();
    for (const form of [chatId, `room-${chatId}`, chatId.toUpperCase()]) {
      expect(await alice.says(form, "text")).toMatchObject({ chatId });
      expect((await alice.history(form))[0]).toMatchObject({ chatId });
      expect(dataOf(await alice.asks("PATCH", `/v1/rooms/${form}`, { name: "A room" }))).toMatchObject({ id: chatId });
    }
  });

  test("of a message may be bare, prefixed with msg- or evt-, and a Matrix event id", async () => {
    const { alice, chatId } = await world.chat();
    const older = await alice.says(chatId, "older");
    const { messageId } = await alice.says(chatId, "text");
    const matrix = `$${Buffer.from(messageId.replaceAll("-", ""), "hex").toString("base64url")}:localhost`;
    for (const [index, form] of [messageId, `msg-${messageId}`, `evt-${messageId}`, matrix].entries()) {
      expect(await alice.acts({ type: "EDIT_MSG", chatId, messageId: form, message: `edit ${index}` })).toMatchObject({
        messageId,
      });
      expect(await alice.acts({ type: "READ_MSG", chatId, messageId: form })).toMatchObject({ messageId });
      const page = await alice.history(chatId, `?before=${encodeURIComponent(form)}`);
      expect(page.map((entry) => entry.messageId)).toEqual([older.messageId]);
    }
  });

  test.each(["x", "", "room-", "msg-01890000-0000-7000-8000-000000000000", "$", "01890000-0000-7000-8000-00000000000"])(
    "of a room is never %j",
    async (form) => {
      const { alice, chatId } = await world.chat();
      expectProblem(await alice.posts({ type: "SEND_MSG", chatId: form, message: "text" }), "invalid");
      const messageId = form.startsWith("msg-") ? "room-x" : form;
      expectProblem(await alice.posts({ type: "READ_MSG", chatId, messageId }), "invalid");
    },
  );

  test("of an unknown Matrix event is not found", async () => {
    const { alice, chatId } = await world.chat();
    for (const messageId of ["$unknown", "$event:matrix.example.org"])
      expectProblem(await alice.posts({ type: "READ_MSG", chatId, messageId }), "not_found");
  });
}

function crossOrigin(world: World): void {
  const preflight = (origin: string, method: string) =>
    ask(`${world.servers.api}/api/chat`, {
      method: "OPTIONS",
      headers: {
        origin,
        "access-control-request-method": method,
        "access-control-request-headers": "authorization,content-type",
      },
    });

  test("that is allowed may send a token, and read every answer", async () => {
    const alice = await world.person();
    for (const origin of [ORIGIN, "https://desk.example.org"]) {
      const { status, headers } = await preflight(origin, "POST");
      expect([200, 204]).toContain(status);
      expect(headers.get("access-control-allow-origin")).toBe(origin);
      expect(headers.get("access-control-allow-headers")?.toLowerCase()).toContain("authorization");
      for (const method of ["POST", "PUT", "PATCH", "DELETE"])
        expect(headers.get("access-control-allow-methods")).toContain(method);
      for (const path of ["/v1/rooms", "/nowhere", "/v1/rooms?limit=0"]) {
        const answer = await alice.asks("GET", path, undefined, { origin });
        expect(answer.headers.get("access-control-allow-origin")).toBe(origin);
        expect(answer.headers.get("vary")?.toLowerCase()).toContain("origin");
      }
      const refused = await ask(`${world.servers.api}/v1/rooms`, { headers: { origin } });
      expect(refused.headers.get("access-control-allow-origin")).toBe(origin);
    }
  });

  test("that is not allowed may not", async () => {
    const alice = await world.person();
    for (const origin of ["https://evil.example.org", "null", "http://chat.example.org"]) {
      expect((await preflight(origin, "POST")).headers.get("access-control-allow-origin")).toBeNull();
      const answer = await alice.asks("GET", "/v1/rooms", undefined, { origin });
      expect(answer.headers.get("access-control-allow-origin")).toBeNull();
    }
  });
}
