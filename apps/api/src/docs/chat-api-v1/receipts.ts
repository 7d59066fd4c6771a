import * as v from "valibot";
import { Receipt } from "../../responses/signals.ts";
import { operation } from "../operation.ts";
import { room } from "../parameters.ts";
import { noConversation } from "../reasons.ts";
import { dataOf } from "../success.ts";
import { receiptSample } from "./signals.ts";

export const list = operation({
  id: "listReceipts",
  tag: "Signals",
  summary: "List the receipts of all members",
  text: "A member that has read nothing is not listed.",
  guard: "auth",
  path: [room],
  answer: dataOf(v.array(Receipt), [receiptSample]),
  errors: noConversation,
});
