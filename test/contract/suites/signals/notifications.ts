/** CONTRACT sections 4 and 6: notifications of unread messages and mentions. */
import { describe, expect, test } from "vitest";
import { dataOf } from "../../../support/http.ts";
import { matrixId, stateOf } from "../../../support/queries.ts";
import type { Client, Frame } from "../../../support/socket-client.ts";
import type { Person, World } from "../../../support/world.ts";

export function notifications(world: World): void {
  describe.concurrent("a notification", () => {
    unread(world);
    mentions(world);
    muted(world);
  });
}

const mentionsOf = (client: Client): readonly Frame[] =>
  client.of("NOTIFICATION").filter(({ kind }) => kind === "mention");

/** Two members with names, for mentions by @name. */
async function named(world: World): Promise<{ alice: Person; bob: Person; chatId: string; name: string }> {
  const name = `bob-${Date.now().toString(36)}`;
  const [alice, bob] = [await world.person({ name: "alice" }), await world.person({ name })];
  await bob.rooms();
  return { alice, bob, chatId: await alice.makesRoom(bob), name };
}

function unread(world: World): void {
  test("of an unread message reaches the reader's sessions and streams, and not the author's", async () => {
    const { alice, bob, chatId } = await world.chat();
    const [near, far, stream] = await Promise.all([bob.connects(0), bob.connects(1), bob.streams(chatId, 1)]);
    const [alices, own] = await Promise.all([alice.connects(0), alice.streams(chatId, 0)]);
    const { messageId } = await alice.says(chatId, "unread");
    const frame = { type: "NOTIFICATION", kind: "unread", chatId, messageId, unreadCount: 1, mentionCount: 0 };
    for (const client of [near, far]) expect(await client.receives({ type: "NOTIFICATION" })).toStrictEqual(frame);
    expect(await stream.receives("notification")).toStrictEqual({
      kind: "unread",
      event_id: matrixId(messageId),
      unread_count: 1,
      mention_count: 0,
    });
    expect(await stateOf(bob, chatId)).toMatchObject({ unread_count: 1, mention_count: 0 });
    const answer = await bob.acts({ type: "REPLY", chatId, messageId, message: "an answer" });
    await alices.receives({ type: "NOTIFICATION", messageId: answer.messageId, unreadCount: 1 });
    await own.receives("notification", { event_id: matrixId(answer.messageId) });
    expect(alices.of("NOTIFICATION")).toHaveLength(1);
    expect(own.of("notification")).toHaveLength(1);
  });

  test("is sent for messages and replies only", async () => {
    const { alice, bob, chatId } = await world.chat();
    const bobs = await bob.connects(1);
    const { messageId } = await bob.says(chatId, "bob's own");
    await alice.acts({ type: "REACT", chatId, messageId, reaction: "+" });
    await alice.asks("PATCH", `/v1/rooms/${chatId}`, { name: "Another name" });
    await alice.adds(chatId, await world.person());
    const sent = await alice.says(chatId, "a message");
    const first = await bobs.receives({ type: "NOTIFICATION" });
    expect(first).toMatchObject({ messageId: sent.messageId, unreadCount: 1 });
  });
}

