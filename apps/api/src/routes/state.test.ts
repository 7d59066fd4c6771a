import type { Actor } from "@signalbox/core/model/actor";
import type { RoomState } from "@signalbox/core/ports/store";
import type { SeenPresence } from "@signalbox/core/presence/presence";
import { Problem } from "@signalbox/protocol/errors";
import { describe, expect, it } from "vitest";
import { ADA, BOB, fakeApi, fakeState, MESSAGE, printedRoom, ROOM } from "../api.fake.ts";

const PATH = `/v1/rooms/${ROOM}`;
const EVENT = `evt-${MESSAGE}`;
const UNTIL = "2026-03-01T08:00:00.000Z";

const engagement = { mode: "mention", overrides: { "ai-1": "always" } };
const plan = { title: "Ship it", steps: [{ id: "1", title: "Build", status: "done", by: "ai-1" }], owner: "ai-1" };
const call = { call_id: "call-1", started_at: "2026-02-24T14:00:00Z", participants: [ADA], region: "eu" };

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
const full = fakeState({
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
const printedMembers = [
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

/** A room in this state, which only ada and services see. */
function roomIn(state: RoomState) {
  return fakeApi({
    store: {
      roomState: async (room, userId, service) => (room === ROOM && (userId === ADA || service) ? state : null),
    },
    engine: { typing: { list: async () => new Map([[ROOM, [{ userId: BOB, startedAt: 0, remainingMs: 1000 }]]]) } },
    presence: { lookAt: async () => new Map(people.map((each) => [each.userId, each])) },
  });
}

/** The API over a writer and a store that note what they were asked for. */
function noting(known = true) {
  const asked: unknown[][] = [];
  const note = (name: string) => (rest: unknown[]) => void asked.push([name, ...rest]);
  const putPart = async ({ userId }: Actor, ...rest: unknown[]) => note("putPart")([userId, ...rest]);
  const mute = async (...rest: unknown[]) => {
    note("mute")(rest);
    return known;
  };
  const snooze = async (...rest: unknown[]) => {
    note("snooze")(rest);
    return known;
  };
  const messageIds = async (_room: string | null, eventIds: readonly string[]) =>
    new Map(eventIds.filter((id) => id === "$event").map((id) => [id, MESSAGE]));
  return { asked, ...fakeApi({ writer: { putSection: putPart }, store: { mute, snooze, messageIds } }) };
}

describe("GET /v1/rooms/{id}/state", () => {
  it("prints everything of a room", async () => {
    const { call: request, touched } = roomIn(full);
    const response = await request(ADA, "GET", `/v1/rooms/room-${ROOM}/state`);
    expect(await response.json()).toEqual({
      data: {
        room: printedRoom,
        members: printedMembers,
        engagement,
        plan,
        active_sidekicks: [{ id: "scribe one", task: "notes" }],
        active_call: call,
        unread_count: 7,
        mention_count: 2,
        last_read_event_id: EVENT,
        muted_until: UNTIL,
        snoozed_event_ids: [EVENT],
        cursor: 3,
      },
    });
    expect(touched).toEqual([]);
  });

  it("prints a room in which nothing happened yet", async () => {
    const response = await roomIn(fakeState()).call(ADA, "GET", `${PATH}/state`);
    expect(await response.json()).toEqual({
      data: {
        room: printedRoom,
        members: [],
        engagement: { mode: null, overrides: {} },
        plan: null,
        active_sidekicks: [],
        active_call: null,
        unread_count: 0,
        mention_count: 0,
        last_read_event_id: null,
        muted_until: null,
        snoozed_event_ids: [],
        cursor: 3,
      },
    });
  });

  it("prints each part by itself too", async () => {
    const { call: request } = roomIn(full);
    const dataOf = async (path: string) => ((await (await request(ADA, "GET", path)).json()) as { data: unknown }).data;
    expect(await dataOf(PATH)).toEqual(printedRoom);
    expect(await dataOf(`${PATH}/members`)).toEqual(printedMembers);
    expect(await dataOf(`${PATH}/engagement`)).toEqual(engagement);
    expect(await dataOf(`${PATH}/plan`)).toEqual(plan);
    expect(await dataOf(`${PATH}/sidekicks`)).toEqual([{ id: "scribe one", task: "notes" }]);
    expect(await dataOf(`${PATH}/call`)).toEqual(call);
  });

  it("answers a stranger as a room that is not there, and shows a service everything", async () => {
    const { call: request } = roomIn(full);
    for (const path of ["", "/state", "/members", "/engagement", "/plan", "/sidekicks", "/call"]) {
      const answers = await Promise.all([
        request(BOB, "GET", `${PATH}${path}`),
        request(ADA, "GET", `${PATH.replace(/1$/, "2")}${path}`),
        request(ADA, "GET", `/v1/rooms/nowhere${path}`),
      ]);
      expect(answers.map(({ status }) => status)).toEqual([404, 404, 404]);
      expect(new Set(await Promise.all(answers.map((answer) => answer.text()))).size).toBe(1);
      expect((await request("service", "GET", `${PATH}${path}`)).status).toBe(200);
    }
  });
});

describe("parts", () => {
  it.each([
    ["engagement", engagement],
    ["plan", plan],
    ["call", call],
  ])("%s is written as it came", async (part, body) => {
    const { call: request, asked, touched } = noting();
    const response = await request(ADA, "PUT", `${PATH}/${part}`, body);
    expect(await response.json()).toEqual({ data: body });
    expect(asked).toEqual([["putPart", ADA, ROOM, part, body]]);
    expect(touched).toEqual([ADA]);
  });

  it("engagement needs no overrides", async () => {
    const { call: request, asked } = noting();
    await request(ADA, "PUT", `${PATH}/engagement`, { mode: "all" });
    expect(asked).toEqual([["putPart", ADA, ROOM, "engagement", { mode: "all", overrides: {} }]]);
  });

  it.each([
    ["plan", "Plan removed"],
    ["call", "Call removed"],
  ])("%s is removed", async (part, message) => {
    const { call: request, asked } = noting();
    expect(await (await request(ADA, "DELETE", `${PATH}/${part}`)).json()).toEqual({ message });
    expect(asked).toEqual([["putPart", ADA, ROOM, part, null]]);
    expect((await request(ADA, "DELETE", `${PATH}/engagement`)).status).toBe(405);
  });

  it("a sidekick has any short name", async () => {
    const { call: request, asked } = noting();
    for (const id of ["scribe", "scribe one", "a/b", "é"]) {
      const path = `${PATH}/sidekicks/${encodeURIComponent(id)}`;
      expect(await (await request(ADA, "PUT", path, { task: "notes" })).json()).toEqual({ data: { task: "notes" } });
      expect(await (await request(ADA, "DELETE", path)).json()).toEqual({ message: "Sidekick removed" });
      expect(asked.splice(0)).toEqual([
        ["putPart", ADA, ROOM, `sidekick ${id}`, { task: "notes" }],
        ["putPart", ADA, ROOM, `sidekick ${id}`, null],
      ]);
    }
    for (const id of ["%20", "a".repeat(129), "%00"])
      for (const method of ["PUT", "DELETE"])
        expect(await (await request(ADA, method, `${PATH}/sidekicks/${id}`, {})).json()).toMatchObject({
          status: 400,
          errors: [{ path: "sidekickId" }],
        });
  });

  it.each([
    ["engagement", "mode", { overrides: {} }],
    ["engagement", "mode", { mode: "" }],
    ["engagement", "mode", { mode: 5 }],
    ["engagement", "overrides", { mode: "all", overrides: "none" }],
    ["engagement", "overrides.ai-1", { mode: "all", overrides: { "ai-1": 5 } }],
    ["plan", "title", { steps: [] }],
    ["plan", "title", { title: "a".repeat(201), steps: [] }],
    ["plan", "steps", { title: "Ship it" }],
    ["plan", "steps", { title: "Ship it", steps: {} }],
    ["plan", "steps.0.id", { title: "Ship it", steps: [{ title: "Build", status: "done" }] }],
    ["plan", "steps.0.title", { title: "Ship it", steps: [{ id: "1", status: "done" }] }],
    ["plan", "steps.0.status", { title: "Ship it", steps: [{ id: "1", title: "Build", status: true }] }],
    ["call", "call_id", { ...call, call_id: " " }],
    ["call", "started_at", { ...call, started_at: "2026-02-24" }],
    ["call", "started_at", { ...call, started_at: "2026-02-24T14:00:00+01:00" }],
    ["call", "participants", { ...call, participants: undefined }],
    ["call", "participants.0", { ...call, participants: ["a b"] }],
    ["sidekicks/scribe", "", []],
    ["sidekicks/scribe", "", { text: "\ud800" }],
    ["sidekicks/scribe", "", { text: "a".repeat(65_536) }],
    ["plan", "", null],
  ])("%s with a wrong %j is refused", async (part, path, body) => {
    const { call: request, asked } = noting();
    const response = await request(ADA, "PUT", `${PATH}/${part}`, body);
    expect(await response.json()).toMatchObject({ status: 400, errors: [{ path }] });
    expect(asked).toEqual([]);
  });

  it("pass on what the writer refuses", async () => {
    const putPart = () => Promise.reject(new Problem("forbidden", "only an owner may do this"));
    const { call: request } = fakeApi({ writer: { putSection: putPart } });
    expect((await request(BOB, "PUT", `${PATH}/plan`, plan)).status).toBe(403);
  });
});

describe("mute", () => {
  it("holds until a time, or ends", async () => {
    const { call: request, asked } = noting();
    expect(await (await request(ADA, "PUT", `${PATH}/mute`, { until: "2026-03-01T08:00:00Z" })).json()).toEqual({
      data: { muted_until: UNTIL },
    });
    expect(await (await request(ADA, "PUT", `${PATH}/mute`, { until: null })).json()).toEqual({
      data: { muted_until: null },
    });
    expect(asked).toEqual([
      ["mute", ROOM, ADA, new Date(UNTIL)],
      ["mute", ROOM, ADA, null],
    ]);
  });

  it.each([
    {},
    { until: "tomorrow" },
    { until: 5 },
    { until: "2026-03-01T08:00:00+01:00" },
    { until: "2026-02-30T08:00:00" },
    [],
  ])("refuses %j", async (body) => {
    expect((await noting().call(ADA, "PUT", `${PATH}/mute`, body)).status).toBe(400);
  });
});

describe("snoozes", () => {
  it("hold until a time, or end", async () => {
    const { call: request, asked } = noting();
    for (const id of [MESSAGE, EVENT, `msg-${MESSAGE}`, "%24AZKhsgAAcACAAAAAAAAACg%3Alocalhost", "%24event"]) {
      const path = `${PATH}/snoozes/${id}`;
      expect(await (await request(ADA, "PUT", path, { until: UNTIL })).json()).toEqual({
        data: { event_id: EVENT, until: UNTIL },
      });
      expect(await (await request(ADA, "DELETE", path)).json()).toEqual({ message: "Snooze ended" });
      expect(asked.splice(0)).toEqual([
        ["snooze", ROOM, ADA, MESSAGE, new Date(UNTIL)],
        ["snooze", ROOM, ADA, MESSAGE, null],
      ]);
    }
  });

  it.each([{}, { until: null }, { until: "tomorrow" }, []])("refuse %j", async (body) => {
    expect((await noting().call(ADA, "PUT", `${PATH}/snoozes/${EVENT}`, body)).status).toBe(400);
  });
});

describe("what a user sets for themselves", () => {
  const writes = [
    ["PUT", "mute", { until: UNTIL }],
    ["PUT", `snoozes/${EVENT}`, { until: UNTIL }],
    ["DELETE", `snoozes/${EVENT}`, undefined],
  ] as const;

  it("is not found by strangers, nor of what is not there or cannot be", async () => {
    for (const [method, path, body] of writes) {
      expect((await noting(false).call(ADA, method, `${PATH}/${path}`, body)).status).toBe(404);
      expect((await noting().call(ADA, method, `/v1/rooms/nowhere/${path}`, body)).status).toBe(404);
    }
    expect((await noting().call(ADA, "PUT", `${PATH}/snoozes/5`, { until: UNTIL })).status).toBe(404);
    expect((await noting().call(ADA, "DELETE", `${PATH}/snoozes/5`)).status).toBe(404);
    expect((await noting().call(ADA, "PUT", `${PATH}/snoozes/$other`, { until: UNTIL })).status).toBe(404);
  });

  it("counts towards the rate limit, as do the parts", async () => {
    const { call: request } = fakeApi({
      rateLimit: { take: () => Promise.reject(new Problem("rate_limited", "too many", { retryAfterMs: 20 })) },
    });
    const parts = ["engagement", "plan", "call", "sidekicks/scribe"].map((part) => ["PUT", part, {}] as const);
    const removals = ["plan", "call", "sidekicks/scribe"].map((part) => ["DELETE", part, undefined] as const);
    for (const [method, path, body] of [...writes, ...parts, ...removals])
      expect((await request(ADA, method, `${PATH}/${path}`, body)).status).toBe(429);
  });
});
