/** Every method and every event of the SDK, with one process and with separate API and gateway nodes. */
import { randomUUID } from "node:crypto";
import { createClient, SignalboxError } from "@signalbox/client";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { WebSocket } from "ws";
import { until } from "../support/until.ts";
import type { Person } from "../support/world.ts";
import { type Device, EVENTS } from "./device.ts";
import { startSignIn } from "./sign-in.ts";
import { Site } from "./site.ts";

/** The error of a refusal. */
const refused = (code: string) => expect.objectContaining({ name: "SignalboxError", code });
const UUID = /^[0-9a-f-]{36}$/;

describe.each(["a standalone node", "a cluster"] as const)("at %s", (kind) => {
  const site = new Site(kind);
  /** The events that handlers of all tests got. */
  const heard = new Set<string>();
  const devices: Device[] = [];
  beforeAll(() => site.start());
  afterAll(() => site.stop());
  afterEach(() => {
    for (const device of devices.splice(0)) for (const { name } of device.heard) heard.add(name);
    site.mend();
  });

  const connects = async (person: Person, through?: Parameters<Site["connects"]>[1]): Promise<Device> => {
    const device = await site.connects(person, through);
    devices.push(device);
    return device;
  };

  /** Alice and Bob with a device each, and their chat. */
  const talk = async () => {
    const { alice, bob, carol, chatId } = await site.world.chat();
    const [hers, his] = await Promise.all([connects(alice), connects(bob)]);
    return { alice, bob, carol, chatId, hers, his };
  };

  describe("auth", () => {
    test("signIn posts the credentials, and uses the token of the answer", async () => {
      const signIn = await startSignIn();
      try {
        const client = createClient({ ...site.where, authUrl: signIn.url, WebSocket });
        const userId = randomUUID();
        await expect(client.signIn({ userId, password: "wrong" })).rejects.toEqual(refused("forbidden"));
        await expect(client.rooms.list()).rejects.toEqual(refused("no_token"));
        await client.signIn({ userId, password: "open sesame" });
        expect(await client.rooms.list()).toEqual({ data: [], next_cursor: null });
        await client.realtime.connect();
        client.realtime.disconnect();
      } finally {
        signIn.close();
      }
    });

    test("setAuth takes a token, or a function that fetches one", async () => {
      const { token } = await site.world.person();
      for (const auth of [token, async () => token]) {
        const device = site.device(auth);
        await device.realtime.connect();
        expect(device.connection.map(({ state }) => state)).toEqual(["connecting", "live"]);
        expect(await device.client.rooms.list()).toEqual({ data: [], next_cursor: null });
      }
    });

    test("without a token no request is sent, and the error says so", async () => {
      const device = site.device();
      await expect(device.client.rooms.list()).rejects.toBeInstanceOf(SignalboxError);
      await expect(device.client.rooms.list()).rejects.toEqual(refused("no_token"));
      await expect(device.realtime.connect()).rejects.toEqual(refused("no_token"));
      expect(device.connection.at(-1)).toEqual({ state: "stopped", code: "no_token" });
    });
  });

  describe("the connection", () => {
    test("connects once, reports its states, and ends", async () => {
      const device = await connects(await site.world.person());
      await device.realtime.connect();
      device.realtime.disconnect();
      expect(device.connection).toEqual([{ state: "connecting" }, { state: "live" }, { state: "idle" }]);
      await device.realtime.connect();
      expect(device.connection.at(-1)).toEqual({ state: "live" });
    });

    test("handlers can be removed, one by one and all at once", async () => {
      const { hers, his, chatId } = await talk();
      const texts: string[] = [];
      const off = his.realtime.on("message", ({ message }) => texts.push(message));
      await hers.realtime.sendMessage(chatId, "one");
      await his.hears("message", { message: "one" });
      off();
      await hers.realtime.sendMessage(chatId, "two");
      await his.hears("message", { message: "two" });
      expect(texts).toEqual(["one"]);
      his.realtime.removeAllListeners();
      his.realtime.on("message", ({ message }) => texts.push(message));
      await hers.realtime.sendMessage(chatId, "three");
      await until(
        () => texts.includes("three"),
        5000,
        () => `heard ${texts.join()}`,
      );
      expect(texts).toEqual(["one", "three"]);
      expect(his.of("message").map(({ message }) => message)).toEqual(["one", "two"]);
    });

    test("a reset names a chat that cannot be replayed: events are no longer kept, or the user is no member", async () => {
      const { alice, bob, chatId, hers } = await talk();
      const other = await alice.makesRoom(bob);
      const proxy = await site.proxy();
      const his = await connects(bob, proxy);
      await hers.realtime.sendMessage(chatId, "heard");
      await his.hears("message", { message: "heard" });
      proxy.admits = false;
      proxy.cut();
      await his.hears("connection", { state: "waiting" });
      await hers.realtime.sendMessage(chatId, "missed");
      await hers.client.rooms.removeMember(other, bob.id);
      await site.world.sql`delete from events where room_id = ${chatId} and seq <= 3`;
      proxy.admits = true;
      await his.livesAfter(2);
      const { seq } = await hers.realtime.sendMessage(chatId, "heard again");
      await his.hears("message", { message: "heard again" });
      const reset = { type: "RESET", chatId, reason: "too_old", seq: seq - 1, cursor: expect.any(String) };
      expect(await his.hears("reset", { chatId })).toEqual(reset);
      expect(await his.hears("reset", { chatId: other })).toMatchObject({ reason: "not_member" });
      expect(his.of("reset")).toHaveLength(2);
      expect(his.of("message").map(({ message }) => message)).toEqual(["heard", "heard again"]);
    });
  });

  describe("the eight actions", () => {
    test("each resolves with the author's event, and every handler gets it", async () => {
      const { alice, bob, chatId, hers, his } = await talk();
      const both = async (name: "message" | "messageEdited" | "reply" | "reaction", seq: number, event: object) => {
        expect(await hers.hears(name, { seq })).toEqual({ ...event, recipientId: alice.id });
        expect(await his.hears(name, { seq })).toEqual({ ...event, recipientId: bob.id });
      };
      const sent = await hers.realtime.sendMessage(chatId, "Hello", { clientMessageId: "mine", mentions: [bob.id] });
      expect(sent).toMatchObject({ type: "SEND_MSG", message: "Hello", clientMessageId: "mine", mentions: [bob.id] });
      await both("message", sent.seq, sent);
      const { messageId } = sent;
      const edited = await hers.realtime.editMessage(chatId, messageId, "Hello, Bob");
      await both("messageEdited", edited.seq, edited);
      const reply = await hers.realtime.replyToMessage(chatId, messageId, "An answer");
      expect(reply.replyTo).toMatchObject({ messageId, content: "Hello, Bob", edited: true });
      await both("reply", reply.seq, reply);
      const reaction = await hers.realtime.addReaction(chatId, messageId, "👍");
      expect(reaction).toMatchObject({ message: "👍", parentMessageId: messageId });
      await both("reaction", reaction.seq, reaction);
      const unreacted = await hers.realtime.removeReaction(reaction.messageId);
      expect(await his.hears("reactionDeleted", { seq: unreacted.seq })).toMatchObject({
        messageId: reaction.messageId,
        parentMessageId: messageId,
      });
      const read = await his.realtime.markAsRead(chatId, messageId);
      expect(read).toMatchObject({ type: "READ_MSG", senderId: bob.id, messageId });
      expect(await hers.hears("messageRead", { messageId })).toEqual({ ...read, recipientId: alice.id });
      const deleted = await hers.realtime.deleteMessage(chatId, messageId);
      expect(await his.hears("messageDeleted", { messageId })).toEqual({ ...deleted, recipientId: bob.id });
      await his.hasAll(chatId, 2, deleted.seq);
      await hers.hasAll(chatId, 2, deleted.seq);
    });

    test("reject with the server's error, and the next one works", async () => {
      const { carol, chatId, hers } = await talk();
      const { realtime } = await connects(carol);
      await expect(realtime.sendMessage(chatId, "from outside")).rejects.toEqual(refused("not_found"));
      await expect(hers.realtime.sendMessage(chatId, " ")).rejects.toEqual(refused("invalid"));
      await expect(hers.realtime.sendMessage(chatId, "fine")).resolves.toMatchObject({ message: "fine" });
      const { messageId } = await hers.realtime.sendMessage(chatId, "gone soon");
      await hers.realtime.deleteMessage(chatId, messageId);
      await expect(hers.realtime.editMessage(chatId, messageId, "too late")).rejects.toEqual(refused("conflict"));
    });

    test("of one chat are committed in the order of the calls, without waiting for each other", async () => {
      const { chatId, hers, his } = await talk();
      const texts = Array.from({ length: 50 }, (_, index) => `message ${index}`);
      const sent = await Promise.all(texts.map((text) => hers.realtime.sendMessage(chatId, text)));
      expect(sent.map(({ seq }) => seq)).toEqual(texts.map((_, index) => index + 2));
      await his.hasAll(chatId, 2, 51);
      expect(his.of("message").map(({ message }) => message)).toEqual(texts);
    });
  });

  describe("signals", () => {
    test("typing is announced once and ends, and the typing users are listed", async () => {
      const { alice, bob, chatId, hers, his } = await talk();
      for (let key = 0; key < 20; key++) hers.realtime.sendTyping(chatId);
      expect(await his.hears("typing")).toEqual({ type: "TYPING", recipientId: bob.id, chatId, senderId: alice.id });
      expect(his.realtime.typing(chatId)).toEqual([alice.id]);
      expect(hers.realtime.typing(chatId)).toEqual([]);
      hers.realtime.stopTyping(chatId);
      expect(await his.hears("stopTyping")).toEqual({ type: "STOP_TYPING", chatId, senderId: alice.id });
      expect(his.realtime.typing(chatId)).toEqual([]);
      hers.realtime.sendTyping(chatId);
      await until(
        () => his.of("typing").length === 2,
        5000,
        () => "a stopped typing does not begin again",
      );
      await hers.realtime.sendMessage(chatId, "written");
      await until(
        () => his.of("stopTyping").length === 2,
        2000,
        () => "the message did not end it",
      );
    });

    test("presence is set, received and queried", async () => {
      const { alice, bob, carol, hers, his } = await talk();
      await hers.client.setPresence("busy");
      expect(await his.hears("presence", { userId: alice.id, status: "busy" })).toEqual({
        type: "PRESENCE",
        userId: alice.id,
        status: "busy",
        lastActiveAt: expect.stringMatching(/Z$/),
      });
      const asked = await his.client.getPresence([alice.id, bob.id, carol.id]);
      expect(asked).toEqual({ [alice.id]: "busy", [bob.id]: "online", [carol.id]: "offline" });
      const crowd = Array.from({ length: 1000 }, () => randomUUID());
      expect(Object.keys(await his.client.getPresence(crowd))).toHaveLength(1000);
      hers.realtime.active();
    });

    test("a mention is notified, and a marker reaches the user's own devices only", async () => {
      const { alice, bob, chatId, hers, his } = await talk();
      const { messageId } = await hers.realtime.sendMessage(chatId, "for Bob", { mentions: [bob.id] });
      expect(await his.hears("notification", { kind: "mention" })).toEqual({
        type: "NOTIFICATION",
        kind: "mention",
        chatId,
        messageId,
        unreadCount: 1,
        mentionCount: 1,
      });
      const tablet = await connects(alice);
      await hers.client.setMarker(chatId, messageId);
      expect(await tablet.hears("marker")).toEqual({ type: "MARKER", chatId, messageId });
      await hers.realtime.sendMessage(chatId, "behind it");
      await his.hears("message", { message: "behind it" });
      expect(his.of("marker")).toEqual([]);
    });
  });

  describe("rooms and history", () => {
    test("a room is made, changed, joined, left and deleted, with an event for every member", async () => {
      const { alice, bob, carol, hers, his } = await talk();
      const room = await hers.client.rooms.create({ name: "A plan", members: [bob.id], metadata: { colour: "red" } });
      expect(room).toMatchObject({
        name: "A plan",
        created_by: alice.id,
        member_count: 2,
        metadata: { colour: "red" },
      });
      expect(room.id).toMatch(UUID);
      const chatId = room.id;
      expect(await his.hears("chatCreated", { chatId })).toMatchObject({
        message: "A plan",
        senderId: alice.id,
        seq: 1,
      });
      expect(await hers.client.rooms.update(chatId, { name: "Another plan" })).toMatchObject({ name: "Another plan" });
      expect(await his.hears("roomState", { chatId })).toEqual({
        type: "ROOM_STATE",
        chatId,
        changed: ["room"],
        seq: 2,
        mark: expect.stringMatching(/^[0-9a-f]{8}$/),
      });
      expect(await hers.client.rooms.putMember(chatId, carol.id, "owner")).toMatchObject({
        user_id: carol.id,
        role: "owner",
      });
      expect(await his.hears("userJoined", { chatId })).toMatchObject({ message: carol.id, senderId: alice.id });
      const state = await his.client.rooms.state(chatId);
      expect(state.room).toMatchObject({ name: "Another plan" });
      expect(new Set(state.members.map(({ user_id }) => user_id))).toEqual(new Set([alice.id, bob.id, carol.id]));
      await hers.client.rooms.removeMember(chatId, carol.id);
      expect(await his.hears("userLeft", { chatId })).toMatchObject({ senderId: carol.id });
      const page = await his.client.rooms.list({ limit: 1 });
      expect(page.data).toHaveLength(1);
      const rest = await his.client.rooms.list({ cursor: page.next_cursor! });
      expect([...page.data, ...rest.data].map(({ id }) => id)).toContain(chatId);
      await hers.client.rooms.delete(chatId);
      expect(await his.hears("chatDeleted", { chatId })).toMatchObject({ senderId: alice.id });
      await his.hasAll(chatId, 1, 5);
      await expect(his.client.rooms.state(chatId)).rejects.toEqual(refused("not_found"));
    });

    test("getMessages returns the newest messages, or those before one", async () => {
      const { chatId, hers, his } = await talk();
      const sent = await Promise.all(["a", "b", "c", "d"].map((text) => hers.realtime.sendMessage(chatId, text)));
      const contents = async (...args: [number?, string?]) =>
        (await his.client.getMessages(chatId, ...args)).messages.map(({ content }) => content);
      expect(await contents()).toEqual(["d", "c", "b", "a"]);
      expect(await contents(2)).toEqual(["d", "c"]);
      expect(await contents(2, sent[2]!.messageId)).toEqual(["b", "a"]);
      const error = await his.client.getMessages(chatId, 101).catch((reason: unknown) => reason);
      expect(error).toMatchObject({ code: "invalid", status: 400, errors: [{ path: "limit" }] });
    });
  });

  test("the tests above cover every event", () => {
    expect(heard).toEqual(new Set(Object.keys(EVENTS)));
  });
});
