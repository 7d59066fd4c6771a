/** CONTRACT section 8: members, typing, receipts and presence of a bridged room, as Matrix sends them. */
import { randomUUID } from "node:crypto";
import type { FakeEvent } from "@signalbox/matrix/homeserver.fake";
import { describe, expect, test } from "vitest";
import { receiptsOf, stateOf, typistsOf } from "../../../support/queries.ts";
import { eventually } from "../../../support/until.ts";
import type { World } from "../../../support/world.ts";
import { type Bridge, roomOf } from "../../stages/bridged-room.ts";
import { eventsUpToNow, messageIdOf, watched } from "../../stages/watched-room.ts";
import { matrixUser, newEventId } from "../../support/homeserver.ts";
import { listed, previewsOf } from "../../support/projections.ts";

export function bridgedRooms(world: World): void {
  describe("a state event of Matrix", () => membership(world));
  describe("a signal of Matrix", () => signals(world));
}

function membership(world: World): void {
  test("adds and removes members, and a change of profile does neither", async () => {
    const chat = await watched(world);
    const { alice, bob, carol, room, chatId } = chat;
    const dave = `@${randomUUID()}:matrix.example`;
    const carols = await carol.connects(1);
    await room.pushes([
      room.member(carol, "invite", alice),
      room.member(carol, "join"),
      room.member(carol, "join"),
      room.state(dave, "m.room.member", { membership: "join", displayname: "Dave" }, dave),
    ]);
    await carols.receives({ type: "USER_JOIN", message: carol.id });
    expect(await listed(carol, chatId)).toEqual([]);
    const message = room.says(alice, "for carol");
    await room.pushes([message]);
    await carols.receives({ eventId: message.event_id });
    await room.pushes([
      room.member(carol, "leave"),
      room.member(dave, "ban", alice),
      room.member(dave, "leave", alice),
      room.says(alice, "not for carol"),
    ]);
    const events = await eventsUpToNow(chat);
    expect(events.map(({ type }) => type)).toEqual([
      "USER_JOIN",
      "USER_JOIN",
      "SEND_MSG",
      "USER_LEAVE",
      "USER_LEAVE",
      "SEND_MSG",
    ]);
    expect(events[1]).toMatchObject({ username: "Dave" });
    expect(events[3]).toMatchObject({ senderId: carol.id });
    expect(chat.stream.of("member_left")).toHaveLength(2);
    await carols.receives({ type: "USER_LEAVE" });
    await carols.asks({ type: "PING" });
    expect(carols.events(chatId).at(-1)).toMatchObject({ type: "USER_LEAVE" });
    expect(await roomOf(bob, room)).toMatchObject({ member_count: 2 });
  });

  test("renames the room", async () => {
    const chat = await watched(world);
    await chat.room.pushes([chat.room.state(chat.alice, "m.room.name", { name: "A better name" })]);
    expect(await eventsUpToNow(chat)).toMatchObject([{ type: "ROOM_STATE", changed: ["room"] }]);
    expect(await roomOf(chat.bob, chat.room)).toMatchObject({ name: "A better name" });
  });

  test("is not needed for the sender of a message: it becomes a member", async () => {
    const chat = await watched(world);
    const { carol, room, chatId } = chat;
    await room.pushes([room.says(carol, "I was here all along")]);
    expect((await eventsUpToNow(chat)).map(({ type }) => type)).toEqual(["USER_JOIN", "SEND_MSG"]);
    expect((await previewsOf(carol, chatId))[0]).toBe("I was here all along");
  });
}

