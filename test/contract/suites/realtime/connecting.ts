/** CONTRACT section 4: the handshake of a socket, its token and origin, and READY. */
import { describe, expect, test } from "vitest";
import { cursorOf } from "../../../support/cursors.ts";
import { expectProblem } from "../../../support/http.ts";
import { BAD_TOKENS, inSeconds, sign } from "../../../support/tokens.ts";
import { ORIGIN, type World } from "../../../support/world.ts";
import { endOf } from "../../support/cursors.ts";
import { ANY_TEXT } from "../../support/shapes.ts";

export function connecting(world: World): void {
  describe("a token", () => tokens(world));
  describe("an origin", () => origins(world));
  describe("READY", () => ready(world));
}

function tokens(world: World): void {
  test("comes in the Authorization header", async () => {
    const alice = await world.person();
    const client = await alice.opensSocket(0, { token: alice.token });
    expect(await client.receives({ type: "READY" })).toMatchObject({ userId: alice.id });
  });

  test("comes in a subprotocol beside signalbox.v1, which the server selects", async () => {
    const alice = await world.person();
    const client = await alice.opensSocket(1, { protocols: ["signalbox.v1", `bearer.${alice.token}`] });
    expect(client.protocol).toBe("signalbox.v1");
    expect(await client.receives({ type: "READY" })).toMatchObject({ userId: alice.id });
  });

  test("comes in the first frame", async () => {
    const alice = await world.person();
    const client = await alice.opensSocket(0);
    client.send({ type: "AUTH", token: alice.token });
    expect(await client.receives({ type: "READY" })).toMatchObject({ userId: alice.id });
    expect(client.frames[0]?.type).toBe("READY");
  });

  test("may have the user's name in name or in preferred_username", async () => {
    const { alice, chatId } = await world.chat();
    for (const claims of [{ name: "Dora" }, { preferred_username: "dora" }]) {
      const newcomer = await world.person(claims);
      await newcomer.connects();
      const phone = await alice.connects();
      await alice.adds(chatId, newcomer);
      const [username] = Object.values(claims);
      await phone.receives({ type: "USER_JOIN", message: newcomer.id, username });
    }
  });

  test("may have any user id of 1 to 128 characters as its sub", async () => {
    for (const sub of ["u", `~._:@!$=+-${"U".repeat(90)}${Math.random()}`, `@user-${Date.now()}:matrix.example.org`]) {
      const person = await world.person({ sub });
      const client = await person.connects();
      expect(client.frames[0]).toMatchObject({ type: "READY", userId: sub });
      expect((await person.rooms()).data).toEqual([]);
    }
  });

  test.each(Object.entries(BAD_TOKENS))("that %s is refused: 401 over REST, 4401 on a socket", async (_, bad) => {
    const alice = await world.person();
    const token = await bad(alice.id);
    expectProblem(
      await alice.asks("GET", "/v1/rooms", undefined, { authorization: `Bearer ${token}` }),
      "unauthenticated",
    );
    const byHeader = await alice.opensSocket(0, { token });
    const byProtocol = await alice.opensSocket(1, { protocols: ["signalbox.v1", `bearer.${token}`] });
    const byFrame = await alice.opensSocket(0);
    byFrame.send({ type: "AUTH", token });
    for (const client of [byHeader, byProtocol, byFrame]) {
      expect(await client.closed).toMatchObject({ code: 4401, reason: ANY_TEXT });
      expect(client.of("READY")).toEqual([]);
    }
  });

  test.each(["", "Bearer", "Bearer  ", "Basic YTpi", "bearer.x"])(
    "is missing in the header %j: 401",
    async (authorization) => {
      const alice = await world.person();
      expectProblem(await alice.asks("GET", "/v1/rooms", undefined, { authorization }), "unauthenticated");
    },
  );

  test("has to come before any other frame", async () => {
    const { alice, chatId } = await world.chat();
    const client = await alice.opensSocket(0);
    client.send({ type: "SEND_MSG", chatId, message: "without a token", ref: 1 });
    expect((await client.closed).code).toBe(4401);
    expect(await alice.history(chatId)).toEqual([]);
  });

  test("that is new and of the same user is taken, one of another user closes with 4403", async () => {
    const { alice, bob, chatId } = await world.chat();
    const phone = await alice.connects();
    phone.send({ type: "AUTH", token: await sign({ sub: alice.id }) });
    await phone.acts({ type: "SEND_MSG", chatId, message: "still here" });
    phone.send({ type: "AUTH", token: bob.token });
    expect((await phone.closed).code).toBe(4403);
  });
}

