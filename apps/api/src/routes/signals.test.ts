import type { Actor } from "@signalbox/core/model/actor";
import type { RoomStateMember } from "@signalbox/core/ports/store";
import type { SeenPresence } from "@signalbox/core/presence/presence";
import { Problem } from "@signalbox/protocol/errors";
import { parseMessageId } from "@signalbox/protocol/ids";
import type { Choice } from "@signalbox/protocol/presence";
import type { Action } from "@signalbox/protocol/up";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { ADA, BOB, fakeApi, fakeState, fakeUser, MESSAGE, ROOM } from "../api.fake.ts";

const CONVERSATION = `/chat/api/v1/conversations/${ROOM}`;
/** `MESSAGE` as this surface prints it. */
const EVENT = "$AZKhsgAAcACAAAAAAAAACg:your-sphere.example.com";

const at = (time: string): Date => new Date(`2026-02-24T${time}Z`);
const member = (userId: string, read: RoomStateMember["read"]): RoomStateMember => ({
  userId,
  name: null,
  role: "member",
  joinedAt: at("10:00:00").toISOString(),
  activeAt: null,
  read,
});
const online: SeenPresence = { userId: ADA, status: "online", activeAt: at("14:35:00") };
const offline: SeenPresence = { userId: BOB, status: "offline", activeAt: at("12:00:00") };
const state = fakeState({
  members: [
    member(ADA, { messageId: MESSAGE, eventId: null, readAt: at("14:35:30").toISOString() }),
    member(BOB, null),
  ],
});

/** A room that only ada and services see. */
const membersOnly = {
  roomState: async (room: string, userId: string, service: boolean) =>
    room === ROOM && (userId === ADA || service) ? state : null,
  seqOf: async (room: string, userId: string, service: boolean) =>
    room === ROOM && (userId === ADA || service) ? 3 : null,
};
const typing = {
  typing: {
    list: async () =>
      new Map([[ROOM, [{ userId: BOB, startedAt: at("14:35:12").getTime(), remainingMs: 2500 }]]] as const),
  },
};
const seen = { lookAt: async () => new Map([online, offline].map((each) => [each.userId, each])) };

beforeEach(() => void vi.useFakeTimers({ toFake: ["Date"], now: at("14:35:14") }));
afterEach(() => void vi.useRealTimers());

/** The API over a writer that notes what it was asked for. */
function noting() {
  const acts: [string, Action][] = [];
  const marks: unknown[] = [];
  const act = async ({ userId }: Actor, action: Action) => {
    acts.push([userId, action]);
    return "{}";
  };
  const mark = async ({ userId }: Actor, ...rest: unknown[]) => void marks.push([userId, ...rest]);
  return { acts, marks, ...fakeApi({ writer: { act, setMarker: mark } }) };
}

describe("GET …/signals/snapshot", () => {
  it("prints presence, typing and receipts as one moment", async () => {
    const { call, touched } = fakeApi({ store: membersOnly, engine: typing, presence: seen });
    const response = await call(ADA, "GET", `${CONVERSATION}/signals/snapshot`);
    expect(await response.json()).toEqual({
      data: {
        conversation_id: ROOM,
        presence: [
          { user_id: ADA, status: "online", last_active_at: "2026-02-24T14:35:00.000Z" },
          { user_id: BOB, status: "offline", last_active_at: "2026-02-24T12:00:00.000Z" },
        ],
        typing: [{ user_id: BOB, started_at: "2026-02-24T14:35:12.000Z", expires_at: "2026-02-24T14:35:16.500Z" }],
        receipts: [{ user_id: ADA, last_read_event_id: EVENT, read_at: "2026-02-24T14:35:30.000Z" }],
        cursor: 3,
      },
    });
    expect(touched).toEqual([]);
  });

  it("asks for presence and typing after the state, both at once", async () => {
    const asked: string[] = [];
    const { call } = fakeApi({
      store: { roomState: async () => state },
      engine: {
        typing: {
          list: async (rooms) => {
            asked.push(`typists ${rooms}`);
            return new Map();
          },
        },
      },
      presence: {
        lookAt: async (viewer, users) => {
          asked.push(`lookAt ${viewer.userId} ${users.length}`);
          await expect.poll(() => asked.length).toBe(2);
          return new Map();
        },
      },
    });
    expect((await call(ADA, "GET", `${CONVERSATION}/signals/snapshot`)).status).toBe(200);
    expect(asked).toEqual([`lookAt ${ADA} 2`, `typists ${ROOM}`]);
  });

  it("is not there while nobody knows who is", async () => {
    const lookAt = () => Promise.reject(new Problem("unavailable", "the engine is away"));
    const { call } = fakeApi({ store: membersOnly, engine: typing, presence: { lookAt } });
    expect((await call(ADA, "GET", `${CONVERSATION}/signals/snapshot`)).status).toBe(503);
  });
});

