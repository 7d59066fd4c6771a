import { RoomState } from "../../responses/state.ts";
import { operation } from "../operation.ts";
import { room } from "../parameters.ts";
import { noRoom } from "../reasons.ts";
import { ADA, BEN, LATER, MESSAGE, NOON, sampleRoom } from "../samples.ts";
import { dataOf } from "../success.ts";

export const memberSample = {
  user_id: BEN,
  name: "Ben",
  role: "member",
  joined_at: NOON,
  status: "online",
  last_active_at: LATER,
  last_read_event_id: `evt-${MESSAGE}`,
  read_at: LATER,
  typing: false,
};
export const engagementSample = { mode: "auto", overrides: { [BEN]: "off" } };
export const planSample = { title: "Release", steps: [{ id: "s1", title: "Review", status: "open" }] };
export const callSample = { call_id: "c1", started_at: "2026-02-24T14:30:00Z", participants: [ADA, BEN] };
export const sidekickSample = { name: "Planner", status: "thinking" };

export const state = operation({
  id: "getRoomState",
  tag: "Room state",
  summary: "Read everything about a room at this moment",
  text: "One consistent read. A resume from `cursor` gives exactly the events after it.",
  guard: "auth",
  path: [room],
  answer: dataOf(RoomState, {
    room: sampleRoom,
    members: [memberSample],
    engagement: engagementSample,
    plan: planSample,
    active_sidekicks: [{ ...sidekickSample, id: "planner" }],
    active_call: null,
    unread_count: 7,
    mention_count: 1,
    last_read_event_id: `evt-${MESSAGE}`,
    muted_until: null,
    snoozed_event_ids: [],
    cursor: "7-4f1d09c2",
  }),
  errors: noRoom,
});
