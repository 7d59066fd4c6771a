import { PutMute } from "@signalbox/protocol/http";
import { Mute } from "../../responses/state.ts";
import { operation } from "../operation.ts";
import { room } from "../parameters.ts";
import { noRoom } from "../reasons.ts";
import { dataOf } from "../success.ts";

export const put = operation({
  id: "muteRoom",
  tag: "Personal settings",
  summary: "Mute a room for yourself",
  text: "The mute ends at `until`; `null` ends it now.",
  guard: "limited",
  path: [room],
  body: {
    schema: PutMute,
    examples: { "Until noon": { until: "2040-01-01T12:00:00Z" }, "No longer": { until: null } },
  },
  answer: dataOf(Mute, { muted_until: "2040-01-01T12:00:00.000Z" }),
  errors: noRoom,
});
