/** CONTRACT section 8: the calls of a homeserver. A transaction is taken once and whole, with any content. */
import { randomUUID } from "node:crypto";
import { describe, expect, test } from "vitest";
import { type Answer, dataOf, expectProblem, jsonOf, type Room } from "../../../support/http.ts";
import { times } from "../../../support/lists.ts";
import { conversation, snapshotOf } from "../../../support/queries.ts";
import type { World } from "../../../support/world.ts";
import { bridge, mapped, roomOf } from "../../stages/bridged-room.ts";
import { asksAs, MatrixRoom, matrixUser, newEventId } from "../../support/homeserver.ts";
import { listed, MESSAGES, pageOf, previewsOf, projectionOf, statsOf } from "../../support/projections.ts";
import { NOTHING } from "../../support/shapes.ts";

export function applicationService(world: World): void {
  describe("a homeserver", () => homeserver(world));
  describe("a transaction of a homeserver", () => {
    transactions(world);
    garbage(world);
  });
  describe("a bridged room", () => rooms(world));
}

const expectError = (answer: Answer, status: number, errcode: string) => {
  expect([answer.status, jsonOf(answer).errcode], answer.text).toEqual([status, errcode]);
  expect(jsonOf(answer)).toStrictEqual({ errcode, error: expect.stringMatching(/./) });
};

function homeserver(world: World): void {
  const transaction = () => `/_matrix/app/v1/transactions/${randomUUID()}`;
  const body = { events: [] };

  test("is admitted by its token, and by no other", async () => {
    const { token } = await world.service();
    for (const path of [transaction(), `/transactions/${randomUUID()}`]) {
      expect((await asksAs(world, "PUT", path, { body })).text).toBe("{}");
      expectError(await asksAs(world, "PUT", path, { body, token: null }), 401, "M_MISSING_TOKEN");
      expectError(await asksAs(world, "PUT", path, { body, token: "x" }), 403, "M_FORBIDDEN");
      expectError(await asksAs(world, "PUT", path, { body, token }), 403, "M_FORBIDDEN");
      expectError(await asksAs(world, "PUT", `${path}?access_token=x`, { body }), 403, "M_FORBIDDEN");
    }
  });

  test("pings, and asks for users and rooms", async () => {
    for (const sent of [{ transaction_id: "a" }, { transaction_id: null }, {}])
      expect((await asksAs(world, "POST", "/_matrix/app/v1/ping", { body: sent })).text).toBe("{}");
    const { room } = await bridge(world);
    const newcomer = `@${randomUUID()}:matrix.example`;
    await room.pushes([room.member(newcomer, "join")]);
    const user = (id: string) => asksAs(world, "GET", `/_matrix/app/v1/users/${encodeURIComponent(id)}`);
    expect((await user(newcomer)).text).toBe("{}");
    expectError(await user(`@${randomUUID()}:matrix.example`), 404, "M_NOT_FOUND");
    expectError(await asksAs(world, "GET", "/_matrix/app/v1/rooms/%23den%3Amatrix.example"), 404, "M_NOT_FOUND");
  });

  test("gets M_UNRECOGNIZED for unknown endpoints and methods", async () => {
    for (const path of ["/_matrix/app/v1/thirdparty/protocol/irc", "/_matrix/app/unstable/keys/claim", "/_matrix/x"])
      for (const method of ["GET", "POST"]) expectError(await asksAs(world, method, path), 404, "M_UNRECOGNIZED");
    expectError(await asksAs(world, "GET", transaction()), 405, "M_UNRECOGNIZED");
    expectError(await asksAs(world, "PUT", "/_matrix/app/v1/ping", { body }), 405, "M_UNRECOGNIZED");
  });

  test("gets Matrix's error codes for a body that is no transaction", async () => {
    for (const text of ["", "{", "events"])
      expectError(await asksAs(world, "PUT", transaction(), { body: text }), 400, "M_NOT_JSON");
    for (const text of ["null", "7", "[]", "{}", '{"events":{}}', '{"ephemeral":[]}'])
      expectError(await asksAs(world, "PUT", transaction(), { body: text }), 400, "M_BAD_JSON");
  });
}

