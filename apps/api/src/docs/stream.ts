/** The stream of server-sent events: it is no route here, since gateways serve it, and belongs to the surface all the same. */
import { SseEvent } from "@signalbox/protocol/sse";
import * as v from "valibot";
import { givenJson } from "./json-schema.ts";
import { specOf } from "./operation.ts";
import { room } from "./parameters.ts";

export const STREAM_PATH = "/chat/api/v1/conversations/{roomId}/signals";

const TEXT = `Every event of one conversation as it happens, as \`text/event-stream\`. Durable events have an \`id\`, which is their seq; they are consecutive. A reader that comes back with the last one as \`Last-Event-ID\` (or \`last_event_id\`) is sent everything after it, and \`reset\` when that is no longer kept. Without it the stream begins now.

A browser, which cannot set the header of a token, brings a ticket (\`POST /v1/tickets\`).`;

const EXAMPLE = `retry: 2048

id: 7
event: message
data: {"id":"msg-018f3a1c-5b00-7c3e-9d4f-aa6655440099","event_id":"$AY86HFsAfD6dT6pmVUQAmQ:your-sphere.example.com","sender_user_id":"c3d4e5f6-a7b8-9012-cdef-123456789012","message_type":"m.text","preview":"Hello!","sent_at":"2026-02-24T14:35:00.000Z","has_attachment":false,"is_encrypted":false,"thread_metadata":null}

event: typing
data: {"user_id":"d4e5f6a7-b8c9-0123-defa-234567890123","typing":true,"expires_in_ms":4000}

`;

const seq = { type: "string", pattern: "^\\d{1,16}$" } as const;

const spec = specOf({
  id: "streamSignals",
  tag: "Signals",
  summary: "Stream a conversation's signals",
  text: TEXT,
  door: "auth",
  path: [room],
  answer: { schema: v.string(), example: EXAMPLE },
  errors: { invalid: "The last event's id is none.", not_found: "No such conversation." },
});

/** `GET STREAM_PATH`. */
export const stream = {
  ...spec,
  security: [{ token: [] }, { ticket: [] }],
  parameters: [
    ...(spec.parameters ?? []),
    { name: "Last-Event-ID", in: "header", schema: seq, description: "The id of the last event that one has." },
    { name: "last_event_id", in: "query", schema: seq, description: "The same, for whoever cannot set the header." },
  ],
  responses: {
    ...spec.responses,
    200: {
      description: "The stream, until one of both ends it.",
      content: {
        "text/event-stream": {
          schema: { type: "string" },
          example: EXAMPLE,
          // What stands in an event's two lines; OpenAPI 3.1 has no word for the items of a stream.
          "x-item-schema": givenJson(SseEvent),
        },
      },
    },
  },
};
