import { Problem } from "@signalbox/protocol/errors";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { ADA, BOB, CURSOR, fakeApi, ROOM } from "../../api.fake.ts";
import { askedFromOutside, at, CONVERSATION, EVENT, HIDDEN, membersOnly, seen, state, typing } from "./signals.fake.ts";

beforeEach(() => void vi.useFakeTimers({ toFake: ["Date"], now: at("14:35:14") }));
afterEach(() => void vi.useRealTimers());

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
        cursor: CURSOR,
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

  it("is a 503 while presence is unknown", async () => {
    const lookAt = () => Promise.reject(new Problem("unavailable", "the engine is away"));
    const { call } = fakeApi({ store: membersOnly, engine: typing, presence: { lookAt } });
    expect((await call(ADA, "GET", `${CONVERSATION}/signals/snapshot`)).status).toBe(503);
  });

  it("is hidden from strangers", async () => {
    expect(await askedFromOutside("signals/snapshot")).toEqual(HIDDEN);
  });
});
