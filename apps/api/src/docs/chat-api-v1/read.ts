import { PostEvent } from "@signalbox/protocol/http";
import { operation } from "../operation.ts";
import { room } from "../parameters.ts";
import { noMatrixUser, noMessage } from "../reasons.ts";
import { EVENT } from "../samples.ts";
import { done } from "../success.ts";

export const post = operation({
  id: "sendReceipt",
  tag: "Signals",
  summary: "Mark as read up to a message",
  text: "A message older than the last one marked changes nothing.",
  guard: "limited",
  path: [room],
  body: { schema: PostEvent, examples: { "By its Matrix event id": { event_id: EVENT } } },
  answer: done("Read receipt sent."),
  errors: { ...noMessage, ...noMatrixUser },
});
