import { SseEvent } from "@signalbox/protocol/sse";
import * as v from "valibot";
import { SignalSnapshot } from "../../responses/signals.ts";
import { givenJson } from "../json-schema.ts";
import { CURSOR_PATTERN } from "../names.ts";
import { operation, specOf } from "../operation.ts";
import { room } from "../parameters.ts";
import { noConversation } from "../reasons.ts";
import { ADA, BEN, EVENT, LATER, NOON, ROOM } from "../samples.ts";
import { dataOf } from "../success.ts";

const tag = "Signals";
const path = [room];

export const onlineSample = { user_id: ADA, status: "online", last_active_at: LATER };
export const typistSample = { user_id: BEN, started_at: LATER };
export const receiptSample = { user_id: ADA, last_read_event_id: EVENT, read_at: LATER };

export const snapshot = operation({
  id: "getSignals",
  tag,
  summary: "Read a conversation's signals",
  text: "Presence, typing and receipts of all members at one moment. A stream takes `cursor` as `Last-Event-ID`, to go on from here.",
  guard: "auth",
  path,
  answer: dataOf(SignalSnapshot, {
    conversation_id: ROOM,
    presence: [onlineSample, { user_id: BEN, status: "offline", last_active_at: NOON }],
    typing: [{ ...typistSample, expires_at: "2026-02-24T14:35:04.000Z" }],
    receipts: [receiptSample],
    cursor: "7-4f1d09c2",
  }),
  errors: noConversation,
});

/** The stream of server-sent events: no route of this app, since gateways serve it, but part of the surface. */
export const STREAM_PATH = "/chat/api/v1/conversations/{roomId}/signals";

const TEXT = `Every event of one conversation as it happens, as \`text/event-stream\`. A durable event has its cursor as its \`id\`; the seqs in it are consecutive. A reader that comes back with the last one as \`Last-Event-ID\` (or \`last_event_id\`) gets every later event, or \`reset\` when they are no longer kept, or when the server lost the event of the cursor. Without it the stream begins now.

A browser's \`EventSource\`, which cannot send a token in a header, brings a ticket (\`POST /v1/tickets\`).`;

const EXAMPLE = `retry: 2048

id: 7-4f1d09c2
event: message
data: {"id":"msg-018f3a1c-5b00-7c3e-9d4f-aa6655440099","event_id":"$AY86HFsAfD6dT6pmVUQAmQ:your-sphere.example.com","sender_user_id":"c3d4e5f6-a7b8-9012-cdef-123456789012","message_type":"m.text","preview":"Hello!","sent_at":"2026-02-24T14:35:00.000Z","has_attachment":false,"is_encrypted":false,"thread_metadata":null}

event: typing
data: {"user_id":"d4e5f6a7-b8c9-0123-defa-234567890123","typing":true,"expires_in_ms":4000}

`;

const cursor = { type: "string", pattern: CURSOR_PATTERN } as const;

const spec = specOf({
  id: "streamSignals",
  tag,
  summary: "Stream a conversation's signals",
  text: TEXT,
  guard: "auth",
  path,
  answer: { schema: v.string(), example: EXAMPLE },
  errors: { ...noConversation, invalid: "The last event's id is not a cursor." },
});

/** `GET STREAM_PATH`. */
export const stream = {
  ...spec,
  security: [{ token: [] }, { ticket: [] }],
  parameters: [
    ...(spec.parameters ?? []),
    {
      name: "Last-Event-ID",
      in: "header",
      schema: cursor,
      description: "The id of the last event that the reader has.",
    },
    {
      name: "last_event_id",
      in: "query",
      schema: cursor,
      description: "The same, for readers that cannot set headers.",
    },
  ],
  responses: {
    ...spec.responses,
    200: {
      description: "The stream, until either side ends it.",
      content: {
        "text/event-stream": {
          schema: { type: "string" },
          example: EXAMPLE,
          // The content of an event's two lines: OpenAPI 3.1 has no word for the items of a stream.
          "x-item-schema": givenJson(SseEvent),
        },
      },
    },
  },
};
