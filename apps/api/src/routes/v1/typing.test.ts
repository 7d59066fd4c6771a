import type { Actor } from "@signalbox/core/model/actor";
import type { Action } from "@signalbox/protocol/up";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { fakeApi, ROOM } from "../../api.fake.ts";

describe("PUT /v1/typing", () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ["Date"], now: 60_000 }));
  afterEach(() => void vi.useRealTimers());

  function recordingApi() {
    const acts: Action[] = [];
    const act = async (_: Actor, action: Action) => {
      acts.push(action);
      return "{}";
    };
    return { acts, ...fakeApi({ writer: { act } }) };
  }

  it("says until when it holds", async () => {
    const { call, acts, touched } = recordingApi();
    const room_id = `room-${ROOM}`;
    expect(await (await call("ada", "PUT", "/v1/typing", { room_id, typing: true })).json()).toEqual({
      data: { room_id: ROOM, typing: true, expires_at: "1970-01-01T00:01:04.000Z" },
    });
    expect(await (await call("ada", "PUT", "/v1/typing", { room_id, typing: false })).json()).toEqual({
      data: { room_id: ROOM, typing: false, expires_at: null },
    });
    expect(acts).toEqual([
      { type: "TYPING", chatId: ROOM },
      { type: "STOP_TYPING", chatId: ROOM },
    ]);
    expect(touched).toEqual(["ada"]);
  });

  it.each([
    {},
    { room_id: ROOM },
    { typing: true },
    { room_id: "room-5", typing: true },
    { room_id: null, typing: true },
    { room_id: ROOM, typing: "true" },
    [],
  ])("refuses %j", async (body) => {
    expect((await recordingApi().call("ada", "PUT", "/v1/typing", body)).status).toBe(400);
  });
});
