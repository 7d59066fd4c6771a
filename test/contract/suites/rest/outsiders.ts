/** CONTRACT section 1, "Membership": a room of others is answered as one that does not exist. */
import { describe, expect, test } from "vitest";
import type { Fields } from "../../../support/arrivals.ts";
import { type Answer, expectProblem } from "../../../support/http.ts";
import { times } from "../../../support/lists.ts";
import { conversation } from "../../../support/queries.ts";
import type { Client } from "../../../support/socket-client.ts";
import type { Person, World } from "../../../support/world.ts";
import { NOTHING } from "../../support/shapes.ts";

/** Every request that reads or changes a room. */
const ROOM_REQUESTS: readonly { method: string; path: (room: string, user: string) => string; body?: Fields }[] = [
  { method: "GET", path: (room) => `/api/chat/${room}/messages` },
  { method: "GET", path: (room) => `/api/chat/${room}/messages?before=${NOTHING}` },
  { method: "PATCH", path: (room) => `/v1/rooms/${room}`, body: { name: "Mine" } },
  { method: "DELETE", path: (room) => `/v1/rooms/${room}` },
  { method: "PUT", path: (room, user) => `/v1/rooms/${room}/members/${user}` },
  { method: "PUT", path: (room, user) => `/v1/rooms/${room}/members/${user}`, body: { role: "owner" } },
  { method: "DELETE", path: (room, user) => `/v1/rooms/${room}/members/${user}` },
  { method: "GET", path: (room) => `/v1/rooms/${room}/state` },
  { method: "PUT", path: (room) => `/v1/rooms/${room}/engagement`, body: { mode: "off" } },
  { method: "PUT", path: (room) => `/v1/rooms/${room}/plan`, body: { title: "Mine", steps: [] } },
  { method: "DELETE", path: (room) => `/v1/rooms/${room}/plan` },
  { method: "PUT", path: (room) => `/v1/rooms/${room}/sidekicks/mine`, body: {} },
  { method: "DELETE", path: (room) => `/v1/rooms/${room}/sidekicks/mine` },
  {
    method: "PUT",
    path: (room) => `/v1/rooms/${room}/call`,
    body: { call_id: "mine", started_at: "2026-02-24T14:35:00Z", participants: [] },
  },
  { method: "DELETE", path: (room) => `/v1/rooms/${room}/call` },
  { method: "PUT", path: (room) => `/v1/rooms/${room}/mute`, body: { until: null } },
  { method: "PUT", path: (room) => `/v1/rooms/${room}/snoozes/${NOTHING}`, body: { until: "2040-01-01T00:00:00Z" } },
  { method: "DELETE", path: (room) => `/v1/rooms/${room}/snoozes/${NOTHING}` },
  { method: "GET", path: (room) => `${conversation(room)}/signals/snapshot` },
  { method: "GET", path: (room) => `${conversation(room)}/typing` },
  { method: "POST", path: (room) => `${conversation(room)}/typing`, body: { typing: true } },
  { method: "POST", path: (room) => `${conversation(room)}/typing`, body: { typing: false } },
  { method: "GET", path: (room) => `${conversation(room)}/receipts` },
  { method: "POST", path: (room) => `${conversation(room)}/read`, body: { event_id: NOTHING } },
  { method: "POST", path: (room) => `${conversation(room)}/marker`, body: { event_id: NOTHING } },
];

const actionsIn = (chatId: string, messageId: string): readonly Fields[] => [
  { type: "SEND_MSG", chatId, message: "text" },
  { type: "EDIT_MSG", chatId, messageId, message: "text" },
  { type: "DELETE_MSG", chatId, messageId },
  { type: "REPLY", chatId, messageId, message: "text" },
  { type: "REACT", chatId, messageId, reaction: "+" },
  { type: "READ_MSG", chatId, messageId },
  { type: "TYPING", chatId },
  { type: "STOP_TYPING", chatId },
];

/** An answer without its date. */
function bytesOf({ status, headers, text }: Answer): unknown {
  return { status, text, headers: [...headers].filter(([name]) => name !== "date") };
}

/** A user outside a room, and a message in it. */
interface Outsider {
  readonly outsider: Person;
  readonly chatId: string;
  readonly messageId: string;
}

