import { PutTyping } from "@signalbox/protocol/http";
import { Typing } from "../../responses/presence.ts";
import { operation } from "../operation.ts";
import { noMatrixUser, noRoom } from "../reasons.ts";
import { ROOM } from "../samples.ts";
import { dataOf } from "../success.ts";

export const put = operation({
  id: "setTyping",
  tag: "Presence",
  summary: "Start or stop typing in a room",
  text: "Typing ends by itself after four seconds without a repeat.",
  guard: "limited",
  body: { schema: PutTyping, examples: { Typing: { room_id: ROOM, typing: true } } },
  answer: dataOf(Typing, { room_id: ROOM, typing: true, expires_at: "2026-02-24T14:35:04.000Z" }),
  errors: { ...noRoom, ...noMatrixUser },
});
