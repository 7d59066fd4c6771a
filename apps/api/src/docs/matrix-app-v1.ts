import { matrixUserId } from "@signalbox/protocol/ids";
import { type DescribeRouteOptions, describeRoute } from "hono-openapi";
import * as v from "valibot";
import { givenSchema, takenJson, takenSchema } from "./json-schema.ts";
import { parameter } from "./parameters.ts";

/** The least form of a transaction; its events are validated one by one. */
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

const transaction = parameter("txnId", { type: "string" }, "42", "Ignored: events are known by their own ids.");
const user = parameter("userId", takenJson(matrixUserId), "@ada:your-sphere.example.com", "A user of Matrix.");
// No alias exists here: any text is accepted.
const alias = parameter("alias", { type: "string" }, "#deployment:your-sphere.example.com", "An alias in Matrix.");

interface Call {
  readonly id: string;
  readonly summary: string;
  readonly text?: string;
  readonly parameters?: DescribeRouteOptions["parameters"];
  readonly body?: DescribeRouteOptions["requestBody"];
  /** Set for a call that never succeeds. */
  readonly succeeds?: false;
  /** By status, beside those of the token. */
  readonly refusals?: Readonly<Record<number, readonly [errcode: string, when: string, ...others: string[]]>>;
}

/** Describes a route under a prefix; the empty prefix is the older one. */
const call = (described: Call) => (prefix: string) => {
  const { id, summary, text, parameters, body, succeeds = true, refusals } = described;
  const all: Call["refusals"] & object = {
    401: ["M_MISSING_TOKEN", "The token is missing."],
    403: ["M_FORBIDDEN", "The token is not the homeserver's."],
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
      ...(succeeds ? { 200: { description: "Success.", content: json(v.object({}), {}) } } : {}),
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
  summary: "Push events from Matrix",
  text: "Up to 16 MiB. A repeated transaction changes nothing.",
  parameters: [transaction],
  body: {
    required: true,
    content: {
      "application/json": { schema: takenSchema(Transaction), examples: { "A message": { value: transactionSample } } },
    },
  },
  refusals: {
    400: ["M_BAD_JSON", "The body is no transaction.", "M_NOT_JSON"],
    413: ["M_TOO_LARGE", "The body is larger than 16 MiB."],
    503: ["M_UNKNOWN", "The store does not answer: send it again."],
  },
});

const notFound = (when: string) => ({ 404: ["M_NOT_FOUND", when] }) as const;

export const hasUser = call({
  id: "hasMatrixUser",
  summary: "Check that a Matrix user exists",
  parameters: [user],
  refusals: { ...notFound("No such user."), 503: ["M_UNKNOWN", "The store does not answer."] },
});

export const hasRoom = call({
  id: "hasMatrixRoom",
  summary: "Check that an alias exists",
  text: "None does: rooms are created in Matrix.",
  parameters: [alias],
  succeeds: false,
  refusals: notFound("No such alias."),
});

export const ping = call({ id: "pingFromMatrix", summary: "Check that the homeserver reaches the node" })(
  "/_matrix/app/v1",
);