function transactions(world: World): void {
  test("of a megabyte is taken whole and in order; one of more than 16 is refused", async () => {
    const { alice, room, chatId } = await bridge(world);
    const events = Array.from({ length: 50 }, (_, index) => room.says(alice, `${index} ${"l".repeat(20_000)}`));
    await room.pushes(events);
    expect(await statsOf(alice, chatId)).toMatchObject({ total_messages: 50 });
    const ids = (await listed(alice, chatId)).map(({ matrix_event_id }) => matrix_event_id);
    expect(ids.reverse()).toEqual(events.map(({ event_id }) => event_id));
    const much = JSON.stringify({ events: [], pad: "l".repeat(16 * 2 ** 20) });
    const answer = await asksAs(world, "PUT", "/_matrix/app/v1/transactions/large", { body: much });
    expectError(answer, 413, "M_TOO_LARGE");
    expectProblem(await alice.asks("POST", "/v1/rooms", much.slice(0, 2 ** 20)), "too_large");
  });

  test("that is repeated, with the same id or another, changes nothing", async () => {
    const { alice, bob, room, chatId } = await bridge(world);
    const socket = await bob.connects(1);
    const message = room.says(alice, "once");
    const events = [
      message,
      room.reacts(bob, message, "+"),
      room.edits(alice, message, "once, edited"),
      room.member(bob, "join"),
    ];
    for (const api of [0, 1, 0] as const) await room.pushes(events, { api });
    await room.pushes([message], { ephemeral: [] });
    await room.pushes([message, message, room.says(alice, "last")]);
    await socket.receives({ type: "SEND_MSG", message: "last" });
    expect(socket.events(chatId).map(({ type }) => type)).toEqual(["SEND_MSG", "REACT", "EDIT_MSG", "SEND_MSG"]);
    expect(await previewsOf(bob, chatId)).toEqual(["once, edited", "last"]);
  });

  test("that two API nodes get at once is taken once", async () => {
    const { alice, bob, room, chatId } = await bridge(world);
    const [socket, stream] = await Promise.all([bob.connects(0), bob.streams(chatId, 1)]);
    const { seq } = await roomOf(bob, room);
    for (let round = 0; round < 5; round++) {
      const events = Array.from({ length: 20 }, (_, index) => room.says(alice, `${round}:${index}`));
      await times(4, (index) => room.pushes(events, { api: index % 2 === 0 ? 0 : 1 }));
    }
    await stream.reaches(seq + 100);
    await socket.receives({ seq: seq + 100 });
    const texts = Array.from({ length: 100 }, (_, index) => `${Math.floor(index / 20)}:${index % 20}`);
    expect(socket.events(chatId).map(({ message }) => message)).toEqual(texts);
    expect(socket.events(chatId).map((event) => event.seq)).toEqual(texts.map((_, index) => seq + 1 + index));
    expect(stream.of("message").map(({ preview }) => preview)).toEqual(texts);
    expect(await previewsOf(bob, chatId, { limit: "100" })).toEqual(texts);
    expect(await roomOf(bob, room)).toMatchObject({ seq: seq + 100 });
  });

  test("that creates a room at two API nodes at once creates one", async () => {
    const { alice, bob } = await world.people();
    await Promise.all([mapped(world, alice), mapped(world, bob)]);
    const room = new MatrixRoom(world);
    const events = [room.state(alice, "m.room.create", {}), room.member(alice, "join"), room.member(bob, "join")];
    const message = room.says(bob, "first");
    await times(4, (index) => room.pushes([...events, message], { api: index % 2 === 0 ? 0 : 1 }));
    expect((await alice.rooms()).data).toHaveLength(1);
    expect(await previewsOf(alice, (await roomOf(bob, room)).id)).toEqual(["first"]);
    expect(await roomOf(alice, room)).toMatchObject({ member_count: 2 });
  });
}

/** Items that no homeserver should send; valid items beside them must be taken. */
const GARBAGE: readonly unknown[] = [
  null,
  7,
  "text",
  [],
  {},
  { event_id: "$x" },
  { event_id: 5, room_id: 5, type: 5, sender: 5, origin_server_ts: "5", content: "x" },
];

