/** A room in a known state, and an API that records the changes asked of it, for tests of the routes below a room. */
import type { Actor } from "@signalbox/core/model/actor";
import type { RoomState } from "@signalbox/core/ports/store";
import type { SeenPresence } from "@signalbox/core/presence/presence";
import { ADA, BOB, fakeApi, fakeState, MESSAGE, ROOM } from "../../api.fake.ts";

export const PATH = `/v1/rooms/${ROOM}`;
export const EVENT = `evt-${MESSAGE}`;
export const UNTIL = "2026-03-01T08:00:00.000Z";

export const engagement = { mode: "mention", overrides: { "ai-1": "always" } };
export const plan = {
  title: "Ship it",
  steps: [{ id: "1", title: "Build", status: "done", by: "ai-1" }],
  owner: "ai-1",
};
export const call = { call_id: "call-1", started_at: "2026-02-24T14:00:00Z", participants: [ADA], region: "eu" };

const members: RoomState["members"] = [
  {
    userId: ADA,
    name: "Ada",
    role: "owner",
    joinedAt: new Date(0).toISOString(),
    activeAt: null,
    read: { messageId: MESSAGE, eventId: null, readAt: new Date(1000).toISOString() },
  },
  { userId: BOB, name: null, role: "member", joinedAt: new Date(2000).toISOString(), activeAt: null, read: null },
];
export const full = fakeState({
  unread: 7,
  mentions: 2,
  mutedUntil: new Date(UNTIL),
  members,
  sections: [
    { roomId: ROOM, section: "engagement", body: engagement },
    { roomId: ROOM, section: "plan", body: plan },
    { roomId: ROOM, section: "call", body: call },
    { roomId: ROOM, section: "sidekick scribe one", body: { id: "other", task: "notes" } },
    { roomId: ROOM, section: "sidekick gone", body: null },
  ],
  lastReadId: MESSAGE,
  snoozed: [MESSAGE],
});
export const printedMembers = [
  {
    user_id: ADA,
    name: "Ada",
    role: "owner",
    joined_at: "1970-01-01T00:00:00.000Z",
    status: "appear_offline",
    last_active_at: "1970-01-01T00:00:03.000Z",
    last_read_event_id: EVENT,
    read_at: "1970-01-01T00:00:01.000Z",
    typing: false,
  },
  {
    user_id: BOB,
    name: null,
    role: "member",
    joined_at: "1970-01-01T00:00:02.000Z",
    status: "idle",
    last_active_at: null,
    last_read_event_id: null,
    read_at: null,
    typing: true,
  },
];

const people: readonly SeenPresence[] = [
  { userId: ADA, status: "appear_offline", activeAt: new Date(3000) },
  { userId: BOB, status: "idle", activeAt: null },
];

/** The API over a room in this state, visible to ada and services alone. */
export function roomIn(state: RoomState) {
  return fakeApi({
    store: {
      roomState: async (room, userId, service) => (room === ROOM && (userId === ADA || service) ? state : null),
    },
    engine: { typing: { list: async () => new Map([[ROOM, [{ userId: BOB, startedAt: 0, remainingMs: 1000 }]]]) } },
    presence: { lookAt: async () => new Map(people.map((each) => [each.userId, each])) },
  });
}

/** The API over a writer and a store that record their calls in `asked`. `known`: the store finds what a call names. */
export function recordingApi(known = true) {
  const asked: unknown[][] = [];
  const record = (name: string) => (rest: unknown[]) => void asked.push([name, ...rest]);
  const putSection = async ({ userId }: Actor, ...rest: unknown[]) => record("putSection")([userId, ...rest]);
  const mute = async (...rest: unknown[]) => {
    record("mute")(rest);
    return known;
  };
  const snooze = async (...rest: unknown[]) => {
    record("snooze")(rest);
    return known;
  };
  const messageIds = async (_room: string | null, eventIds: readonly string[]) =>
    new Map(eventIds.filter((id) => id === "$event").map((id) => [id, MESSAGE]));
  return { asked, ...fakeApi({ writer: { putSection }, store: { mute, snooze, messageIds } }) };
}
