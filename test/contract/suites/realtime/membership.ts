/** CONTRACT section 4: joins, leaves and revocations while sockets are open. */
import { describe, expect, test } from "vitest";
import { cursorOf } from "../../../support/cursors.ts";
import { expectProblem } from "../../../support/http.ts";
import { range, times } from "../../../support/lists.ts";
import { inSeconds, sign } from "../../../support/tokens.ts";
import type { World } from "../../../support/world.ts";

export function membership(world: World): void {
  describe("a new member", () => joining(world));
  describe("a leaving member", () => leaving(world));
  describe("a revocation", () => revocation(world));
}

function joining(world: World): void {
  test("gets USER_JOIN and the events after it, without a reconnect, and none before it", async () => {
    const { alice, carol, chatId } = await world.chat();
    const devices = await Promise.all([carol.connects(0), carol.connects(1)]);
    await alice.says(chatId, "before");
    await alice.adds(chatId, carol);
    const sent = await times(20, (index) => alice.says(chatId, `after ${index}`));
    await alice.acts({ type: "TYPING", chatId });
    for (const device of devices) {
      await device.receives({ type: "TYPING", chatId, senderId: alice.id });
      expect(device.events(chatId)[0]).toMatchObject({
        type: "USER_JOIN",
        message: carol.id,
        recipientId: carol.id,
        seq: 3,
      });
      expect(device.seqs(chatId)).toEqual(range(3, 3 + sent.length));
    }
  });

  test("that resumes from 0 begins with the own USER_JOIN, on a socket and on a stream", async () => {
    const { alice, carol, chatId } = await world.chat();
    const before = await alice.says(chatId, "not for carol");
    await alice.adds(chatId, carol);
    await alice.says(chatId, "for carol");
    for (const from of [0, 1, cursorOf(before)]) {
      const client = await carol.resumes(1, { [chatId]: from });
      expect(client.events(chatId)).toMatchObject([
        { type: "USER_JOIN", message: carol.id, seq: 3 },
        { type: "SEND_MSG", message: "for carol", seq: 4 },
      ]);
      expect(client.of("RESET")).toEqual([]);
      const stream = await carol.streams(chatId, 0, `?last_event_id=${from}`);
      await stream.reaches(4);
      expect(stream.cursors).toEqual(client.events(chatId).map(cursorOf));
      expect(stream.text).not.toContain("not for carol");
    }
  });

  test("that was removed and came back resumes from the first USER_JOIN, without the time between", async () => {
    const { alice, carol, chatId } = await world.chat();
    await alice.says(chatId, "not for carol");
    await alice.adds(chatId, carol);
    await alice.says(chatId, "for carol");
    await alice.removes(chatId, carol);
    await alice.says(chatId, "not for carol");
    await alice.adds(chatId, carol);
    const client = await carol.resumes(1, { [chatId]: 0 });
    expect(client.events(chatId).map(({ type, seq }) => [type, seq])).toEqual([
      ["USER_JOIN", 3],
      ["SEND_MSG", 4],
      ["USER_LEAVE", 5],
      ["USER_JOIN", 7],
    ]);
    expect(JSON.stringify(client.frames)).not.toContain("not for carol");
  });

  test("may act at once", async () => {
    const { alice, carol, chatId } = await world.chat();
    const device = await carol.connects(1);
    await alice.adds(chatId, carol);
    const event = await device.acts({ type: "SEND_MSG", chatId, message: "here I am" });
    expect(event).toMatchObject({ senderId: carol.id, seq: 3 });
  });

  test("has the name set by a service, else that of the token, else the user id", async () => {
    const { alice, carol, chatId } = await world.chat();
    const [service, named] = [await world.service(), await world.person({ name: "token name" })];
    await named.rooms();
    const renamed = await world.person();
    const answer = await service.asks("PUT", `/v1/users/${renamed.id}`, { name: "given name" });
    expect(answer.status, answer.text).toBe(200);
    const phone = await alice.connects();
    for (const [person, username] of [
      [named, "token name"],
      [renamed, "given name"],
      [carol, carol.id],
    ] as const) {
      await alice.adds(chatId, person);
      await phone.receives({ type: "USER_JOIN", message: person.id, username });
    }
  });

  test("that was a member before is like any other", async () => {
    const { alice, bob, chatId } = await world.chat();
    const bobs = await bob.connects(1);
    await alice.removes(chatId, bob);
    await alice.says(chatId, "not for bob");
    await alice.adds(chatId, bob);
    const { messageId } = await alice.says(chatId, "for bob");
    await bobs.receives({ messageId });
    expect(bobs.events(chatId).map(({ type, seq }) => [type, seq])).toEqual([
      ["USER_LEAVE", 2],
      ["USER_JOIN", 4],
      ["SEND_MSG", 5],
    ]);
  });
}