describe("typing", () => {
  it("is told and taken back", async () => {
    const { call, acts, touched } = noting();
    for (const typing of [true, false]) {
      const response = await call(ADA, "POST", `${CONVERSATION}/typing`, { typing });
      expect(response.status).toBe(200);
      expect(await response.json()).toEqual({ message: "Typing indicator sent." });
    }
    expect(acts).toEqual([
      [ADA, { type: "TYPING", chatId: ROOM }],
      [ADA, { type: "STOP_TYPING", chatId: ROOM }],
    ]);
    expect(touched).toEqual([ADA]);
  });

  it.each([{}, { typing: "true" }, { typing: 1 }, { typing: null }, [], null, "{"])("refuses %j", async (body) => {
    expect((await noting().call(ADA, "POST", `${CONVERSATION}/typing`, body)).status).toBe(400);
  });

  it("is listed with its start", async () => {
    const { call } = fakeApi({ store: membersOnly, engine: typing });
    expect(await (await call(ADA, "GET", `${CONVERSATION}/typing`)).json()).toEqual({
      data: [{ user_id: BOB, started_at: "2026-02-24T14:35:12.000Z" }],
    });
  });

  it("is an empty list where nobody types", async () => {
    const { call } = fakeApi({ store: membersOnly, engine: { typing: { list: async () => new Map() } } });
    expect(await (await call(ADA, "GET", `${CONVERSATION}/typing`)).json()).toEqual({ data: [] });
  });
});

describe("presence", () => {
  it("is looked up as the asking user may know it", async () => {
    const asked: unknown[] = [];
    const look = async ({ userId }: Actor, ids: readonly string[]) => {
      asked.push([userId, ids]);
      return new Map([[ADA, online]]);
    };
    const { call } = fakeApi({ presence: { look } });
    expect(await (await call(BOB, "GET", `/chat/api/v1/presence/${ADA}`)).json()).toEqual({
      data: { user_id: ADA, status: "online", last_active_at: "2026-02-24T14:35:00.000Z" },
    });
    expect(asked).toEqual([[BOB, [ADA]]]);
    expect((await call(BOB, "GET", "/chat/api/v1/presence/a%20b")).status).toBe(400);
    expect((await call(BOB, "GET", `/chat/api/v1/presence/${"a".repeat(129)}`)).status).toBe(400);
  });

  it.each([
    ["online", "online"],
    ["idle", "unavailable"],
    ["busy", "unavailable"],
    ["appear_offline", "offline"],
    ["offline", "offline"],
  ] as const)("prints %s as %s", async (status, word) => {
    const { call } = fakeApi({
      presence: { look: async () => new Map([[ADA, { userId: ADA, status, activeAt: null }]]) },
    });
    expect(await (await call(ADA, "GET", `/chat/api/v1/presence/${ADA}`)).json()).toEqual({
      data: { user_id: ADA, status: word, last_active_at: null },
    });
  });

  it.each([
    ["online", "online"],
    ["unavailable", "idle"],
    ["offline", "appear_offline"],
  ] as const)("takes %s as %s", async (word, choice) => {
    const chosen: unknown[] = [];
    const choose = async (userId: string, status: Choice) => {
      chosen.push([userId, status]);
      return { userId, status, activeAt: at("14:36:00"), user: fakeUser({ userId }) };
    };
    const { call, touched } = fakeApi({ presence: { choose } });
    const response = await call(ADA, "PUT", "/chat/api/v1/presence", { status: word });
    expect(await response.json()).toEqual({
      data: { user_id: ADA, status: word, last_active_at: "2026-02-24T14:36:00.000Z" },
    });
    expect(chosen).toEqual([[ADA, choice]]);
    // What of it is an activity the registry knows: to appear offline is none.
    expect(touched).toEqual([]);
  });

  it.each([{}, { status: "idle" }, { status: "appear_offline" }, { status: null }, { status: "constructor" }, []])(
    "refuses %j",
    async (body) => {
      expect((await fakeApi().call(ADA, "PUT", "/chat/api/v1/presence", body)).status).toBe(400);
    },
  );
});

