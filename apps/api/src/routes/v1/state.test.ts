import { describe, expect, it } from "vitest";
import { ADA, BOB, CURSOR, fakeState, printedRoom } from "../../api.fake.ts";
import { call, EVENT, engagement, full, PATH, plan, printedMembers, roomIn, UNTIL } from "./state.fake.ts";

describe("GET /v1/rooms/{id}/state", () => {
  it("prints everything about a room", async () => {
    const { call: request, touched } = roomIn(full);
    const response = await request(ADA, "GET", `${PATH.replace("rooms/", "rooms/room-")}/state`);
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
        cursor: CURSOR,
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
        cursor: CURSOR,
      },
    });
  });

  it("prints each section by itself too", async () => {
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