function garbage(world: World): void {
  test("is taken although its ephemeral part is malformed", async () => {
    const { alice, room, chatId } = await bridge(world);
    const items = [
      ...GARBAGE,
      { type: "m.typing" },
      { type: "m.typing", room_id: room.id, content: { user_ids: [7, null, "x"] } },
      { type: "m.receipt", room_id: room.id, content: { $a: { "m.read": { "@a:b": null } }, b: 7 } },
      { type: "m.receipt", room_id: 7, content: null },
      { type: "m.presence", sender: "no-user", content: { presence: "there" } },
      { type: "m.unknown" },
    ];
    for (const [index, ephemeral] of [items, null, {}, "x", 7, [[[]]]].entries())
      await room.pushes([room.says(alice, `message ${index}`)], { ephemeral });
    expect(await listed(alice, chatId)).toHaveLength(6);
  });

  test("loses no valid event for the invalid ones beside it", async () => {
    const { alice, bob, room, chatId } = await bridge(world);
    const socket = await bob.connects(0);
    const good = room.says(alice, "good");
    const event_id = () => newEventId();
    const bad: readonly unknown[] = [
      ...GARBAGE,
      ...GARBAGE.map((content) => ({ ...good, event_id: event_id(), content })),
      { ...good, event_id: event_id(), origin_server_ts: -1 },
      { ...good, event_id: event_id(), sender: "alice" },
      { ...good, event_id: event_id(), room_id: "room" },
      { ...good, event_id: event_id(), type: "m.unknown" },
      { ...good, event_id: event_id(), type: "m.room.redaction", content: { redacts: { a: 1 } }, redacts: [] },
      { ...good, event_id: event_id(), type: "m.reaction", content: { "m.relates_to": { rel_type: "m.annotation" } } },
      { ...good, event_id: event_id(), type: "m.room.member", state_key: "no-user", content: { membership: "join" } },
      { ...good, event_id: event_id(), content: { body: "x", msgtype: "m.text", "m.relates_to": [1] } },
    ];
    await room.pushes(bad.flatMap((each, index) => [each, room.says(alice, `good ${index}`)]));
    const texts = bad.map((_, index) => `good ${index}`);
    await socket.receives({ type: "SEND_MSG", message: texts.at(-1) });
    const shown = socket.events(chatId).map(({ message }) => message);
    expect(shown.filter((text) => texts.includes(text))).toEqual(texts);
    expect((await previewsOf(bob, chatId)).filter((text) => texts.includes(text ?? ""))).toEqual(texts);
  });

  test("has invalid text replaced, and times in the future set to now", async () => {
    const { alice, room, chatId } = await bridge(world);
    const odd = room.says(alice, "a\u0000b\ud800c");
    const soon = room.says(alice, "of tomorrow", {}, { origin_server_ts: Date.now() + 86_400_000 });
    const far = room.says(alice, "of the end of days", {}, { origin_server_ts: 1e300 });
    await room.pushes([odd, soon, far]);
    const after = Date.now();
    expect((await projectionOf(alice, odd.event_id)).preview).toBe("a\ufffdb\ufffdc");
    for (const { event_id } of [soon, far])
      expect(Date.parse(String((await projectionOf(alice, event_id)).sent_at))).toBeLessThanOrEqual(after + 1000);
    const { messageId } = await alice.says(chatId, "of now");
    expect((await listed(alice, chatId)).map(({ id }) => id)).toContain(`msg-${messageId}`);
  });
}

