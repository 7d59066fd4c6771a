import { PutSnooze } from "@signalbox/protocol/http";
import { Snooze } from "../../responses/state.ts";
import { operation } from "../operation.ts";
import { event, room } from "../parameters.ts";
import { noMessage } from "../reasons.ts";
import { MESSAGE } from "../samples.ts";
import { dataOf, done } from "../success.ts";

const tag = "Personal settings";
const path = [room, event];

export const put = operation({
  id: "snoozeMessage",
  tag,
  summary: "Snooze a message for yourself",
  guard: "limited",
  path,
  body: { schema: PutSnooze, examples: { "Until noon": { until: "2040-01-01T12:00:00Z" } } },
  answer: dataOf(Snooze, { event_id: `evt-${MESSAGE}`, until: "2040-01-01T12:00:00.000Z" }),
  errors: noMessage,
});

export const remove = operation({
  id: "endSnooze",
  tag,
  summary: "End a snooze",
  guard: "limited",
  path,
  answer: done("Snooze ended"),
  errors: noMessage,
});
