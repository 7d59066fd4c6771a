/** CONTRACT section 6: rooms, members and users. */
import { describe, expect, test } from "vitest";
import { cursorOf } from "../../../support/cursors.ts";
import { dataOf, expectProblem, jsonOf, type Room } from "../../../support/http.ts";
import { range, times } from "../../../support/lists.ts";
import type { Person, World } from "../../../support/world.ts";
import { endOf } from "../../support/cursors.ts";
import { ANY_MARK, ANY_TIME, ANY_UUID_V7, NOTHING } from "../../support/shapes.ts";

export function rooms(world: World): void {
  describe("a room", () => {
    making(world);
    changing(world);
  });
  describe("the caller's rooms", () => listing(world));
  describe("members", () => members(world));
  describe("users", () => users(world));
}

function making(world: World): void {
  test("is made with a name, and has exactly these fields", async () => {
    const { alice, bob } = await world.people();
    const metadata = { topic: "Käse \u{1f9c0}", nested: { list: [1, null, true] } };
    const answer = await alice.asks("POST", "/v1/rooms", { name: "Project Discussion", members: [bob.id], metadata });
    expect(dataOf<Room>(answer, 201)).toStrictEqual({
      id: ANY_UUID_V7,
      name: "Project Discussion",
      metadata,
      created_by: alice.id,
      created_at: ANY_TIME,
      matrix_room_id: null,
      member_count: 2,
      seq: 1,
    });
  });

  test("needs only a name, and counts a repeated member once", async () => {
    const { alice, bob } = await world.people();
    const alone = dataOf<Room>(await alice.asks("POST", "/v1/rooms", { name: "Notes" }), 201);
    expect(alone).toMatchObject({ name: "Notes", metadata: {}, member_count: 1 });
    const body = { name: "Twice", members: [bob.id, alice.id, bob.id] };
    expect(dataOf<Room>(await alice.asks("POST", "/v1/rooms", body), 201)).toMatchObject({ member_count: 2 });
  });

  test.each([
    {},
    { name: "" },
    { name: " \n" },
    { name: 7 },
    { name: null },
    { name: "\u0000" },
    { name: "\ud800" },
    { name: "x", members: "bob" },
    { name: "x", members: ["no user"] },
    { name: "x", members: [7] },
    { name: "x", metadata: [] },
    { name: "x", metadata: "text" },
    { name: "x", metadata: { "key\u0000": 1 } },
    { name: "x", metadata: { deep: ["\udfff"] } },
  ])("of %j is invalid", async (body) => {
    const alice = await world.person();
    const problem = expectProblem(await alice.asks("POST", "/v1/rooms", body), "invalid");
    expect(problem.errors).toBeInstanceOf(Array);
    expect((await alice.rooms()).data).toEqual([]);
  });

  test("has up to 64 KiB of metadata", async () => {
    const alice = await world.person();
    const make = (length: number) =>
      alice.asks("POST", "/v1/rooms", { name: "x", metadata: { m: "m".repeat(length) } });
    // The braces, the key and its quotes are eight bytes.
    dataOf(await make(65_536 - 8), 201);
    expectProblem(await make(65_536 - 7), "invalid");
  });

  test("is made for others by a service, which is not a member", async () => {
    const [service, { alice, bob }] = [await world.service(), await world.people()];
    const body = { name: "Made for you", members: [alice.id, bob.id] };
    const room = dataOf<Room>(await service.asks("POST", "/v1/rooms", body), 201);
    expect(room.member_count).toBe(2);
    expect((await alice.rooms()).data).toMatchObject([{ id: room.id }]);
    expect((await service.rooms()).data).toEqual([]);
  });
}

