/** CONTRACT section 6: a room's state as one read, and a member's own settings. */
import { describe, expect, test } from "vitest";
import { seqIn } from "../../../support/cursors.ts";
import { dataOf, expectProblem, type Room } from "../../../support/http.ts";
import { times } from "../../../support/lists.ts";
import { matrixId, snapshotOf, stateOf } from "../../../support/queries.ts";
import { eventually } from "../../../support/until.ts";
import type { World } from "../../../support/world.ts";
import { endOf } from "../../support/cursors.ts";
import { ANY_TIME, NOTHING } from "../../support/shapes.ts";

export function roomState(world: World): void {
  describe("a room's state", () => whole(world));
  describe("a member's own settings of a room", () => settings(world));
}

function whole(world: World): void {
  test("has exactly these fields in a new room", async () => {
    const { alice, bob } = await world.people();
    const made = await alice.asks("POST", "/v1/rooms", {
      name: "Fresh",
      members: [bob.id],
      metadata: { topic: "new" },
    });
    const room = dataOf<Room>(made, 201);
    const member = (user_id: string, role: string) => ({
      user_id,
      name: null,
      role,
      joined_at: ANY_TIME,
      status: "offline",
      last_active_at: null,
      last_read_event_id: null,
      read_at: null,
      typing: false,
    });
    const state = await stateOf(bob, room.id);
    const snapshot = await snapshotOf(bob, room.id);
    // Only now: it brings Bob online.
    const cursor = await endOf(bob, room.id);
    expect(seqIn(cursor)).toBe(1);
    const { engagement, members, ...rest } = state;
    expect(rest).toStrictEqual({
      room,
      plan: null,
      active_sidekicks: [],
      active_call: null,
      unread_count: 0,
      mention_count: 0,
      last_read_event_id: null,
      muted_until: null,
      snoozed_event_ids: [],
      cursor,
    });
    expect(engagement).toBeDefined();
    const byId = (a: { user_id: string }, b: { user_id: string }) => (a.user_id < b.user_id ? -1 : 1);
    expect([...members].sort(byId)).toStrictEqual([member(alice.id, "owner"), member(bob.id, "member")].sort(byId));
    expect(snapshot).toStrictEqual({
      conversation_id: room.id,
      presence: members.map(({ user_id }) => ({ user_id, status: "offline", last_active_at: null })),
      typing: [],
      receipts: [],
      cursor,
    });
  });

  test("has the members' names, and is readable by a service", async () => {
    const { alice, bob } = await world.people();
    const named = await world.person({ name: "Named" });
    await named.rooms();
    const service = await world.service();
    const chatId = await alice.makesRoom(bob, named);
    for (const asker of [alice, service]) {
      const { members, unread_count } = await stateOf(asker, `room-${chatId}`);
      expect(members.find(({ user_id }) => user_id === named.id)).toMatchObject({ name: "Named" });
      expect(members).toHaveLength(3);
      expect(unread_count).toBe(0);
    }
    expect((await snapshotOf(service, chatId)).presence).toHaveLength(3);
  });

  test("is one consistent read, also under load", async () => {
    const { alice, bob, chatId } = await world.chat();
    const sending = times(60, () => alice.says(chatId, "unread", { mentions: [bob.id] }));
    const states = await times(12, () => stateOf(bob, chatId));
    const marks = new Map((await sending).map(({ seq, mark }) => [seq, mark]));
    for (const { cursor, room, unread_count, mention_count } of [...states, await stateOf(bob, chatId)]) {
      const seq = seqIn(cursor);
      expect(room.seq).toBe(seq);
      if (seq > 1) expect(cursor).toBe(`${seq}-${marks.get(seq)}`);
      // NEW_CHAT is the room's first event; all others are messages.
      expect(unread_count).toBe(seq - 1);
      expect(mention_count).toBe(unread_count);
    }
  });
}

const soon = (ms: number): string => new Date(Date.now() + ms).toISOString();

function settings(world: World): void {
  test("mute: until a time, for this member only, ended by null, and over by itself", async () => {
    const { alice, bob, chatId } = await world.chat();
    const mute = (until: string | null) => bob.asks("PUT", `/v1/rooms/${chatId}/mute`, { until });
    const until = soon(3_600_000);
    dataOf(await mute(until));
    expect(Date.parse((await stateOf(bob, chatId)).muted_until!)).toBe(Date.parse(until));
    expect((await stateOf(alice, chatId)).muted_until).toBeNull();
    dataOf(await mute(null));
    expect((await stateOf(bob, chatId)).muted_until).toBeNull();
    dataOf(await mute(soon(-1000)));
    expect((await stateOf(bob, chatId)).muted_until).toBeNull();
    dataOf(await mute(soon(400)));
    await eventually(
      () => stateOf(bob, chatId),
      ({ muted_until }) => muted_until === null,
    );
    // A member's own setting is no event of the room.
    expect(seqIn((await stateOf(bob, chatId)).cursor)).toBe(1);
  });

  test("snoozes: by any form of the event's id, for this member only, ended by DELETE, and over by themselves", async () => {
    const { alice, bob, chatId } = await world.chat();
    const ids = (await times(4, (index) => alice.says(chatId, `message ${index}`))).map(({ messageId }) => messageId);
    const forms = [ids[0]!, `msg-${ids[1]}`, `evt-${ids[2]}`, matrixId(ids[3]!)].map(encodeURIComponent);
    const path = (form: string) => `/v1/rooms/${chatId}/snoozes/${form}`;
    for (const form of forms) dataOf(await bob.asks("PUT", path(form), { until: soon(3_600_000) }));
    const snoozed = async () => new Set((await stateOf(bob, chatId)).snoozed_event_ids);
    expect(await snoozed()).toEqual(new Set(ids.map((id) => `evt-${id}`)));
    expect((await stateOf(alice, chatId)).snoozed_event_ids).toEqual([]);
    expect((await bob.asks("DELETE", path(forms[0]!))).status).toBe(200);
    dataOf(await bob.asks("PUT", path(forms[1]!), { until: soon(-1000) }));
    expect(await snoozed()).toEqual(new Set([`evt-${ids[2]}`, `evt-${ids[3]}`]));
    dataOf(await bob.asks("PUT", path(forms[2]!), { until: soon(400) }));
    await eventually(snoozed, (left) => left.size === 1);
    expect(await snoozed()).toEqual(new Set([`evt-${ids[3]}`]));
  });

  test("are set in the member's rooms only, for messages that exist", async () => {
    const { alice, bob, carol, chatId } = await world.chat();
    const { messageId } = await alice.says(chatId, "here");
    const elsewhere = await alice.says(await alice.makesRoom(bob), "elsewhere");
    const until = soon(60_000);
    for (const id of [elsewhere.messageId, NOTHING])
      expectProblem(await bob.asks("PUT", `/v1/rooms/${chatId}/snoozes/${id}`, { until }), "not_found");
    expectProblem(await carol.asks("PUT", `/v1/rooms/${chatId}/snoozes/${messageId}`, { until }), "not_found");
    expectProblem(await carol.asks("PUT", `/v1/rooms/${chatId}/mute`, { until }), "not_found");
    expect((await stateOf(bob, chatId)).snoozed_event_ids).toEqual([]);
  });
}