function mentions(world: World): void {
  test("of a mention by `mentions` is sent at once, also shortly after another, with exact counts", async () => {
    const { alice, bob, chatId } = await world.chat();
    const [near, far, stream] = await Promise.all([bob.connects(0), bob.connects(1), bob.streams(chatId, 0)]);
    await alice.says(chatId, "plain");
    for (const client of [near, far]) await client.receives({ type: "NOTIFICATION", kind: "unread" });
    for (let count = 1; count <= 3; count++) {
      const asked = Date.now();
      const { messageId } = await alice.says(chatId, "for you", { mentions: [bob.id] });
      const counts = { unreadCount: 1 + count, mentionCount: count };
      const frame = { type: "NOTIFICATION", kind: "mention", chatId, messageId, ...counts };
      for (const client of [near, far])
        expect(await client.receives({ type: "NOTIFICATION", messageId })).toStrictEqual(frame);
      expect(await stream.receives("notification", { kind: "mention", mention_count: count })).toStrictEqual({
        kind: "mention",
        event_id: matrixId(messageId),
        unread_count: 1 + count,
        mention_count: count,
      });
      // Three in a second: none waits for the end of another's second.
      expect(Date.now() - asked).toBeLessThan(700);
    }
    expect(await stateOf(bob, chatId)).toMatchObject({ unread_count: 4, mention_count: 3 });
    expect((await bob.rooms()).data).toMatchObject([{ unread_count: 4 }]);
  });

  test("of a mention is sent for @name as well, in a message and in a reply", async () => {
    const { alice, bob, chatId, name } = await named(world);
    const bobs = await bob.connects(1);
    const { messageId } = await alice.says(chatId, `have a look, @${name}!`);
    await bobs.receives({ type: "NOTIFICATION", kind: "mention", messageId, mentionCount: 1 });
    const reply = await alice.acts({ type: "REPLY", chatId, messageId, message: `@${name} please` });
    await bobs.receives({ type: "NOTIFICATION", kind: "mention", messageId: reply.messageId, mentionCount: 2 });
    await alice.says(chatId, "both", { mentions: [bob.id, bob.id] });
    await bobs.receives({ type: "NOTIFICATION", mentionCount: 3 });
    expect(await stateOf(bob, chatId)).toMatchObject({ unread_count: 3, mention_count: 3 });
  });

  test("of a mention is not sent when two members have the name, or none", async () => {
    const { alice, bob, chatId, name } = await named(world);
    const [twin, carol] = [await world.person({ name }), await world.person({ name: `carol-${name}` })];
    await Promise.all([twin.rooms(), carol.rooms()]);
    await alice.adds(chatId, twin);
    const [bobs, twins, carols] = await Promise.all([bob.connects(0), twin.connects(1), carol.connects(0)]);
    await alice.says(chatId, `@${name}, which of you? And @carol-${name}, are you there? @${name}-not`);
    for (const client of [bobs, twins])
      await client.receives({ type: "NOTIFICATION", kind: "unread", unreadCount: 1, mentionCount: 0 });
    await alice.says(chatId, "you, outside the room", { mentions: [carol.id] });
    const { messageId } = await alice.says(chatId, "you", { mentions: [bob.id] });
    await bobs.receives({ type: "NOTIFICATION", messageId });
    await carol.makesRoom();
    await carols.receives({ type: "NEW_CHAT" });
    expect(mentionsOf(twins)).toEqual([]);
    expect(carols.of("NOTIFICATION")).toEqual([]);
    expect(mentionsOf(bobs).map((frame) => frame.messageId)).toEqual([messageId]);
  });

  test("is never sent for the user's own messages, also with a mention of the author", async () => {
    const { alice, bob, chatId, name } = await named(world);
    const bobs = await bob.connects(0);
    await bob.says(chatId, `I, @${name}`, { mentions: [bob.id] });
    const { messageId } = await alice.says(chatId, "you", { mentions: [bob.id] });
    await bobs.receives({ type: "NOTIFICATION", messageId, unreadCount: 1, mentionCount: 1 });
    expect(bobs.of("NOTIFICATION")).toHaveLength(1);
    expect(await stateOf(bob, chatId)).toMatchObject({ unread_count: 1, mention_count: 1 });
    expect(await stateOf(alice, chatId)).toMatchObject({ unread_count: 1, mention_count: 0 });
  });
}

function muted(world: World): void {
  test("of unread messages is not sent for a muted room, of mentions it is", async () => {
    const { alice, bob, chatId } = await world.chat();
    const other = await alice.makesRoom(bob);
    const [near, stream] = [await bob.connects(0), await bob.streams(chatId, 1)];
    const mute = (until: string | null) => bob.asks("PUT", `/v1/rooms/${chatId}/mute`, { until });
    dataOf(await mute(new Date(Date.now() + 3_600_000).toISOString()));
    await alice.says(chatId, "not told");
    const { messageId } = await alice.says(chatId, "told", { mentions: [bob.id] });
    const counts = { unreadCount: 2, mentionCount: 1 };
    await near.receives({ type: "NOTIFICATION", kind: "mention", messageId, ...counts });
    await stream.receives("notification", { kind: "mention", unread_count: 2 });
    await alice.says(chatId, "not told either");
    await alice.says(other, "of another room");
    await near.receives({ type: "NOTIFICATION", chatId: other, kind: "unread" });
    expect(near.of("NOTIFICATION").map((frame) => [frame.chatId, frame.kind])).toEqual([
      [chatId, "mention"],
      [other, "unread"],
    ]);
    dataOf(await mute(null));
    const last = await alice.says(chatId, "told again");
    await near.receives({ type: "NOTIFICATION", kind: "unread", messageId: last.messageId, unreadCount: 4 });
    await stream.receives("notification", { kind: "unread", unread_count: 4 });
    expect(stream.of("notification").map(({ kind }) => kind)).toEqual(["mention", "unread"]);
  });
}

/** Tests that wait for seconds; they run beside each other. */
export function notificationsOverTime(world: World): void {
  test.concurrent("unread messages in quick succession are notified at most once a second and room, up to the last one", async () => {
    const { alice, bob, chatId } = await world.chat();
    const other = await alice.makesRoom(bob);
    const [near, far, stream] = await Promise.all([bob.connects(0), bob.connects(1), bob.streams(chatId, 1)]);
    const since = Date.now();
    let last = "";
    for (let count = 0; count < 40; count++) last = (await alice.says(chatId, `message ${count}`)).messageId;
    await alice.says(other, "of another room");
    for (const client of [near, far]) {
      await client.receives({ type: "NOTIFICATION", chatId: other, unreadCount: 1 });
      const told = await client.receives({ type: "NOTIFICATION", chatId, unreadCount: 40 });
      expect(told).toMatchObject({ kind: "unread", messageId: last, mentionCount: 0 });
      const most = 1 + (Date.now() - since) / 1000;
      const counts = client.of("NOTIFICATION").filter((frame) => frame.chatId === chatId);
      expect(counts.length).toBeLessThanOrEqual(most);
    }
    await stream.receives("notification", { unread_count: 40 });
    expect(stream.of("notification").length).toBeLessThanOrEqual(1 + (Date.now() - since) / 1000);
  });
}