const OUTSIDERS: readonly (readonly [string, (here: World) => Promise<Outsider>])[] = [
  [
    "that was never in the room",
    async (here: World) => {
      const { alice, carol, chatId } = await here.chat();
      return { outsider: carol, chatId, messageId: (await alice.says(chatId, "secret")).messageId };
    },
  ],
  [
    "that was removed",
    async (here: World) => {
      const { alice, bob, chatId } = await here.chat();
      const { messageId } = await bob.says(chatId, "mine once");
      await alice.removes(chatId, bob);
      return { outsider: bob, chatId, messageId };
    },
  ],
  [
    "of a room that was deleted",
    async (here: World) => {
      const { alice, chatId } = await here.chat();
      const { messageId } = await alice.says(chatId, "secret");
      await alice.asks("DELETE", `/v1/rooms/${chatId}`);
      return { outsider: alice, chatId, messageId };
    },
  ],
];

export function outsiders(world: World): void {
  describe("an outsider", () => {
    test.each(OUTSIDERS)("%s is answered over REST as if the room did not exist, byte for byte", async (_, of) => {
      const { outsider, chatId, messageId } = await of(world);
      for (const { method, path, body } of ROOM_REQUESTS) {
        const asked = await outsider.asks(method, path(chatId, outsider.id), body);
        expectProblem(asked, "not_found");
        expect(bytesOf(asked)).toEqual(bytesOf(await outsider.asks(method, path(NOTHING, outsider.id), body)));
      }
      for (const [index, action] of actionsIn(chatId, messageId).entries()) {
        const asked = await outsider.posts(action);
        expectProblem(asked, "not_found");
        expect(bytesOf(asked)).toEqual(bytesOf(await outsider.posts(actionsIn(NOTHING, NOTHING)[index]!)));
      }
    });

    test.each(OUTSIDERS)("%s is answered on a socket as if the room did not exist", async (_, of) => {
      const { outsider, chatId, messageId } = await of(world);
      const client: Client = await outsider.connects(1);
      const framesIn = (room: string, id: string): readonly Fields[] => [
        ...actionsIn(room, id),
        { type: "MARKER", chatId: room, messageId: id },
      ];
      for (const [index, action] of framesIn(chatId, messageId).entries()) {
        const { ref: _, ...answer } = await client.asks(action);
        const { ref: __, ...unknown } = await client.asks(framesIn(NOTHING, NOTHING)[index]!);
        expect(answer).toEqual(unknown);
        expect(answer).toMatchObject({ type: "ERROR", code: "not_found" });
      }
    });

    test("cannot find a reaction either", async () => {
      const { alice, carol, chatId } = await world.chat();
      const { messageId } = await alice.says(chatId, "text");
      const reaction = await alice.acts({ type: "REACT", chatId, messageId, reaction: "+" });
      const asked = await carol.posts({ type: "DELETE_REACT", reactionId: reaction.messageId });
      expectProblem(asked, "not_found");
      expect(bytesOf(asked)).toEqual(bytesOf(await carol.posts({ type: "DELETE_REACT", reactionId: NOTHING })));
    });

    test("gets no frames of the room", async () => {
      const { alice, bob, carol, chatId } = await world.chat();
      const shared = await alice.makesRoom(bob, carol);
      const devices = await Promise.all([carol.connects(0), carol.connects(1)]);
      await times(5, (index) => alice.says(chatId, `secret ${index}`));
      await bob.acts({ type: "TYPING", chatId });
      const { messageId } = await alice.says(shared, "for all");
      for (const device of devices) {
        await device.receives({ messageId });
        expect(device.frames.filter((frame) => frame.chatId === chatId)).toEqual([]);
      }
    });

    test("that is a service may act on any room", async () => {
      const [service, { alice, bob, chatId }] = [await world.service(), await world.chat()];
      const { messageId } = await bob.says(chatId, "text");
      const bobs = await bob.connects(1);
      // Only authors edit and only members have receipts; a deletion would make the other actions fail.
      const apart = new Set(["EDIT_MSG", "READ_MSG", "DELETE_MSG"]);
      for (const action of actionsIn(chatId, messageId).filter(({ type }) => !apart.has(String(type)))) {
        const answer = await service.posts(action);
        expect(answer.status, `${String(action.type)}: ${answer.text}`).toBe(200);
      }
      await bobs.receives({ type: "SEND_MSG", senderId: service.id });
      await service.adds(chatId, await world.person());
      await service.removes(chatId, alice);
      expect((await service.history(chatId)).length).toBeGreaterThan(0);
    });
  });
}
