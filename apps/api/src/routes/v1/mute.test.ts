import { describe, expect, it } from "vitest";
import { ADA, limitedApi, ROOM } from "../../api.fake.ts";
import { PATH, recordingApi, UNTIL } from "./state.fake.ts";

describe("mute", () => {
  it("holds until a time, or ends", async () => {
    const { call: request, asked } = recordingApi();
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
    expect((await recordingApi().call(ADA, "PUT", `${PATH}/mute`, body)).status).toBe(400);
  });

  it("is not found by strangers, nor in a room that cannot exist", async () => {
    expect((await recordingApi(false).call(ADA, "PUT", `${PATH}/mute`, { until: UNTIL })).status).toBe(404);
    expect((await recordingApi().call(ADA, "PUT", "/v1/rooms/nowhere/mute", { until: UNTIL })).status).toBe(404);
  });

  it("counts towards the rate limit", async () => {
    expect((await limitedApi().call(ADA, "PUT", `${PATH}/mute`, { until: UNTIL })).status).toBe(429);
  });
});
