import { ProjectionsQuery, StatsQuery } from "@signalbox/protocol/http";
import * as v from "valibot";
import { Projection, Statistics } from "../../responses/projections.ts";
import { operation } from "../operation.ts";
import { message } from "../parameters.ts";
import { noConversation } from "../reasons.ts";
import { ADA, EVENT, LATER, MESSAGE, NOON, ROOM } from "../samples.ts";
import { dataOf } from "../success.ts";

const tag = "Message projections";
const sample = {
  id: `msg-${MESSAGE}`,
  matrix_event_id: EVENT,
  conversation_id: ROOM,
  sender_user_id: ADA,
  message_type: "m.file",
  preview: "architecture-diagram.pdf",
  sent_at: LATER,
  has_attachment: true,
  is_encrypted: false,
  file_metadata: {
    filename: "architecture-diagram.pdf",
    mime_type: "application/pdf",
    size: 2_048_576,
    mxc_uri: "mxc://your-sphere.example.com/AbCdEfGhIjKlMnOp",
  },
  thread_metadata: null,
};

export const list = operation({
  id: "listProjections",
  tag,
  summary: "List messages",
  text: "Of all your rooms, or of one, newest first. A message must pass every given filter; `q` searches the previews.",
  guard: "auth",
  query: ProjectionsQuery,
  queryExamples: { message_type: "m.file", limit: 20 },
  answer: {
    schema: v.object({ data: v.array(Projection), next_cursor: v.nullable(v.string()) }),
    example: { data: [sample], next_cursor: null },
  },
  errors: noConversation,
});

export const statistics = operation({
  id: "getStatistics",
  tag,
  summary: "Count a conversation's messages",
  text: "The present state: deleted messages are not counted.",
  guard: "auth",
  query: StatsQuery,
  queryExamples: { conversation_id: ROOM },
  answer: dataOf(Statistics, {
    conversation_id: ROOM,
    total_messages: 1247,
    by_type: { "m.text": 1050, "m.image": 89, "m.file": 72, "m.audio": 24, "m.video": 12 },
    attachments_count: 197,
    encrypted_count: 0,
    threads_count: 45,
    period: { first_message_at: NOON, last_message_at: LATER },
  }),
  errors: noConversation,
});

export const one = operation({
  id: "getProjection",
  tag,
  summary: "Read one message",
  guard: "auth",
  path: [message],
  answer: dataOf(Projection, sample),
  errors: { not_found: "No such message." },
});
