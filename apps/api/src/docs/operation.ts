/** One endpoint's entry in `/openapi.json`, in few words: the parts that all endpoints of a kind share are added here. */
import { PROBLEMS, type ProblemCode } from "@signalbox/protocol/errors";
import { type DescribeRouteOptions, describeRoute } from "hono-openapi";
import type { GenericSchema, ObjectEntries, ObjectSchema } from "valibot";
import { givenSchema, takenJson, takenSchema } from "./json-schema.ts";

type Parameter = NonNullable<DescribeRouteOptions["parameters"]>[number];
type Responses = NonNullable<DescribeRouteOptions["responses"]>;
type Errors = Partial<Record<ProblemCode, string>>;

/** The guard in front of the endpoint; `limited` also counts towards the rate limit. */
type Guard = "open" | "auth" | "limited";

export interface Operation {
  /** The name of the call in generated clients. */
  readonly id: string;
  readonly tag: string;
  readonly summary: string;
  readonly text?: string;
  readonly guard: Guard;
  readonly path?: readonly Parameter[];
  readonly query?: ObjectSchema<ObjectEntries, undefined>;
  readonly queryExamples?: Readonly<Record<string, unknown>>;
  readonly body?: {
    readonly schema: GenericSchema;
    /** By title. */
    readonly examples: Readonly<Record<string, unknown>>;
    /** An empty body is accepted too. */
    readonly optional?: true;
  };
  readonly answer: { readonly schema: GenericSchema; readonly example: unknown; readonly status?: 201 };
  /** The reason for each error, beyond those that every endpoint of its kind has. */
  readonly errors?: Errors;
}

const AUTH: Errors = {
  unauthenticated: "The token is missing or not valid.",
  unavailable: "A backend of the node does not answer.",
};
const GUARDS: Record<Guard, Errors> = {
  open: {},
  auth: AUTH,
  limited: { ...AUTH, rate_limited: "More than `ACTION_RATE` requests a second." },
};

/** Middleware that describes the route at which it stands, and does nothing else. */
export const operation = (described: Operation) => describeRoute(specOf(described));

export function specOf(described: Operation): DescribeRouteOptions {
  const { id, tag, summary, text, guard, body, answer } = described;
  const parameters = [...(described.path ?? []), ...queryOf(described)];
  const { schema, example, status = 200 } = answer;
  return {
    operationId: id,
    tags: [tag],
    summary,
    ...(text === undefined ? {} : { description: text }),
    security: guard === "open" ? [] : [{ token: [] }],
    ...(parameters.length === 0 ? {} : { parameters }),
    ...(body === undefined ? {} : { requestBody: bodyOf(body) }),
    responses: {
      [status]: {
        description: status === 201 ? "Created." : "Success.",
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

function errorsOf({ guard, body, query, errors }: Operation): Responses {
  const all: Errors = {
    ...(body === undefined && query === undefined ? {} : { invalid: "A field is not valid." }),
    ...(body === undefined ? {} : { too_large: "The body is larger than 256 KiB." }),
    ...GUARDS[guard],
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
