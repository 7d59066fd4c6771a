/** CONTRACT sections 5 and 6: the visibility of a user to members, outsiders and services, on every surface. */
import { describe, expect, test } from "vitest";
import type { Stream } from "../../../support/event-stream.ts";
import { dataOf, expectProblem } from "../../../support/http.ts";
import { conversation, matrixId, presenceOf, stateOf, statusesOf } from "../../../support/queries.ts";
import type { Client } from "../../../support/socket-client.ts";
import type { Person, World } from "../../../support/world.ts";
import { ANY_TIME } from "../../support/shapes.ts";
import { eventsOf, framesOf, restViewOf, toldOf } from "../../support/visibility.ts";

/** The `restViewOf` a user with this status that types and has read `read`, or does neither when that is null. */
function expected(user: Person, status: string, word: string, active: unknown, read: string | null): object {
  const presence = { user_id: user.id, status: word, last_active_at: active };
  const receipts = read === null ? [] : [{ user_id: user.id, last_read_event_id: matrixId(read), read_at: ANY_TIME }];
  const typing = read !== null;
  return {
    statuses: [status],
    queried: { [user.id]: status },
    presence,
    snapshot: {
      presence: [presence],
      typing: typing ? [{ user_id: user.id, started_at: ANY_TIME, expires_at: ANY_TIME }] : [],
      receipts,
    },
    typists: typing ? [expect.objectContaining({ user_id: user.id })] : [],
    receipts,
    member: {
      user_id: user.id,
      name: null,
      role: "member",
      joined_at: ANY_TIME,
      status,
      last_active_at: active,
      last_read_event_id: read === null ? null : `evt-${read}`,
      read_at: read === null ? null : ANY_TIME,
      typing,
    },
  };
}

const STATES = [
  ["online", "online", "online"],
  ["idle", "idle", "unavailable"],
  ["busy", "busy", "unavailable"],
  ["appear_offline", "offline", "offline"],
  ["offline", "offline", "offline"],
] as const;

export function presencePrivacy(world: World): void {
  describe("for others", () => {
    test.each(STATES)(
      "a user that is %s is %s on every surface, and hidden from outsiders",
      async (status, shown, word) => {
        const { alice: bob, bob: alice, carol, chatId } = await world.chat();
        const shared = await bob.makesRoom(carol);
        const service = await world.service();
        const [near, far, stream, carols] = await Promise.all([
          bob.connects(0),
          bob.connects(1),
          bob.streams(chatId, 1),
          carol.connects(0),
        ]);
        const { messageId } = await bob.says(chatId, "read this");
        const sessions = await becomes(alice, status, chatId, messageId);
        const isSeen = shown !== "offline";
        if (isSeen) {
          for (const client of [near, far]) await client.receives({ type: "READ_MSG", senderId: alice.id });
          for (const client of [near, far]) await client.receives({ type: "TYPING", senderId: alice.id });
          await stream.receives("receipt", { user_id: alice.id });
          await stream.receives("typing", { user_id: alice.id });
        }
        for (const session of sessions) await session.receives({ type: "READ_MSG", senderId: alice.id, messageId });
        if (status !== "offline") await ownStream(alice, chatId, messageId);
        const view = expected(alice, shown, word, isSeen ? ANY_TIME : null, isSeen ? messageId : null);
        expect(await restViewOf(bob, alice, chatId)).toEqual(view);
        expect(await restViewOf(service, alice, chatId)).toEqual(view);
        expect(await statusesOf(carol, alice)).toEqual(["offline"]);
        expect(await presenceOf(carol, alice)).toEqual({ user_id: alice.id, status: "offline", last_active_at: null });
        for (const path of ["signals/snapshot", "typing", "receipts"])
          expectProblem(await carol.asks("GET", `${conversation(chatId)}/${path}`), "not_found");
        expectProblem(await carol.asks("GET", `/v1/rooms/${chatId}/state`), "not_found");
        await ownView(alice, status, word, chatId, messageId);
        await nothingMore({ bob, carols, near, far, stream }, alice, chatId, shared);
        if (isSeen) expect(toldOf(near, alice)).toEqual([shown]);
        else for (const client of [near, far]) expect(framesOf(client, alice)).toEqual([]);
        if (!isSeen) expect(eventsOf(stream, alice)).toEqual([]);
        expect(framesOf(carols, alice)).toEqual([]);
      },
    );
  });
}

/** Gives Alice a status, chosen before she connects, and has her read and type unless offline. Resolves with her sessions. */
async function becomes(alice: Person, status: string, chatId: string, messageId: string): Promise<Client[]> {
  if (status === "offline") return [];
  dataOf(await alice.asks("PUT", "/v1/presence", { status }));
  const [phone, laptop] = await Promise.all([alice.connects(0), alice.connects(1)]);
  await phone.acts({ type: "READ_MSG", chatId, messageId });
  await phone.acts({ type: "TYPING", chatId });
  dataOf(await alice.asks("PUT", "/v1/typing", { room_id: chatId, typing: true }));
  expect((await alice.asks("POST", `${conversation(chatId)}/typing`, { typing: true })).status).toBe(200);
  expect((await alice.asks("POST", `${conversation(chatId)}/read`, { event_id: messageId })).status).toBe(200);
  return [phone, laptop];
}

/** A later stream of Alice's has her receipt. */
async function ownStream(alice: Person, chatId: string, messageId: string): Promise<void> {
  const stream = await alice.streams(chatId, 0, "?last_event_id=1");
  await stream.receives("receipt", { user_id: alice.id, event_id: matrixId(messageId) });
}

/** Alice sees her own status. */
async function ownView(alice: Person, status: string, word: string, chatId: string, messageId: string): Promise<void> {
  expect(await statusesOf(alice, alice)).toEqual([status]);
  expect(await presenceOf(alice, alice)).toMatchObject({ user_id: alice.id, status: word });
  const { members, last_read_event_id } = await stateOf(alice, chatId);
  expect(members.find(({ user_id }) => user_id === alice.id)).toMatchObject({ status });
  expect(last_read_event_id).toBe(status === "offline" ? null : `evt-${messageId}`);
}

interface Watchers {
  readonly bob: Person;
  readonly near: Client;
  readonly far: Client;
  readonly stream: Stream;
  readonly carols: Client;
}

/** Later signals of every kind arrive: all earlier ones have been delivered. */
async function nothingMore(watchers: Watchers, alice: Person, chatId: string, shared: string): Promise<void> {
  const { bob, near, far, stream, carols } = watchers;
  await near.asks({ type: "PRESENCE", status: "busy" });
  const { messageId } = await bob.says(chatId, "later");
  await bob.acts({ type: "READ_MSG", chatId, messageId });
  await bob.acts({ type: "TYPING", chatId });
  await bob.acts({ type: "TYPING", chatId: shared });
  for (const client of [near, far]) {
    await client.receives({ type: "PRESENCE", userId: bob.id, status: "busy" });
    await client.receives({ type: "TYPING", chatId, senderId: bob.id });
    await client.receives({ type: "READ_MSG", chatId, senderId: bob.id });
  }
  await stream.receives("presence", { user_id: bob.id, status: "unavailable" });
  await stream.receives("receipt", { user_id: bob.id });
  await stream.receives("typing", { user_id: bob.id, typing: true });
  await carols.receives({ type: "PRESENCE", userId: bob.id, status: "busy" });
  await carols.receives({ type: "TYPING", chatId: shared });
  expect(carols.frames.filter((frame) => [frame.userId, frame.senderId].includes(alice.id))).toEqual([]);
}
