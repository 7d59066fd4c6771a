import { PostTyping } from "@signalbox/protocol/http";
import * as v from "valibot";
import { Typist } from "../../responses/signals.ts";
import { operation } from "../operation.ts";
import { room } from "../parameters.ts";
import { noConversation, noMatrixUser } from "../reasons.ts";
import { dataOf, done } from "../success.ts";
import { typistSample } from "./signals.ts";

const tag = "Signals";
const path = [room];

export const post = operation({
  id: "sendTyping",
  tag,
  summary: "Start or stop typing",
  text: "Typing ends by itself after four seconds without a repeat.",
  guard: "limited",
  path,
  body: { schema: PostTyping, examples: { Start: { typing: true }, Stop: { typing: false } } },
  answer: done("Typing indicator sent."),
  errors: { ...noConversation, ...noMatrixUser },
});

export const list = operation({
  id: "listTyping",
  tag,
  summary: "List the typing users",
  guard: "auth",
  path,
  answer: dataOf(v.array(Typist), [typistSample]),
  errors: noConversation,
});
