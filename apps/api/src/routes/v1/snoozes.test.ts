import { describe, expect, it } from "vitest";
import { ADA, limitedApi, MESSAGE, ROOM } from "../../api.fake.ts";
import { EVENT, PATH, recordingApi, UNTIL } from "./state.fake.ts";

describe("snoozes", () => {
  it("hold until a time, or end", async () => {
    const { call: request, asked } = recordingApi();
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
    expect((await recordingApi().call(ADA, "PUT", `${PATH}/snoozes/${EVENT}`, body)).status).toBe(400);
  });

  const writes = [
    ["PUT", { until: UNTIL }],
    ["DELETE", undefined],
  ] as const;

  it.each(writes)(
    "are not found by strangers, nor for a message that is not there or cannot be: %s",
    async (...write) => {
      const [method, body] = write;
      expect((await recordingApi(false).call(ADA, method, `${PATH}/snoozes/${EVENT}`, body)).status).toBe(404);
      const { call } = recordingApi();
      for (const path of [`/v1/rooms/nowhere/snoozes/${EVENT}`, `${PATH}/snoozes/5`, `${PATH}/snoozes/$other`])
        expect((await call(ADA, method, path, body)).status).toBe(404);
    },
  );

  it.each(writes)("count towards the rate limit: %s", async (method, body) => {
    expect((await limitedApi().call(ADA, method, `${PATH}/snoozes/${EVENT}`, body)).status).toBe(429);
  });
});
