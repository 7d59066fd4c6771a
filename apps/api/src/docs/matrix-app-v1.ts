import { matrixUserId } from "@signalbox/protocol/ids";
import { type DescribeRouteOptions, describeRoute } from "hono-openapi";
import * as v from "valibot";
import { givenSchema, takenJson, takenSchema } from "./json-schema.ts";
import { parameter } from "./parameters.ts";

/** What an application service's transaction has to be; what its events are is looked at one by one. */
const Transaction = v.object({ events: v.array(v.unknown()) });
const transactionSample = {
  events: [
    {
      type: "m.room.message",
      event_id: "$26RqwJMLw-yds1GAH_QxjHRC1Da9oasK0e5VLnck_45",
      room_id: "!deployment:your-sphere.example.com",
      sender: "@ada:your-sphere.example.com",
      origin_server_ts: 1_771_943_700_000,
      content: { msgtype: "m.text", body: "The deployment is ready for review." },
    },
  ],
};

const transaction = parameter("txnId", { type: "string" }, "42", "Says nothing: events are known by their own ids.");
const user = parameter("userId", takenJson(matrixUserId), "@ada:your-sphere.example.com", "A user of Matrix.");
// Whatever is asked for is not there: it need not even be an alias.
const alias = parameter("alias", { type: "string" }, "#deployment:your-sphere.example.com", "An alias in Matrix.");

interface Call {
  readonly id: string;
  readonly summary: string;
  readonly text?: string;
  readonly parameters?: DescribeRouteOptions["parameters"];
  readonly body?: DescribeRouteOptions["requestBody"];
  /** Whether it ever succeeds. */
  readonly succeeds?: false;
  /** By status, beside those of the token. */
  readonly refusals?: Readonly<Record<number, readonly [errcode: string, when: string, ...others: string[]]>>;
}

/** Describes a route as this surface has it under a prefix: the one without is the older of the two. */
const call = (described: Call) => (prefix: string) => {
  const { id, summary, text, parameters, body, succeeds = true, refusals } = described;
  const all: Call["refusals"] & object = {
    401: ["M_MISSING_TOKEN", "No token."],
    403: ["M_FORBIDDEN", "Not the homeserver's token."],
    ...refusals,
  };
  return describeRoute({
    operationId: prefix === "" ? `${id}Legacy` : id,
    tags: ["Matrix"],
    summary,
    ...(text === undefined ? {} : { description: text }),
    ...(prefix === "" ? { deprecated: true } : {}),
    security: [{ homeserver: [] }, { homeserverInQuery: [] }],
    ...(parameters === undefined ? {} : { parameters }),
    ...(body === undefined ? {} : { requestBody: body }),
    responses: {
      ...(succeeds ? { 200: { description: "Done.", content: json(v.object({}), {}) } } : {}),
      ...Object.fromEntries(Object.entries(all).map(([status, each]) => [status, refusal(...each)])),
    },
  });
};

const json = (schema: v.GenericSchema, example: object) => ({
  "application/json": { schema: givenSchema(schema), example },
});

const refusal = (errcode: string, when: string, ...others: string[]) => ({
  description: when,
  content: json(v.object({ errcode: v.picklist([errcode, ...others]), error: v.string() }), { errcode, error: when }),
});

export const push = call({
  id: "pushTransaction",
  summary: "Take what happened in Matrix",
  text: "Up to 16 MiB. A transaction that came before changes nothing.",
  parameters: [transaction],
  body: {
    required: true,
    content: {
      "application/json": { schema: takenSchema(Transaction), examples: { "A message": { value: transactionSample } } },
    },
  },
  refusals: {
    400: ["M_BAD_JSON", "No transaction.", "M_NOT_JSON"],
    413: ["M_TOO_LARGE", "More than 16 MiB."],
    503: ["M_UNKNOWN", "To be sent again."],
  },
});

const notFound = (when: string) => ({ 404: ["M_NOT_FOUND", when] }) as const;

export const hasUser = call({
  id: "hasMatrixUser",
  summary: "Tell whether a user of Matrix is one of ours",
  parameters: [user],
  refusals: { ...notFound("No."), 503: ["M_UNKNOWN", "The store is away."] },
});

export const hasRoom = call({
  id: "hasMatrixRoom",
  summary: "Tell whether an alias is a room of ours",
  text: "Never: rooms are made in Matrix.",
  parameters: [alias],
  succeeds: false,
  refusals: notFound("No."),
});

export const ping = call({ id: "pingFromMatrix", summary: "Say that the homeserver reaches us" })("/_matrix/app/v1");
