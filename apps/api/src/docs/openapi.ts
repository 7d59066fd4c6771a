/** `/openapi.json`: what the routes say of themselves, and what all of them have in common. */
import type { Hono } from "hono";
import { type GenerateSpecOptions, generateSpecs } from "hono-openapi";
import { STREAM_PATH, stream } from "./chat-api-v1/signals.ts";
import { PROBLEM_RESPONSES } from "./problems.ts";

export type OpenApi = Awaited<ReturnType<typeof generateSpecs>>;

const INTRODUCTION = `A realtime gateway for chat state. This document holds everything that is one request and one answer, and the stream of server-sent events; the WebSocket is described in \`/asyncapi.json\`, and both can be read at \`/docs\`.

A room, a conversation and a chat are one and the same thing with one UUID; so are a user, a participant and a sender. Whoever is not a member of a room gets 404 for everything about it, exactly as for a room that does not exist.

Bodies are JSON whatever their Content-Type says, up to 256 KiB. Text with U+0000 or a lone surrogate is \`invalid\`. Lengths in bytes are of UTF-8. Times are ISO 8601 in UTC. Ids are taken in every form that is printed anywhere.

Errors are \`application/problem+json\` (RFC 9457) with our \`code\`. Beside those that an endpoint names, any may answer \`internal\` (500), and 405 to a method that its path does not take.`;

const TAGS = {
  Actions: "What people do in rooms.",
  Rooms: "Rooms and who is in them.",
  "Room state": "What a room is at the moment, whole and in parts.",
  "Personal settings": "What one user set for themselves in a room.",
  Presence: "Who is there, and who types.",
  Signals: "The live side of a conversation, as a stream and in single look-ups.",
  "Message projections": "Messages to search, filter and count.",
  Users: "What a trusted back end says about users.",
  Matrix: "What a Matrix homeserver calls on an application service.",
  Operations: "What operators and balancers ask.",
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
  // Its type would let references stand that only routes have.
  paths: { [STREAM_PATH]: { get: stream } } as Paths,
};

/** Of the routes that the app has; those of Matrix are among them when they are served. */
export const openapiOf = (app: Hono): Promise<OpenApi> =>
  generateSpecs(app, { documentation, excludeStaticFile: false, defaultValidationErrorResponse: false });
