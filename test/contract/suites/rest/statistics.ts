/** CONTRACT section 7: statistics of a conversation's messages. */
import { describe, expect, test } from "vitest";
import { ask, expectProblem } from "../../../support/http.ts";
import type { World } from "../../../support/world.ts";
import { bridge } from "../../stages/bridged-room.ts";
import { messageKinds, URL_OF_FILE } from "../../stages/message-kinds.ts";
import { listed, MESSAGES, statsOf } from "../../support/projections.ts";
import { NOTHING } from "../../support/shapes.ts";

const EMPTY = { "m.text": 0, "m.image": 0, "m.file": 0, "m.audio": 0, "m.video": 0 };

export function statistics(world: World): void {
  describe("message statistics", () => {
    counts(world);
    permissions(world);
  });
}

function counts(world: World): void {
  test("of an empty room are zeros, and a period of nulls", async () => {
    const { alice, chatId } = await world.chat();
    expect(await statsOf(alice, chatId)).toStrictEqual({
      conversation_id: chatId,
      total_messages: 0,
      by_type: EMPTY,
      attachments_count: 0,
      encrypted_count: 0,
      threads_count: 0,
      period: { first_message_at: null, last_message_at: null },
    });
  });

  test("count types, attachments, encrypted messages and threads, and have the period", async () => {
    const { bob, chatId } = await messageKinds(world);
    const all = await listed(bob, chatId);
    expect(await statsOf(bob, `room-${chatId}`)).toStrictEqual({
      conversation_id: chatId,
      total_messages: 11,
      by_type: {
        "m.text": 2,
        "m.image": 1,
        "m.file": 1,
        "m.audio": 1,
        "m.video": 1,
        "m.notice": 1,
        "m.emote": 1,
        "m.location": 1,
        "m.sticker": 1,
        "m.room.encrypted": 1,
      },
      attachments_count: 5,
      encrypted_count: 1,
      threads_count: 1,
      period: { first_message_at: all.at(-1)!.sent_at, last_message_at: all[0]!.sent_at },
    });
  });

  test("follow deletions and edits; a thread needs a reply that is not deleted", async () => {
    const { alice, bob, room, chatId } = await bridge(world);
    const root = room.says(alice, "root");
    const relation = { "m.relates_to": { rel_type: "m.thread", event_id: root.event_id } };
    const replies = [room.says(bob, "one", relation), room.says(bob, "two", relation)];
    const image = room.says(alice, "a.png", { msgtype: "m.image", url: URL_OF_FILE });
    await room.pushes([root, ...replies, image]);
    expect(await statsOf(alice, chatId)).toMatchObject({
      total_messages: 4,
      by_type: { ...EMPTY, "m.text": 3, "m.image": 1 },
      attachments_count: 1,
      threads_count: 1,
    });
    await room.pushes([room.redacts(bob, replies[0]!), room.redacts(alice, image)]);
    expect(await statsOf(alice, chatId)).toMatchObject({
      total_messages: 2,
      by_type: { ...EMPTY, "m.text": 2 },
      attachments_count: 0,
      threads_count: 1,
      period: { last_message_at: new Date(replies[1]!.origin_server_ts).toISOString() },
    });
    const { messageId } = await alice.says(chatId, "native");
    expect(await statsOf(alice, chatId)).toMatchObject({ total_messages: 3, by_type: { ...EMPTY, "m.text": 3 } });
    await alice.acts({ type: "DELETE_MSG", chatId, messageId });
    await room.pushes([room.redacts(bob, replies[1]!), room.edits(alice, root, "a note", { msgtype: "m.notice" })]);
    expect(await statsOf(alice, chatId)).toMatchObject({
      total_messages: 1,
      by_type: { ...EMPTY, "m.notice": 1 },
      threads_count: 0,
    });
    await room.pushes([room.redacts(alice, root)]);
    expect(await statsOf(alice, chatId)).toMatchObject({
      total_messages: 0,
      by_type: EMPTY,
      period: { first_message_at: null, last_message_at: null },
    });
  });
}

function permissions(world: World): void {
  test("need a conversation, and are for its members and services", async () => {
    const { alice, carol, chatId } = await world.chat();
    for (const query of ["", "?conversation_id=", "?conversation_id=x"])
      expect(expectProblem(await alice.asks("GET", `${MESSAGES}/stats${query}`), "invalid")).toMatchObject({
        errors: [{ path: "conversation_id" }],
      });
    for (const id of [chatId, NOTHING])
      expectProblem(await carol.asks("GET", `${MESSAGES}/stats?conversation_id=${id}`), "not_found");
    expect(await statsOf(await world.service(), chatId)).toMatchObject({ total_messages: 0 });
    expectProblem(await ask(`${world.servers.api}${MESSAGES}/stats?conversation_id=${chatId}`), "unauthenticated");
  });
}