describe("reading", () => {
  const forms = [MESSAGE, `msg-${MESSAGE}`, `evt-${MESSAGE}`, EVENT];

  it("is told under any form of the event's id, as a receipt or as a marker", async () => {
    expect(parseMessageId(EVENT)).toBe(MESSAGE);
    const { call, acts, marks, touched } = noting();
    for (const event_id of forms) {
      const read = await call(ADA, "POST", `${CONVERSATION}/read`, { event_id });
      expect(await read.json()).toEqual({ message: "Read receipt sent." });
      const marked = await call(ADA, "POST", `${CONVERSATION}/marker`, { event_id });
      expect(await marked.json()).toEqual({ message: "Read marker set." });
    }
    expect(acts).toEqual(forms.map(() => [ADA, { type: "READ_MSG", chatId: ROOM, messageId: MESSAGE }]));
    expect(marks).toEqual(forms.map(() => [ADA, ROOM, MESSAGE]));
    expect(touched).toEqual(Array(8).fill(ADA));
  });

  it.each([{}, { event_id: "5" }, { event_id: 5 }, { event_id: null }, { event_id: "$" }, []])(
    "refuses %j",
    async (body) => {
      const { call } = noting();
      for (const path of ["read", "marker"])
        expect((await call(ADA, "POST", `${CONVERSATION}/${path}`, body)).status).toBe(400);
    },
  );

  it("passes on that the event is not in the room", async () => {
    const unknown = () => Promise.reject(new Problem("not_found", "no such message"));
    const { call } = fakeApi({ writer: { act: unknown, setMarker: unknown } });
    for (const path of ["read", "marker"])
      expect((await call(ADA, "POST", `${CONVERSATION}/${path}`, { event_id: "$evt:x.org" })).status).toBe(404);
  });

  it("is printed of those who ever read", async () => {
    const { call } = fakeApi({ store: membersOnly });
    expect(await (await call(ADA, "GET", `${CONVERSATION}/receipts`)).json()).toEqual({
      data: [{ user_id: ADA, last_read_event_id: EVENT, read_at: "2026-02-24T14:35:30.000Z" }],
    });
  });
});

describe("a room", () => {
  const reads = ["signals/snapshot", "typing", "receipts"];

  it("answers a stranger as one that is not there, and as one that cannot be", async () => {
    const { call } = fakeApi({ store: membersOnly, engine: typing, presence: seen });
    for (const path of reads) {
      const answers = await Promise.all([
        call(BOB, "GET", `${CONVERSATION}/${path}`),
        call(ADA, "GET", `${CONVERSATION.replace(/1$/, "2")}/${path}`),
        call(ADA, "GET", `/chat/api/v1/conversations/nowhere/${path}`),
      ]);
      expect(answers.map(({ status }) => status)).toEqual([404, 404, 404]);
      expect(new Set(await Promise.all(answers.map((answer) => answer.text()))).size).toBe(1);
    }
  });

  it("shows itself to a service", async () => {
    const { call } = fakeApi({ store: membersOnly, engine: typing, presence: seen });
    for (const path of reads) expect((await call("service", "GET", `${CONVERSATION}/${path}`)).status).toBe(200);
  });

  it("that cannot be takes no signals", async () => {
    const { call } = noting();
    for (const [path, body] of [
      ["typing", { typing: true }],
      ["read", { event_id: MESSAGE }],
      ["marker", { event_id: MESSAGE }],
    ] as const)
      expect((await call(ADA, "POST", `/chat/api/v1/conversations/nowhere/${path}`, body)).status).toBe(404);
  });
});

it("asks the rate limit before each write", async () => {
  const { call, touched } = fakeApi({
    rateLimit: { take: () => Promise.reject(new Problem("rate_limited", "too many", { retryAfterMs: 20 })) },
  });
  for (const [method, path] of [
    ["POST", `${CONVERSATION}/typing`],
    ["POST", `${CONVERSATION}/read`],
    ["POST", `${CONVERSATION}/marker`],
    ["PUT", "/chat/api/v1/presence"],
  ] as const)
    expect((await call(ADA, method, path)).status).toBe(429);
  expect(touched).toEqual([]);
});
