/** `/openapi.json`: the descriptions of the routes, and the parts common to all. */
import type { Hono } from "hono";
import { type GenerateSpecOptions, generateSpecs } from "hono-openapi";
import { STREAM_PATH, stream } from "./chat-api-v1/signals.ts";
import { PROBLEM_RESPONSES } from "./problems.ts";

export type OpenApi = Awaited<ReturnType<typeof generateSpecs>>;

const INTRODUCTION = `A realtime gateway for chat state. This document holds every endpoint with one request and one answer, and the stream of server-sent events; the WebSocket is described in \`/asyncapi.json\`, and both can be read at \`/docs\`.

A room, a conversation and a chat are the same thing with one UUID; so are a user, a participant and a sender. A user outside a room gets 404 for everything about it, exactly as for a room that does not exist.

Bodies are read as JSON under any Content-Type, up to 256 KiB. Text with U+0000 or a lone surrogate is \`invalid\`. Lengths in bytes are of UTF-8. Times are ISO 8601 in UTC. Every form of an id that is printed anywhere is accepted.

Errors are \`application/problem+json\` (RFC 9457) with our \`code\`. Besides the errors that an endpoint names, any may answer \`internal\` (500), and 405 to a method that its path does not take.`;

const TAGS = {
  Actions: "Messages, reactions, receipts and typing in rooms.",
  Rooms: "Rooms and their members.",
  "Room state": "A room at this moment, whole and in sections.",
  "Personal settings": "Settings of one user in a room.",
  Presence: "Presence of users, and typing.",
  Signals: "The live side of a conversation, as a stream and in single requests.",
  "Message projections": "Messages to search, filter and count.",
  Users: "Users, for a trusted back end.",
  Matrix: "The application service that a Matrix homeserver calls.",
  Operations: "Health, metrics and documents, for operators and load balancers.",
};

type Paths = NonNullable<GenerateSpecOptions["documentation"]["paths"]>;

const bearer = (description: string) => ({ type: "http", scheme: "bearer", description }) as const;
const inQuery = (name: string, description: string) => ({ type: "apiKey", in: "query", name, description }) as const;

const documentation: GenerateSpecOptions["documentation"] = {
  info: { title: "Signalbox", version: "1", description: INTRODUCTION },
  servers: [{ url: "/" }],
  tags: Object.entries(TAGS).map(([name, description]) => ({ name, description })),
  components: {
    responses: PROBLEM_RESPONSES,
    securitySchemes: {
      token: { ...bearer("A JWT: `sub` is the user id; `roles` may hold `service`."), bearerFormat: "JWT" },
      ticket: inQuery("ticket", "From `POST /v1/tickets`."),
      homeserver: bearer("`MATRIX_HS_TOKEN`."),
      homeserverInQuery: inQuery("access_token", "The same, from older homeservers."),
    },
  },
  // The type of a path allows no references to responses, which routes have.
  paths: { [STREAM_PATH]: { get: stream } } as Paths,
};

/** The document of the app's routes; those of Matrix are in it when they are served. */
export const openapiOf = (app: Hono): Promise<OpenApi> =>
  generateSpecs(app, { documentation, excludeStaticFile: false, defaultValidationErrorResponse: false });