function rooms(world: World): void {
  test("appears with its first transaction: with its name, its members and its owner", async () => {
    const { alice, bob, room, chatId } = await bridge(world);
    for (const person of [alice, bob])
      expect(await roomOf(person, room)).toMatchObject({
        id: chatId,
        name: "A room of Matrix",
        matrix_room_id: room.id,
        created_by: alice.id,
        member_count: 2,
        role: person === alice ? "owner" : "member",
      });
    expect(dataOf<Room>(await bob.asks("GET", `/v1/rooms/${chatId}`))).toMatchObject({ matrix_room_id: room.id });
  });

  test("is hidden from outsiders: list, message, count, stream and snapshot", async () => {
    const { alice, carol, room, chatId } = await bridge(world);
    const socket = await carol.connects(0);
    const message = room.says(alice, "secret", { "m.mentions": { user_ids: [matrixUser(carol)] } });
    await room.pushes([message]);
    const { id } = await projectionOf(alice, message.event_id);
    for (const path of [
      `${MESSAGES}?conversation_id=${chatId}`,
      `${MESSAGES}/stats?conversation_id=${chatId}`,
      `${MESSAGES}/${id}`,
      `${MESSAGES}/${encodeURIComponent(message.event_id)}`,
      `/v1/rooms/${chatId}/state`,
      `${conversation(chatId)}/signals/snapshot`,
      `/api/chat/${chatId}/messages`,
    ])
      expectProblem(await carol.asks("GET", path), "not_found");
    expect((await pageOf(carol, {})).data).toEqual([]);
    const stream = await world.opensStream(chatId, 1, { token: carol.token });
    await stream.over;
    expect(stream.requests.map(({ status }) => status)).toEqual([404]);
    await socket.asks({ type: "PING" });
    expect(socket.events(chatId)).toEqual([]);
  });

  test("takes members and a name from Matrix only", async () => {
    const { alice, bob, carol, chatId } = await bridge(world);
    for (const [method, path, body] of [
      ["PUT", `/v1/rooms/${chatId}/members/${carol.id}`, undefined],
      ["PUT", `/v1/rooms/${chatId}/members/${bob.id}`, { role: "owner" }],
      ["DELETE", `/v1/rooms/${chatId}/members/${bob.id}`, undefined],
      ["DELETE", `/v1/rooms/${chatId}/members/${alice.id}`, undefined],
      ["PATCH", `/v1/rooms/${chatId}`, { name: "Another name" }],
    ] as const)
      expectProblem(await alice.asks(method, path, body), "conflict");
    const metadata = { colour: "green" };
    expect(dataOf<Room>(await alice.asks("PATCH", `/v1/rooms/${chatId}`, { metadata }))).toMatchObject({ metadata });
    const { presence } = await snapshotOf(bob, chatId);
    expect(presence.map(({ user_id }) => user_id).sort()).toEqual([alice.id, bob.id].sort());
  });

  test("can be created before by a service, once, and by no other caller", async () => {
    const [service, { alice }] = await Promise.all([world.service(), world.people()]);
    const room = new MatrixRoom(world);
    const body = { name: "Made here", matrix_room_id: room.id };
    expectProblem(await alice.asks("POST", "/v1/rooms", body), "forbidden");
    expectProblem(
      await service.asks("POST", "/v1/rooms", { ...body, matrix_room_id: "#den:matrix.example" }),
      "invalid",
    );
    const made = dataOf<Room>(await service.asks("POST", "/v1/rooms", body), 201);
    expect(made).toMatchObject({ name: "Made here", matrix_room_id: room.id });
    expectProblem(await service.asks("POST", "/v1/rooms", body), "conflict");
    await mapped(world, alice);
    await room.pushes([room.member(alice, "join"), room.says(alice, "in the room that was there")]);
    expect((await roomOf(alice, room)).id).toBe(made.id);
    expect(await previewsOf(alice, made.id)).toEqual(["in the room that was there"]);
  });

  test("has a native user for each Matrix user: the mapped one, or a derived one", async () => {
    const { alice, bob, carol, room, chatId } = await bridge(world);
    const service = await world.service();
    const stranger = `@${randomUUID()}:matrix.example`;
    const messages = [room.says(bob, "mapped"), room.says(stranger, "as a derived user"), room.says(stranger, "again")];
    await room.pushes(messages);
    const [first, second, third] = await Promise.all(messages.map(({ event_id }) => projectionOf(alice, event_id)));
    expect(first).toMatchObject({ sender_user_id: bob.id });
    expect(second!.sender_user_id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(third!.sender_user_id).toBe(second!.sender_user_id);
    expect(JSON.stringify(await listed(alice, chatId))).not.toContain("@");
    const taken = { matrix_user_id: matrixUser(bob) };
    expectProblem(await service.asks("PUT", `/v1/users/${carol.id}`, taken), "conflict");
    for (const matrix_user_id of ["", "bob", "@bob", "bob:matrix.example", 7, null])
      expectProblem(await service.asks("PUT", `/v1/users/${carol.id}`, { matrix_user_id }), "invalid");
    expectProblem(await carol.asks("PUT", `/v1/users/${carol.id}`, taken), "forbidden");
  });

  test("takes a message's Matrix event id in every place of a message id", async () => {
    const { alice, bob, room, chatId } = await bridge(world);
    const [older, newer] = [room.says(alice, "older"), room.says(alice, "newer")];
    await room.pushes([older, newer]);
    const id = (await projectionOf(bob, newer.event_id)).id.slice("msg-".length);
    const $id = encodeURIComponent(newer.event_id);
    expect(await bob.history(chatId, `?before=${$id}`)).toMatchObject([{ content: "older" }]);
    const until = "2040-01-01T00:00:00Z";
    const snoozed = await bob.asks("PUT", `/v1/rooms/${chatId}/snoozes/${$id}`, { until });
    expect(dataOf<object>(snoozed)).toMatchObject({ event_id: `evt-${id}` });
    for (const door of ["read", "marker"]) {
      const answer = await bob.asks("POST", `${conversation(chatId)}/${door}`, { event_id: newer.event_id });
      expect(answer.status, answer.text).toBe(200);
    }
    expect(await bob.acts({ type: "REACT", chatId, messageId: newer.event_id, reaction: "+" })).toMatchObject({
      parentMessageId: id,
      eventId: newer.event_id,
    });
    for (const event_id of ["$unknown", NOTHING])
      expectProblem(await bob.asks("POST", `${conversation(chatId)}/read`, { event_id }), "not_found");
  });
}
