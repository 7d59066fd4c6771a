/** One endpoint's entry in `/openapi.json`, in few words: what all endpoints of a kind have in common is said here. */
import { PROBLEMS, type ProblemCode } from "@signalbox/protocol/errors";
import { type DescribeRouteOptions, describeRoute } from "hono-openapi";
import type { GenericSchema, ObjectEntries, ObjectSchema } from "valibot";
import { givenSchema, takenJson, takenSchema } from "./json-schema.ts";

type Parameter = NonNullable<DescribeRouteOptions["parameters"]>[number];
type Responses = NonNullable<DescribeRouteOptions["responses"]>;
type Errors = Partial<Record<ProblemCode, string>>;

/** What stands in front of the endpoint; `limited` also counts towards the rate limit. */
type Door = "open" | "auth" | "limited";

export interface Operation {
  /** What generated clients call it. */
  readonly id: string;
  readonly tag: string;
  readonly summary: string;
  readonly text?: string;
  readonly door: Door;
  readonly path?: readonly Parameter[];
  readonly query?: ObjectSchema<ObjectEntries, undefined>;
  readonly queryExamples?: Readonly<Record<string, unknown>>;
  readonly body?: {
    readonly schema: GenericSchema;
    /** By what each shows. */
    readonly examples: Readonly<Record<string, unknown>>;
    /** An empty body does too. */
    readonly optional?: true;
  };
  readonly answer: { readonly schema: GenericSchema; readonly example: unknown; readonly status?: 201 };
  /** When each is given, beyond what every endpoint of its kind gives. */
  readonly errors?: Errors;
}

const DOORS: Record<Door, Errors> = {
  open: {},
  auth: { unauthenticated: "No token, or one that does not hold.", unavailable: "A part of it is away." },
  limited: {
    unauthenticated: "No token, or one that does not hold.",
    rate_limited: "More than `ACTION_RATE` a second.",
    unavailable: "A part of it is away.",
  },
};

/** Middleware that only describes the route that it stands at. */
export const operation = (described: Operation) => describeRoute(specOf(described));

export function specOf(described: Operation): DescribeRouteOptions {
  const { id, tag, summary, text, door, body, answer } = described;
  const parameters = [...(described.path ?? []), ...queryOf(described)];
  const { schema, example, status = 200 } = answer;
  return {
    operationId: id,
    tags: [tag],
    summary,
    ...(text === undefined ? {} : { description: text }),
    security: door === "open" ? [] : [{ token: [] }],
    ...(parameters.length === 0 ? {} : { parameters }),
    ...(body === undefined ? {} : { requestBody: bodyOf(body) }),
    responses: {
      [status]: {
        description: status === 201 ? "Made." : "Done.",
        content: { "application/json": { schema: givenSchema(schema), example } },
      },
      ...errorsOf(described),
    },
  };
}

function queryOf({ query, queryExamples = {} }: Operation): Parameter[] {
  return Object.entries(query?.entries ?? {}).map(([name, schema]) => {
    const { description, ...json } = takenJson(schema as GenericSchema);
    const example = queryExamples[name];
    return {
      name,
      in: "query",
      required: (schema as GenericSchema).type !== "optional",
      ...(description === undefined ? {} : { description: `${description}.` }),
      schema: json,
      ...(example === undefined ? {} : { example }),
    } as Parameter;
  });
}

const bodyOf = ({ schema, examples, optional }: NonNullable<Operation["body"]>) => ({
  required: optional !== true,
  content: {
    "application/json": {
      schema: takenSchema(schema),
      examples: Object.fromEntries(Object.entries(examples).map(([name, value]) => [name, { value }])),
    },
  },
});

function errorsOf({ door, body, query, errors }: Operation): Responses {
  const all: Errors = {
    ...(body === undefined && query === undefined ? {} : { invalid: "A field is not as it has to be." }),
    ...(body === undefined ? {} : { too_large: "More than 256 KiB." }),
    ...DOORS[door],
    ...errors,
  };
  const codes = (Object.keys(all) as ProblemCode[]).sort((a, b) => PROBLEMS[a].status - PROBLEMS[b].status);
  return Object.fromEntries(
    codes.map((code) => [
      PROBLEMS[code].status,
      { $ref: `#/components/responses/${code}`, description: all[code] ?? PROBLEMS[code].title },
    ]),
  );
}