function changing(world: World): void {
  test("gets another name and other metadata independently", async () => {
    const { alice, chatId } = await world.chat();
    const phone = await alice.connects(1);
    const patch = async (body: Record<string, unknown>) =>
      dataOf<Room>(await alice.asks("PATCH", `/v1/rooms/${chatId}`, body));
    expect(await patch({ name: "New name" })).toMatchObject({ id: chatId, name: "New name", metadata: {}, seq: 2 });
    expect(await patch({ metadata: { a: 1 } })).toMatchObject({ name: "New name", metadata: { a: 1 }, seq: 3 });
    expect(await phone.receives({ seq: 3 })).toStrictEqual({
      type: "ROOM_STATE",
      chatId,
      changed: ["room"],
      seq: 3,
      mark: ANY_MARK,
    });
    expect((await alice.rooms()).data).toMatchObject([{ name: "New name", metadata: { a: 1 } }]);
  });

  test.each([{}, { name: "" }, { name: 7 }, { metadata: [] }, { metadata: null }])(
    "is not changed by %j",
    async (body) => {
      const { alice, chatId } = await world.chat();
      expectProblem(await alice.asks("PATCH", `/v1/rooms/${chatId}`, body), "invalid");
    },
  );

  test("is deleted by its owner, or by a service, and by no other member", async () => {
    const { alice, bob, chatId } = await world.chat();
    const other = await alice.makesRoom(bob);
    expectProblem(await bob.asks("DELETE", `/v1/rooms/${chatId}`), "forbidden");
    for (const [person, room] of [
      [alice, chatId],
      [await world.service(), other],
    ] as const) {
      const answer = await person.asks("DELETE", `/v1/rooms/${room}`);
      expect(answer.status, answer.text).toBe(200);
      expect(jsonOf(answer)).toStrictEqual({ message: expect.any(String) });
      expectProblem(await person.asks("DELETE", `/v1/rooms/${room}`), "not_found");
    }
    expect((await alice.rooms()).data).toEqual([]);
  });
}

function listing(world: World): void {
  test("have the last message, the unread count and a cursor", async () => {
    const { alice, bob, chatId } = await world.chat();
    expect((await bob.rooms()).data).toMatchObject([
      { id: chatId, last_message: null, unread_count: 0, seq: 1, cursor: await endOf(bob, chatId) },
    ]);
    await alice.says(chatId, "first");
    const sent = await alice.says(chatId, "last");
    const { messageId, timeStamp } = sent;
    const [room, ...others] = (await bob.rooms()).data;
    expect(others).toEqual([]);
    expect(room).toMatchObject({ name: "A room", created_by: alice.id, member_count: 2, unread_count: 2 });
    expect(room?.cursor).toBe(cursorOf(sent));
    expect(room?.last_message).toMatchObject({
      messageId,
      chatId,
      senderId: alice.id,
      content: "last",
      timeStamp,
      seq: 3,
    });
    expect((await alice.rooms()).data).toMatchObject([{ unread_count: 0, last_message: { messageId } }]);
  });

  test("have a cursor from which a resume delivers exactly the later events", async () => {
    const { alice, bob, chatId } = await world.chat();
    await alice.says(chatId, "before");
    const { cursor } = (await bob.rooms()).data[0] as { cursor: string } & Room;
    const { seq } = await alice.says(chatId, "after");
    const client = await bob.resumes(1, { [chatId]: cursor });
    expect(client.seqs(chatId)).toEqual([seq]);
  });

  test("have the edited text of a message, and none of a deleted one", async () => {
    const { alice, chatId } = await world.chat();
    const { messageId } = await alice.says(chatId, "secret");
    await alice.acts({ type: "EDIT_MSG", chatId, messageId, message: "edited" });
    expect((await alice.rooms()).data[0]?.last_message).toMatchObject({ content: "edited", edited: true });
    await alice.acts({ type: "DELETE_MSG", chatId, messageId });
    expect((await alice.asks("GET", "/v1/rooms")).text).not.toMatch(/secret|"edited":"edited"/);
  });

  test("have pages with cursors that hold while rooms are added", async () => {
    const alice = await world.person();
    const first = new Set(await times(7, () => alice.makesRoom()));
    const seen: string[] = [];
    for (let query = "?limit=2"; ; ) {
      const { data, next_cursor } = await alice.rooms(query);
      expect(data.length).toBeLessThanOrEqual(2);
      seen.push(...data.map(({ id }) => id));
      if (next_cursor === null) break;
      await alice.makesRoom();
      query = `?limit=2&cursor=${encodeURIComponent(next_cursor)}`;
    }
    expect(new Set(seen).size).toBe(seen.length);
    expect(seen.filter((id) => first.has(id))).toHaveLength(7);
    expect((await alice.rooms("?limit=100")).next_cursor).toBeNull();
  });

  test.each(["limit=0", "limit=101", "limit=x", "cursor=x", "cursor=%00", `cursor=${"c".repeat(300)}`])(
    "with ?%s are invalid",
    async (query) => {
      const alice = await world.person();
      expectProblem(await alice.asks("GET", `/v1/rooms?${query}`), "invalid");
    },
  );
}

