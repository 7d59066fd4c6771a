import { PresenceIds, PutPresence } from "@signalbox/protocol/http";
import { Status } from "@signalbox/protocol/presence";
import { describeRoute } from "hono-openapi";
import * as v from "valibot";
import { OwnPresence } from "../../responses/presence.ts";
import { operation, specOf } from "../operation.ts";
import { ADA, BEN, LATER } from "../samples.ts";
import { dataOf } from "../success.ts";

const tag = "Presence";
const statuses = dataOf(v.record(v.string(), Status), { [ADA]: "online", [BEN]: "idle" });
const text =
  "The answer has every id that was asked for. A user that shares no room with you, appears offline or does not exist is `offline`; you alone see your own `appear_offline`.";

/** A list in one word, which no schema of a body is. */
const ids = {
  name: "ids",
  in: "query",
  required: true,
  description: "1 to 1000 user ids, separated by commas.",
  schema: { type: "string", pattern: "^[A-Za-z0-9._~:@!$=+,-]+$", maxLength: 65_536 },
  example: `${ADA},${BEN}`,
} as const;

export const look = describeRoute({
  ...specOf({
    id: "getPresence",
    tag,
    summary: "Look up the presence of users",
    text,
    guard: "auth",
    answer: statuses,
    errors: { invalid: "One of them is no user id, or there are too many." },
  }),
  parameters: [ids],
});

export const query = operation({
  id: "queryPresence",
  tag,
  summary: "Look up the presence of more users than a URL holds",
  text,
  guard: "auth",
  body: { schema: PresenceIds, examples: { "Two users": { ids: [ADA, BEN] } } },
  answer: statuses,
});

export const put = operation({
  id: "setPresence",
  tag,
  summary: "Set your presence",
  text: "The choice outlives your sessions. Without a session you count as present for a minute.",
  guard: "limited",
  body: { schema: PutPresence, examples: { Busy: { status: "busy" } } },
  answer: dataOf(OwnPresence, { user_id: ADA, status: "busy", last_active_at: LATER }),
});
