import { Call, Engagement, Plan, Sidekick } from "@signalbox/protocol/http";
import * as v from "valibot";
import { Sidekick as ActiveSidekick, NoEngagement } from "../../responses/state.ts";
import { type Operation, operation } from "../operation.ts";
import { room, sidekick } from "../parameters.ts";
import { noRoom } from "../reasons.ts";
import { dataOf, done } from "../success.ts";
import { callSample, engagementSample, planSample, sidekickSample } from "./state.ts";

const tag = "Room state";
const path = [room];
const owners = { ...noRoom, forbidden: "The caller is neither an owner nor a `service`." };

/** A section of the room's state: reading, setting and removing it. */
function section(
  name: string,
  words: string,
  schema: v.GenericSchema,
  sample: unknown,
  shown: v.GenericSchema = v.nullable(schema),
) {
  const place = { tag, path, guard: "limited" } as const;
  const Name = `${name[0]?.toUpperCase()}${name.slice(1)}`;
  const body: Operation["body"] = { schema, examples: { [Name]: sample } };
  const text = "For an owner of the room, or a `service`. Up to 64 KiB; further fields are kept.";
  const kept = dataOf(schema, sample);
  return {
    get: operation({
      ...place,
      guard: "auth",
      id: `get${Name}`,
      summary: `Read ${words}`,
      answer: dataOf(shown, sample),
      errors: noRoom,
    }),
    put: operation({ ...place, id: `put${Name}`, summary: `Set ${words}`, text, body, answer: kept, errors: owners }),
    remove: operation({
      ...place,
      id: `remove${Name}`,
      summary: `Remove ${words}`,
      answer: done(`${Name} removed`),
      errors: { ...owners, not_found: `No such room, or it has no ${name}.` },
    }),
  };
}

export const plan = section("plan", "the room's plan", Plan, planSample);
export const call = section("call", "the room's current call", Call, callSample);
export const engagement = section(
  "engagement",
  "the room's engagement",
  Engagement,
  engagementSample,
  v.union([Engagement, NoEngagement]),
);

export const sidekicks = operation({
  id: "listSidekicks",
  tag,
  summary: "List the active sidekicks",
  guard: "auth",
  path,
  answer: dataOf(v.array(ActiveSidekick), [{ ...sidekickSample, id: "planner" }]),
  errors: noRoom,
});

export const putSidekick = operation({
  id: "putSidekick",
  tag,
  summary: "Set a sidekick",
  text: "For an owner of the room, or a `service`. Up to 64 KiB of any fields.",
  guard: "limited",
  path: [room, sidekick],
  body: { schema: Sidekick, examples: { Sidekick: sidekickSample } },
  answer: dataOf(Sidekick, sidekickSample),
  errors: owners,
});

export const removeSidekick = operation({
  id: "removeSidekick",
  tag,
  summary: "Remove a sidekick",
  guard: "limited",
  path: [room, sidekick],
  answer: done("Sidekick removed"),
  errors: { ...owners, invalid: "The path holds no id of a sidekick.", not_found: "No such room or sidekick." },
});
