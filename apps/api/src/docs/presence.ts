import { PresenceIds, PutPresence, PutTyping } from "@signalbox/protocol/http";
import { Status } from "@signalbox/protocol/presence";
import { describeRoute } from "hono-openapi";
import * as v from "valibot";
import { OwnPresence, Typing } from "./answers.ts";
import { operation, specOf } from "./operation.ts";
import { ADA, BEN, LATER, ROOM } from "./samples.ts";
import { dataOf } from "./success.ts";

const tag = "Presence";
const statuses = dataOf(v.record(v.string(), Status), { [ADA]: "online", [BEN]: "idle" });
const text =
  "Every asked id is in the answer. Whoever shares no room with you, appears offline or does not exist is `offline`; only you see your own `appear_offline`.";

/** A list in one word, as no schema of a body is. */
const ids = {
  name: "ids",
  in: "query",
  required: true,
  description: "1 to 1000 user ids, by commas.",
  schema: { type: "string", pattern: "^[A-Za-z0-9._~:@!$=+,-]+$", maxLength: 65_536 },
  example: `${ADA},${BEN}`,
} as const;

export const look = describeRoute({
  ...specOf({
    id: "getPresence",
    tag,
    summary: "See who is there",
    text,
    door: "auth",
    answer: statuses,
    errors: { invalid: "No user id among them, or too many." },
  }),
  parameters: [ids],
});

export const query = operation({
  id: "queryPresence",
  tag,
  summary: "See who is there, of more people than a URL holds",
  text,
  door: "auth",
  body: { schema: PresenceIds, examples: { "Two people": { ids: [ADA, BEN] } } },
  answer: statuses,
});

export const put = operation({
  id: "setPresence",
  tag,
  summary: "Set your presence",
  text: "It outlives your sessions. Without a session you are there for a minute.",
  door: "limited",
  body: { schema: PutPresence, examples: { Busy: { status: "busy" } } },
  answer: dataOf(OwnPresence, { user_id: ADA, status: "busy", last_active_at: LATER }),
});

export const typing = operation({
  id: "setTyping",
  tag,
  summary: "Say that you type in a room",
  text: "Ends by itself after four seconds without a repeat.",
  door: "limited",
  body: { schema: PutTyping, examples: { Typing: { room_id: ROOM, typing: true } } },
  answer: dataOf(Typing, { room_id: ROOM, typing: true, expires_at: "2026-02-24T14:35:04.000Z" }),
  errors: { forbidden: "The room is Matrix's, and one is nobody there.", not_found: "No such room." },
});
