import { Problem } from "@signalbox/protocol/errors";
import { parseMessageId } from "@signalbox/protocol/ids";
import { describe, expect, it } from "vitest";
import { ADA, fakeApi, limitedApi, MESSAGE, ROOM } from "../../api.fake.ts";
import { CONVERSATION, EVENT, recordingApi } from "./signals.fake.ts";

const FORMS = [MESSAGE, `msg-${MESSAGE}`, `evt-${MESSAGE}`, EVENT];
const BOTH = [
  ["read", "Read receipt sent."],
  ["marker", "Read marker set."],
] as const;

describe.each(BOTH)("POST …/%s", (path, message) => {
  it("takes any form of the event's id", async () => {
    expect(parseMessageId(EVENT)).toBe(MESSAGE);
    const { call, acts, marks, touched } = recordingApi();
    for (const event_id of FORMS) {
      const response = await call(ADA, "POST", `${CONVERSATION}/${path}`, { event_id });
      expect(await response.json()).toEqual({ message });
    }
    const read = FORMS.map(() => [ADA, { type: "READ_MSG", chatId: ROOM, messageId: MESSAGE }]);
    const marked = FORMS.map(() => [ADA, ROOM, MESSAGE]);
    expect([acts, marks]).toEqual(path === "read" ? [read, []] : [[], marked]);
    expect(touched).toEqual(FORMS.map(() => ADA));
  });

  it.each([{}, { event_id: "5" }, { event_id: 5 }, { event_id: null }, { event_id: "$" }, []])(
    "refuses %j",
    async (body) => {
      expect((await recordingApi().call(ADA, "POST", `${CONVERSATION}/${path}`, body)).status).toBe(400);
    },
  );

  it("passes on that the event is not in the room", async () => {
    const unknown = () => Promise.reject(new Problem("not_found", "no such message"));
    const { call } = fakeApi({ writer: { act: unknown, setMarker: unknown } });
    expect((await call(ADA, "POST", `${CONVERSATION}/${path}`, { event_id: "$evt:x.org" })).status).toBe(404);
  });

  it("is not found in a room that cannot be, and refused beyond the rate limit", async () => {
    const nowhere = `/chat/api/v1/conversations/nowhere/${path}`;
    expect((await recordingApi().call(ADA, "POST", nowhere, { event_id: MESSAGE })).status).toBe(404);
    const { call, touched } = limitedApi();
    expect((await call(ADA, "POST", `${CONVERSATION}/${path}`)).status).toBe(429);
    expect(touched).toEqual([]);
  });
});
