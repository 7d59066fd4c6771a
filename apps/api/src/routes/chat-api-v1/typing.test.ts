import { describe, expect, it } from "vitest";
import { ADA, BOB, fakeApi, limitedApi, ROOM } from "../../api.fake.ts";
import { askedFromOutside, CONVERSATION, HIDDEN, membersOnly, recordingApi, typing } from "./signals.fake.ts";

describe("typing", () => {
  it("is told and taken back", async () => {
    const { call, acts, touched } = recordingApi();
    for (const types of [true, false]) {
      const response = await call(ADA, "POST", `${CONVERSATION}/typing`, { typing: types });
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
    expect((await recordingApi().call(ADA, "POST", `${CONVERSATION}/typing`, body)).status).toBe(400);
  });

  it("is listed with its start", async () => {
    const { call } = fakeApi({ store: membersOnly, engine: typing });
    expect(await (await call(ADA, "GET", `${CONVERSATION}/typing`)).json()).toEqual({
      data: [{ user_id: BOB, started_at: "2026-02-24T14:35:12.000Z" }],
    });
  });

  it("is an empty list where no user types", async () => {
    const { call } = fakeApi({ store: membersOnly, engine: { typing: { list: async () => new Map() } } });
    expect(await (await call(ADA, "GET", `${CONVERSATION}/typing`)).json()).toEqual({ data: [] });
  });

  it("is hidden from strangers", async () => {
    expect(await askedFromOutside("typing")).toEqual(HIDDEN);
  });

  it("is not sent to a room that cannot be, nor beyond the rate limit", async () => {
    const path = "/chat/api/v1/conversations/nowhere/typing";
    expect((await recordingApi().call(ADA, "POST", path, { typing: true })).status).toBe(404);
    const { call, touched } = limitedApi();
    expect((await call(ADA, "POST", `${CONVERSATION}/typing`)).status).toBe(429);
    expect(touched).toEqual([]);
  });
});
