/** CONTRACT section 4: who comes, goes and is shut out while sockets are open. */
import { describe, expect, test } from "vitest";
import { expectProblem } from "../../../support/http.ts";
import { inSeconds, sign } from "../../../support/tokens.ts";
import type { World } from "../../../support/world.ts";
import { times } from "../../support/shapes.ts";

export function company(world: World): void {
  describe("a member who joins", () => joining(world));
  describe("a member who leaves", () => leaving(world));
  describe("a revocation", () => revocation(world));
}

function joining(world: World): void {
  test("gets USER_JOIN and the room's events from there on, without reconnecting, and nothing from before", async () => {
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
      expect(device.events(chatId).map(({ seq }) => seq)).toEqual(
        Array.from({ length: sent.length + 1 }, (_, index) => 3 + index),
      );
    }
  });

  test("may act at once", async () => {
    const { alice, carol, chatId } = await world.chat();
    const device = await carol.connects(1);
    await alice.adds(chatId, carol);
    const event = await device.acts({ type: "SEND_MSG", chatId, message: "here I am" });
    expect(event).toMatchObject({ senderId: carol.id, seq: 3 });
  });

  test("is called by the name that a service gave, else by that of their token, else by their id", async () => {
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

  test("again after leaving is a member like any other", async () => {
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
  test("gets USER_LEAVE as the last event, however much is being sent, and no signal after it", async () => {
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
      expect(events.map(({ seq }) => seq)).toEqual(Array.from({ length: events.length }, (_, index) => 2 + index));
      expect(device.of("TYPING")).toEqual([]);
      expect(device.of("READ_MSG")).toEqual([]);
    }
  });

  test("in the middle of a long replay gets it up to their USER_LEAVE, and nothing above", async () => {
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
    // Whoever was removed before the replay began is told that they are no member.
    const events = device.events(chatId);
    if (device.of("RESET").length === 0) expect(events.at(-1)).toMatchObject({ type: "USER_LEAVE", seq: 202 });
    expect(events.map(({ seq }) => seq)).toEqual(events.map((_, index) => 2 + index));
  });

  test("has said nothing above their USER_LEAVE, however much they were sending", async () => {
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

  test("acts there no more, by any door", async () => {
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

  test("with the room that is deleted gets DELETE_CHAT, and the room is gone for all", async () => {
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
  test("ends all the user's sessions with 4409 within a second, and their tokens, but nobody else's", async () => {
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

  test("leaves room for a token that is issued after it", async () => {
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

  test("of somebody whom nobody knows yet holds when they come", async () => {
    const [service, alice] = [await world.service(), await world.person()];
    expect((await service.asks("POST", `/v1/users/${alice.id}/revoke`)).status).toBe(200);
    expectProblem(await alice.asks("GET", "/v1/rooms"), "unauthenticated");
  });

  test("is a service's to make", async () => {
    const { alice, bob } = await world.people();
    expectProblem(await alice.asks("POST", `/v1/users/${bob.id}/revoke`), "forbidden");
    expectProblem(await alice.asks("POST", `/v1/users/${alice.id}/revoke`), "forbidden");
    expect((await bob.rooms()).data).toEqual([]);
  });
}
