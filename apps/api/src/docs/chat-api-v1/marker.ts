import { PostEvent } from "@signalbox/protocol/http";
import { operation } from "../operation.ts";
import { room } from "../parameters.ts";
import { noMessage } from "../reasons.ts";
import { EVENT } from "../samples.ts";
import { done } from "../success.ts";

export const post = operation({
  id: "setMarker",
  tag: "Signals",
  summary: "Set your own read marker",
  text: "No other user sees it, and it may move backwards.",
  guard: "limited",
  path: [room],
  body: { schema: PostEvent, examples: { "By its Matrix event id": { event_id: EVENT } } },
  answer: done("Read marker set."),
  errors: noMessage,
});