function origins(world: World): void {
  test("that is allowed may connect, and so may the node's own page and a client without one", async () => {
    const alice = await world.person();
    const own = world.servers.sockets.map((url) => ({ origin: new URL(url).origin.replace(/^ws/, "http") }));
    for (const origin of [{ origin: ORIGIN }, { origin: "https://desk.example.org" }, own[1] ?? {}, {}]) {
      const client = await alice.opensSocket(1, { token: alice.token, ...origin });
      await client.receives({ type: "READY" });
    }
  });

  test.each(["https://evil.example.org", "http://chat.example.org", "https://chat.example.org:8443", "null"])(
    "%s is refused with HTTP 403, with any token",
    async (origin) => {
      const alice = await world.person();
      for (const token of [{ token: alice.token }, { token: "nonsense" }, {}])
        await expect(alice.opensSocket(0, { ...token, origin })).rejects.toThrow("403");
    },
  );
}

function ready(world: World): void {
  test("is the first frame, with exactly these fields", async () => {
    const { alice, chatId } = await world.chat();
    const other = await alice.makesRoom();
    const second = await alice.says(chatId, "second event");
    expect(second.seq).toBe(2);
    const client = await alice.connects(1);
    expect(client.frames[0]).toStrictEqual({
      type: "READY",
      sessionId: ANY_TEXT,
      userId: alice.id,
      heartbeatMs: 25_000,
      rooms: { [chatId]: cursorOf(second), [other]: await endOf(alice, other) },
    });
  });

  test("gives each session an id of its own", async () => {
    const alice = await world.person();
    const clients = await Promise.all([alice.connects(0), alice.connects(0), alice.connects(1)]);
    const ids = clients.map(({ frames }) => (frames[0] as { sessionId?: string } | undefined)?.sessionId);
    expect(new Set(ids).size).toBe(3);
  });

  test("names no left, deleted or foreign rooms", async () => {
    const { alice, bob, chatId } = await world.chat();
    const [left, deleted] = [await alice.makesRoom(bob), await alice.makesRoom(bob)];
    await bob.makesRoom();
    await alice.removes(left, bob);
    await alice.removes(left, alice);
    await alice.asks("DELETE", `/v1/rooms/${deleted}`);
    const client = await alice.connects();
    expect(client.frames[0]?.rooms).toEqual({ [chatId]: await endOf(alice, chatId) });
  });
}

/** Tests that wait for seconds; they run beside each other. */
export function connectingOverTime(world: World): void {
  test.concurrent("a silent client is closed with 4408 after 5 s", async () => {
    const since = Date.now();
    const client = await world.opensSocket(0);
    const { code, at } = await client.closed;
    expect(code).toBe(4408);
    expect(at - since).toBeGreaterThan(4500);
    expect(at - since).toBeLessThan(7000);
  });

  test.concurrent("a token in the URL is ignored", async () => {
    const alice = await world.person();
    const client = await alice.opensSocket(1, { query: `?token=${alice.token}&access_token=${alice.token}` });
    expect((await client.closed).code).toBe(4408);
    expect(client.frames).toEqual([]);
  });

  test.concurrent("a session is closed with 4401 within a second after its token expires, unless it was refreshed", async () => {
    const { alice, chatId } = await world.chat();
    const exp = inSeconds(3);
    const token = await sign({ sub: alice.id, exp });
    const [ending, refreshed] = [await alice.opensSocket(0, { token }), await alice.opensSocket(1, { token })];
    await refreshed.receives({ type: "READY" });
    refreshed.send({ type: "AUTH", token: alice.token });
    const { code, at } = await ending.closed;
    expect(code).toBe(4401);
    expect(at).toBeGreaterThanOrEqual(exp * 1000);
    expect(at).toBeLessThan(exp * 1000 + 1500);
    // The end of a later token shows that the refreshed session has outlived its first one.
    const late = await alice.opensSocket(0, { token: await sign({ sub: alice.id, exp: exp + 2 }) });
    expect((await late.closed).code).toBe(4401);
    await refreshed.acts({ type: "SEND_MSG", chatId, message: "still here" });
    expectProblem(
      await alice.asks("GET", "/v1/rooms", undefined, { authorization: `Bearer ${token}` }),
      "unauthenticated",
    );
  });
}