function leaving(world: World): void {
  test("gets USER_LEAVE as the last event under load, and no signal after it", async () => {
    const { alice, bob, chatId } = await world.chat();
    const shared = await alice.makesRoom(bob);
    const devices = await Promise.all([bob.connects(0), bob.connects(1)]);
    const sending = times(60, (index) => alice.says(chatId, `message ${index}`));
    const removing = alice.removes(chatId, bob);
    await Promise.all([sending, removing]);
    await Promise.all(devices.map((device) => device.receives({ type: "USER_LEAVE", chatId })));
    await alice.acts({ type: "TYPING", chatId });
    const last = await alice.says(chatId, "not for bob");
    await alice.acts({ type: "READ_MSG", chatId, messageId: last.messageId });
    const after = await alice.says(shared, "for both");
    for (const device of devices) {
      await device.receives({ messageId: after.messageId });
      const events = device.events(chatId);
      expect(events.at(-1)?.type).toBe("USER_LEAVE");
      expect(device.seqs(chatId)).toEqual(range(2, 1 + events.length));
      expect(device.of("TYPING")).toEqual([]);
      expect(device.of("READ_MSG")).toEqual([]);
    }
  });

  test("in a long replay gets it up to the USER_LEAVE, and nothing after it", async () => {
    const [service, { alice, bob, chatId }] = [await world.service(), await world.chat()];
    const message = "m".repeat(32_768);
    await times(200, () => service.says(chatId, message));
    const device = await bob.connects(1, "?resume=1");
    device.stopReading();
    device.send({ type: "RESUME", rooms: { [chatId]: 1 } });
    const witness = await bob.connects(1);
    await alice.removes(chatId, bob);
    await alice.says(chatId, "not for bob");
    await witness.receives({ type: "USER_LEAVE", chatId });
    device.readOn();
    await device.receives({ type: "RESUMED" });
    await device.receives({ type: "NEW_CHAT", chatId: await alice.makesRoom(bob) });
    // A member that was removed before the replay began gets a RESET instead.
    const events = device.events(chatId);
    if (device.of("RESET").length === 0) expect(events.at(-1)).toMatchObject({ type: "USER_LEAVE", seq: 202 });
    expect(events.map(({ seq }) => seq)).toEqual(events.map((_, index) => 2 + index));
  });

  test("has no message after the USER_LEAVE, also in a burst of its own sends", async () => {
    const { alice, bob, chatId } = await world.chat();
    const [alices, bobs] = await Promise.all([alice.connects(0), bob.connects(1)]);
    const action = { type: "SEND_MSG", chatId, message: "mine" };
    const answers = Promise.all(
      [...Array(60).keys()].map((index) => (index % 2 === 0 ? bob.posts(action) : bobs.asks(action))),
    );
    await alices.receives({ type: "SEND_MSG" });
    await alice.removes(chatId, bob);
    await answers;
    expectProblem(await bob.posts(action), "not_found");
    const { messageId } = await alice.says(chatId, "after");
    await alices.receives({ messageId });
    const events = alices.events(chatId);
    const left = events.findIndex(({ type }) => type === "USER_LEAVE");
    expect(left).toBeGreaterThan(0);
    expect(events.slice(left + 1).map(({ senderId }) => senderId)).toEqual([alice.id]);
    expect(events.map(({ seq }) => seq)).toEqual(events.map((_, index) => 2 + index));
  });

  test("can act there no more, over REST or a socket", async () => {
    const { alice, bob, chatId } = await world.chat();
    const bobs = await bob.connects(1);
    const { messageId } = await bob.says(chatId, "mine");
    await alice.removes(chatId, bob);
    for (const action of [
      { type: "SEND_MSG", message: "text" },
      { type: "DELETE_MSG" },
      { type: "READ_MSG" },
      { type: "TYPING" },
    ]) {
      expectProblem(await bob.posts({ chatId, messageId, ...action }), "not_found");
      expect(await bobs.asks({ chatId, messageId, ...action })).toMatchObject({ type: "ERROR", code: "not_found" });
    }
    expectProblem(await bob.asks("GET", `/api/chat/${chatId}/messages`), "not_found");
    expect((await bob.rooms()).data).toEqual([]);
  });

  test("of a deleted room gets DELETE_CHAT, and the room is gone for all", async () => {
    const { alice, bob, chatId } = await world.chat();
    const bobs = await bob.connects(1);
    await alice.asks("DELETE", `/v1/rooms/${chatId}`);
    await bobs.receives({ type: "DELETE_CHAT", chatId });
    for (const person of [alice, bob]) {
      expectProblem(await person.posts({ type: "SEND_MSG", chatId, message: "text" }), "not_found");
      expectProblem(await person.asks("GET", `/api/chat/${chatId}/messages`), "not_found");
      expect((await person.rooms()).data).toEqual([]);
    }
  });
}

