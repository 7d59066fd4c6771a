import { Call, Engagement, Plan, PutMute, PutSnooze, Sidekick } from "@signalbox/protocol/http";
import * as v from "valibot";
import * as answers from "./answers.ts";
import { type Operation, operation } from "./operation.ts";
import { event, room, sidekick } from "./parameters.ts";
import { ADA, BEN, LATER, MESSAGE, NOON, sampleRoom } from "./samples.ts";
import { dataOf, done } from "./success.ts";

const tag = "Room state";
const path = [room];
const noRoom = { not_found: "No such room." };
const owners = { ...noRoom, forbidden: "Neither its owner nor a `service`." };

const memberSample = {
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
const engagementSample = { mode: "auto", overrides: { [BEN]: "off" } };
const planSample = { title: "Release", steps: [{ id: "s1", title: "Review", status: "open" }] };
const callSample = { call_id: "c1", started_at: "2026-02-24T14:30:00Z", participants: [ADA, BEN] };
const sidekickSample = { name: "Planner", status: "thinking" };

export const state = operation({
  id: "getRoomState",
  tag,
  summary: "Read everything that a room is at the moment",
  text: "One consistent read. A resume from `cursor` gives exactly what came after.",
  door: "auth",
  path,
  answer: dataOf(answers.RoomState, {
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
    cursor: 7,
  }),
  errors: noRoom,
});

export const members = operation({
  id: "listMembers",
  tag,
  summary: "List a room's members, with what they do there",
  door: "auth",
  path,
  answer: dataOf(v.array(answers.StateMember), [memberSample]),
  errors: noRoom,
});

export const one = operation({
  id: "getRoom",
  tag: "Rooms",
  summary: "Read a room",
  door: "auth",
  path,
  answer: dataOf(answers.Room, sampleRoom),
  errors: noRoom,
});

/** A part of the room's state: how it is read, written and taken away. */
function part(
  name: string,
  words: string,
  schema: v.GenericSchema,
  sample: unknown,
  shown: v.GenericSchema = v.nullable(schema),
) {
  const place = { tag, path, door: "limited" } as const;
  const Name = `${name[0]?.toUpperCase()}${name.slice(1)}`;
  const body: Operation["body"] = { schema, examples: { [Name]: sample } };
  const text = "For the room's owner, or a `service`. Up to 64 KiB; fields of your own are kept.";
  const kept = dataOf(schema, sample);
  return {
    get: operation({
      ...place,
      door: "auth",
      id: `get${Name}`,
      summary: `Read ${words}`,
      answer: dataOf(shown, sample),
      errors: noRoom,
    }),
    put: operation({ ...place, id: `put${Name}`, summary: `Set ${words}`, text, body, answer: kept, errors: owners }),
    remove: operation({
      ...place,
      id: `remove${Name}`,
      summary: `Take away ${words}`,
      answer: done(`${Name} removed`),
      errors: { ...owners, not_found: "No such room, or there is none." },
    }),
  };
}

export const plan = part("plan", "the room's plan", Plan, planSample);
export const call = part("call", "the call that goes on in the room", Call, callSample);
export const engagement = part(
  "engagement",
  "how the room is engaged",
  Engagement,
  engagementSample,
  // Never null: before anybody set a mode there is none.
  v.union([Engagement, answers.NoEngagement]),
);

export const sidekicks = operation({
  id: "listSidekicks",
  tag,
  summary: "List the sidekicks that are active",
  door: "auth",
  path,
  answer: dataOf(v.array(answers.Sidekick), [{ ...sidekickSample, id: "planner" }]),
  errors: noRoom,
});

export const putSidekick = operation({
  id: "putSidekick",
  tag,
  summary: "Set a sidekick",
  text: "For the room's owner, or a `service`. Up to 64 KiB of fields of your own.",
  door: "limited",
  path: [room, sidekick],
  body: { schema: Sidekick, examples: { Sidekick: sidekickSample } },
  answer: dataOf(Sidekick, sidekickSample),
  errors: owners,
});

export const removeSidekick = operation({
  id: "removeSidekick",
  tag,
  summary: "Take a sidekick away",
  door: "limited",
  path: [room, sidekick],
  answer: done("Sidekick removed"),
  errors: { ...owners, invalid: "No id of a sidekick.", not_found: "No such room or sidekick." },
});

export const mute = operation({
  id: "muteRoom",
  tag: "Personal settings",
  summary: "Mute a room for yourself",
  text: "`null` ends it; so does the time.",
  door: "limited",
  path,
  body: {
    schema: PutMute,
    examples: { "Until noon": { until: "2040-01-01T12:00:00Z" }, "Not any more": { until: null } },
  },
  answer: dataOf(answers.Mute, { muted_until: "2040-01-01T12:00:00.000Z" }),
  errors: noRoom,
});

const noMessage = { not_found: "No such room, or no such message in it." };

export const snooze = operation({
  id: "snoozeMessage",
  tag: "Personal settings",
  summary: "Put a message off for yourself",
  door: "limited",
  path: [room, event],
  body: { schema: PutSnooze, examples: { "Until noon": { until: "2040-01-01T12:00:00Z" } } },
  answer: dataOf(answers.Snooze, { event_id: `evt-${MESSAGE}`, until: "2040-01-01T12:00:00.000Z" }),
  errors: noMessage,
});

export const endSnooze = operation({
  id: "endSnooze",
  tag: "Personal settings",
  summary: "Do not put it off any longer",
  door: "limited",
  path: [room, event],
  answer: done("Snooze ended"),
  errors: noMessage,
});
