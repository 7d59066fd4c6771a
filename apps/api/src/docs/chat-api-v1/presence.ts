import { PutSignalPresence } from "@signalbox/protocol/http";
import { WordPresence } from "../../responses/signals.ts";
import { operation } from "../operation.ts";
import { user } from "../parameters.ts";
import { noUserId } from "../reasons.ts";
import { dataOf } from "../success.ts";
import { onlineSample } from "./signals.ts";

const tag = "Signals";

export const put = operation({
  id: "setStatus",
  tag,
  summary: "Set your presence, in the three words of this surface",
  text: "`unavailable` sets idle, and `offline` appears offline.",
  guard: "limited",
  body: { schema: PutSignalPresence, examples: { Online: { status: "online" } } },
  answer: dataOf(WordPresence, onlineSample),
});

export const look = operation({
  id: "getStatus",
  tag,
  summary: "Look up a user's presence",
  text: "A user that shares no room with you, or does not exist, reads as offline.",
  guard: "auth",
  path: [user],
  answer: dataOf(WordPresence, onlineSample),
  errors: noUserId,
});