function signals(world: World): void {
  const typing = ({ room }: Bridge, ...user_ids: string[]) => ({
    type: "m.typing",
    room_id: room.id,
    content: { user_ids },
  });

  test("of typing replaces the typing users until the next", async () => {
    const chat = await watched(world);
    const { alice, bob, room, chatId, socket, stream } = chat;
    await room.pushes([], { ephemeral: [typing(chat, matrixUser(alice))] });
    await socket.receives({ type: "TYPING", chatId, senderId: alice.id });
    await stream.receives("typing", { user_id: alice.id, typing: true });
    expect((await typistsOf(bob, chatId)).map(({ user_id }) => user_id)).toEqual([alice.id]);
    await room.pushes([], { ephemeral: [typing(chat)] });
    await socket.receives({ type: "STOP_TYPING", chatId, senderId: alice.id });
    await stream.receives("typing", { user_id: alice.id, typing: false });
    expect(await typistsOf(bob, chatId)).toEqual([]);
  });

  test("of reading is a receipt, up to any event that it names, and only forward", async () => {
    const chat = await watched(world);
    const { alice, bob, room, chatId, socket, stream } = chat;
    const sent = [room.says(bob, "one"), room.says(bob, "two")];
    const reaction = room.reacts(alice, sent[0]!, "+");
    await room.pushes([...sent, reaction]);
    const read = (event: FakeEvent) => ({
      type: "m.receipt",
      room_id: room.id,
      content: { [event.event_id]: { "m.read": { [matrixUser(alice)]: { ts: Date.now(), thread_id: "main" } } } },
    });
    const two = await messageIdOf(chat, sent[1]!);
    await room.pushes([], { ephemeral: [read(reaction)] });
    expect(await socket.receives({ type: "READ_MSG", senderId: alice.id })).toMatchObject({ messageId: two });
    await stream.receives("receipt", { user_id: alice.id });
    await room.pushes([], { ephemeral: [read(sent[0]!)] });
    expect(await receiptsOf(bob, chatId)).toMatchObject([{ user_id: alice.id }]);
    expect(await stateOf(alice, chatId)).toMatchObject({ last_read_event_id: `evt-${two}`, unread_count: 0 });
    expect(socket.of("READ_MSG")).toHaveLength(1);
  });

  test("of reading in private is for the reader alone", async () => {
    const chat = await watched(world);
    const { alice, bob, room, chatId, socket, stream } = chat;
    const message = room.says(bob, "read me");
    await room.pushes([message]);
    expect(await stateOf(alice, chatId)).toMatchObject({ unread_count: 1 });
    const phone = await alice.connects(1);
    const content = { [message.event_id]: { "m.read.private": { [matrixUser(alice)]: { ts: Date.now() } } } };
    await room.pushes([], { ephemeral: [{ type: "m.receipt", room_id: room.id, content }] });
    await phone.receives({ type: "READ_MSG", senderId: alice.id });
    expect(await stateOf(alice, chatId)).toMatchObject({ unread_count: 0 });
    await eventsUpToNow(chat);
    expect(await receiptsOf(bob, chatId)).toEqual([]);
    expect((await stateOf(bob, chatId)).members.find(({ user_id }) => user_id === alice.id)).toMatchObject({
      last_read_event_id: null,
      read_at: null,
    });
    expect(socket.of("READ_MSG")).toEqual([]);
    expect(stream.of("receipt")).toEqual([]);
  });

  test("of presence is the status of a user without a native session", async () => {
    const chat = await watched(world);
    const { alice, bob, socket } = chat;
    const status = async () => (await stateOf(bob, chat.chatId)).members.find(({ user_id }) => user_id === alice.id);
    expect(await status()).toMatchObject({ status: "offline" });
    const content = { presence: "online", last_active_ago: 5, currently_active: true };
    await chat.room.pushes([], { ephemeral: [{ type: "m.presence", sender: matrixUser(alice), content }] });
    await socket.receives({ type: "PRESENCE", userId: alice.id, status: "online" });
    await eventually(status, (member) => member?.status === "online");
  });

  test("about an unknown event or user is ignored", async () => {
    const chat = await watched(world);
    const content = { [newEventId()]: { "m.read": { [matrixUser(chat.alice)]: { ts: 1 } } } };
    await chat.room.pushes([], {
      ephemeral: [{ type: "m.receipt", room_id: chat.room.id, content }, typing(chat, "@unknown:else.example")],
    });
    expect(await eventsUpToNow(chat)).toEqual([]);
    expect(chat.socket.of("READ_MSG")).toEqual([]);
  });
}