function revocation(world: World): void {
  test("ends all the user's sessions with 4409 within a second, and the tokens, but no others", async () => {
    const [service, { alice, bob, chatId }] = [await world.service(), await world.chat()];
    const devices = await Promise.all([alice.connects(0), alice.connects(1)]);
    const bobs = await bob.connects(0);
    const since = Date.now();
    expect((await service.asks("POST", `/v1/users/${alice.id}/revoke`)).status).toBe(200);
    for (const device of devices) {
      const { code, at } = await device.closed;
      expect(code).toBe(4409);
      expect(at - since).toBeLessThan(1000);
    }
    expectProblem(await alice.asks("GET", "/v1/rooms"), "unauthenticated");
    const refused = await alice.opensSocket(0, { token: alice.token });
    expect([4401, 4409]).toContain((await refused.closed).code);
    expect(refused.of("READY")).toEqual([]);
    await bobs.acts({ type: "SEND_MSG", chatId, message: "still here" });
  });

  test("permits tokens that are issued after it", async () => {
    const [service, alice] = [await world.service(), await world.person()];
    const timeless = await sign({ sub: alice.id, iat: 0 });
    await service.asks("POST", `/v1/users/${alice.id}/revoke`);
    const token = await sign({ sub: alice.id, iat: inSeconds(1) });
    const client = await alice.opensSocket(1, { token });
    await client.receives({ type: "READY" });
    const bearer = (each: string) => alice.asks("GET", "/v1/rooms", undefined, { authorization: `Bearer ${each}` });
    expect((await bearer(token)).status).toBe(200);
    expectProblem(await bearer(timeless), "unauthenticated");
  });

  test("of an unknown user holds for its first request", async () => {
    const [service, alice] = [await world.service(), await world.person()];
    expect((await service.asks("POST", `/v1/users/${alice.id}/revoke`)).status).toBe(200);
    expectProblem(await alice.asks("GET", "/v1/rooms"), "unauthenticated");
  });

  test("is permitted to services only", async () => {
    const { alice, bob } = await world.people();
    expectProblem(await alice.asks("POST", `/v1/users/${bob.id}/revoke`), "forbidden");
    expectProblem(await alice.asks("POST", `/v1/users/${alice.id}/revoke`), "forbidden");
    expect((await bob.rooms()).data).toEqual([]);
  });
}
