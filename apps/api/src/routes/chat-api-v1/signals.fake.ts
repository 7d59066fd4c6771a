/** A conversation with known signals, and an API that records the changes asked of it, for tests of this surface. */
import type { Actor } from "@signalbox/core/model/actor";
import type { RoomStateMember } from "@signalbox/core/ports/store";
import type { SeenPresence } from "@signalbox/core/presence/presence";
import type { Action } from "@signalbox/protocol/up";
import { ADA, BOB, fakeApi, fakeState, MESSAGE, ROOM } from "../../api.fake.ts";

export const CONVERSATION = `/chat/api/v1/conversations/${ROOM}`;
/** `MESSAGE` as this surface prints it. */
export const EVENT = "$AZKhsgAAcACAAAAAAAAACg:your-sphere.example.com";

export const at = (time: string): Date => new Date(`2026-02-24T${time}Z`);
const member = (userId: string, read: RoomStateMember["read"]): RoomStateMember => ({
  userId,
  name: null,
  role: "member",
  joinedAt: at("10:00:00").toISOString(),
  activeAt: null,
  read,
});
export const online: SeenPresence = { userId: ADA, status: "online", activeAt: at("14:35:00") };
const offline: SeenPresence = { userId: BOB, status: "offline", activeAt: at("12:00:00") };
export const state = fakeState({
  members: [
    member(ADA, { messageId: MESSAGE, eventId: null, readAt: at("14:35:30").toISOString() }),
    member(BOB, null),
  ],
});

/** A store with a room that is visible to ada and services alone. */
export const membersOnly = {
  roomState: async (room: string, userId: string, service: boolean) =>
    room === ROOM && (userId === ADA || service) ? state : null,
  headOf: async (room: string, userId: string, service: boolean) =>
    room === ROOM && (userId === ADA || service) ? { seq: 3, mark: 1, from: 0 } : null,
};
export const typing = {
  typing: {
    list: async () =>
      new Map([[ROOM, [{ userId: BOB, startedAt: at("14:35:12").getTime(), remainingMs: 2500 }]]] as const),
  },
};
export const seen = { lookAt: async () => new Map([online, offline].map((each) => [each.userId, each])) };

/** The API over a writer that records its actions in `acts` and its markers in `marks`. */
export function recordingApi() {
  const acts: [string, Action][] = [];
  const marks: unknown[] = [];
  const act = async ({ userId }: Actor, action: Action) => {
    acts.push([userId, action]);
    return "{}";
  };
  const setMarker = async ({ userId }: Actor, ...rest: unknown[]) => void marks.push([userId, ...rest]);
  return { acts, marks, ...fakeApi({ writer: { act, setMarker } }) };
}

/** The answers to `GET path` of the conversation for a stranger, in a room that is not there or cannot be, and for a service. */
export async function askedFromOutside(path: string) {
  const { call } = fakeApi({ store: membersOnly, engine: typing, presence: seen });
  const refused = await Promise.all([
    call(BOB, "GET", `${CONVERSATION}/${path}`),
    call(ADA, "GET", `${CONVERSATION.replace(/1$/, "2")}/${path}`),
    call(ADA, "GET", `/chat/api/v1/conversations/nowhere/${path}`),
  ]);
  const texts = new Set(await Promise.all(refused.map((answer) => answer.text())));
  const service = await call("service", "GET", `${CONVERSATION}/${path}`);
  return { refused: refused.map(({ status }) => status), texts: texts.size, service: service.status };
}

/** A room's existence is hidden: the refusals are the same, byte for byte. */
export const HIDDEN = { refused: [404, 404, 404], texts: 1, service: 200 };