function members(world: World): void {
  const path = (chatId: string, { id }: Person) => `/v1/rooms/${chatId}/members/${encodeURIComponent(id)}`;

  test("are added by a PUT, also with an empty body, and a repeat changes nothing", async () => {
    const { alice, carol, chatId } = await world.chat();
    const phone = await alice.connects();
    for (let repeat = 0; repeat < 2; repeat++)
      expect(dataOf(await alice.asks("PUT", path(chatId, carol)))).toMatchObject({
        user_id: carol.id,
        role: "member",
        joined_at: ANY_TIME,
      });
    const { seq } = await alice.says(chatId, "after");
    expect(seq).toBe(3);
    await phone.receives({ seq });
    expect(phone.of("USER_JOIN")).toHaveLength(1);
    expect((await carol.rooms()).data).toMatchObject([{ id: chatId, member_count: 3 }]);
  });

  test("are counted right, with a seq for each join, when many join and leave at once", async () => {
    const { alice, bob, chatId } = await world.chat();
    const phone = await alice.connects(1);
    const newcomers = await times(20, () => world.person());
    await Promise.all(newcomers.map((newcomer, index) => (index % 2 === 0 ? alice : bob).adds(chatId, newcomer)));
    await Promise.all(newcomers.slice(0, 5).map((newcomer) => newcomer.removes(chatId, newcomer)));
    const last = await phone.receives({ chatId, seq: 26 });
    expect((await alice.rooms()).data).toMatchObject([{ member_count: 17, cursor: cursorOf(last) }]);
    expect(phone.seqs(chatId)).toEqual(range(2, 26));
  });

  test("have the role that an owner sets", async () => {
    const { alice, bob, carol, chatId } = await world.chat();
    const { messageId } = await alice.says(chatId, "alice's");
    const remove = { type: "DELETE_MSG", chatId, messageId };
    expectProblem(await bob.asks("PUT", path(chatId, bob), { role: "owner" }), "forbidden");
    expectProblem(await bob.asks("PUT", path(chatId, carol), { role: "owner" }), "forbidden");
    expectProblem(await bob.posts(remove), "forbidden");
    expect(dataOf(await alice.asks("PUT", path(chatId, bob), { role: "owner" }))).toMatchObject({ role: "owner" });
    expect((await bob.posts(remove)).status).toBe(200);
    expect(dataOf(await bob.asks("PUT", path(chatId, alice), { role: "member" }))).toMatchObject({ role: "member" });
    expectProblem(await alice.asks("DELETE", `/v1/rooms/${chatId}`), "forbidden");
  });

  test.each([{ role: "admin" }, { role: 7 }, { role: null }])("are not given %j", async (body) => {
    const { alice, bob, chatId } = await world.chat();
    expectProblem(await alice.asks("PUT", path(chatId, bob), body), "invalid");
  });

  test("leave, or are removed by an owner or a service only", async () => {
    const { alice, bob, carol, chatId } = await world.chat();
    await alice.adds(chatId, carol);
    expectProblem(await bob.asks("DELETE", path(chatId, carol)), "forbidden");
    await carol.removes(chatId, carol);
    await (await world.service()).removes(chatId, bob);
    expectProblem(await alice.asks("DELETE", path(chatId, bob)), "not_found");
    expect((await alice.rooms()).data).toMatchObject([{ member_count: 1 }]);
  });

  test("may have a Matrix id, escaped in the path", async () => {
    const { alice, chatId } = await world.chat();
    const guest = await world.person({ sub: `@guest-${Date.now()}:matrix.example.org` });
    expect(dataOf(await alice.asks("PUT", path(chatId, guest)))).toMatchObject({ user_id: guest.id });
    expect((await guest.rooms()).data).toMatchObject([{ id: chatId }]);
  });

  test.each(["no%20user", "%00", "a%2Fb", "u".repeat(129)])("cannot have the id %s", async (id) => {
    const { alice, chatId } = await world.chat();
    for (const method of ["PUT", "DELETE"])
      expectProblem(await alice.asks(method, `/v1/rooms/${chatId}/members/${id}`), "invalid");
  });
}

function users(world: World): void {
  test("are named by a service only", async () => {
    const [service, { alice, bob }] = [await world.service(), await world.people()];
    const named = await service.asks("PUT", `/v1/users/${alice.id}`, { name: "Alice" });
    expect(named.status, named.text).toBe(200);
    for (const path of [`/v1/users/${alice.id}`, `/v1/users/${bob.id}`])
      expectProblem(await bob.asks("PUT", path, { name: "Bob" }), "forbidden");
  });

  test.each([{}, { name: "" }, { name: 7 }, { name: "\u0000" }])("cannot be named by %j", async (body) => {
    const service = await world.service();
    expectProblem(await service.asks("PUT", `/v1/users/${NOTHING}`, body), "invalid");
  });
}
