/** The errors of all endpoints: one response per code, to which endpoints refer. */
import { PROBLEMS, Problem, type ProblemCode, problemBody } from "@signalbox/protocol/errors";
import * as v from "valibot";
import { givenSchema } from "./json-schema.ts";

const DETAILS: Record<ProblemCode, string> = {
  invalid: "name: expected string",
  unauthenticated: "the token is not valid",
  forbidden: "only an owner may delete the room",
  not_found: "no such room",
  conflict: "the message is deleted",
  too_large: "a body holds at most 262144 bytes",
  rate_limited: "too many actions",
  internal: "error 0b8c5a3e-6f0d-4f0e-9a53-0c3d1c0f2b7a",
  unavailable: "the store does not answer at the moment",
};

const header = (description: string, schema: { type: "string" | "integer" }) => ({ description, schema });
const HEADERS: Partial<Record<ProblemCode, Record<string, ReturnType<typeof header>>>> = {
  unauthenticated: { "WWW-Authenticate": header("`Bearer`.", { type: "string" }) },
  rate_limited: { "Retry-After": header("Seconds.", { type: "integer" }) },
  unavailable: { "Retry-After": header("Seconds, when it is known.", { type: "integer" }) },
};

const codes = Object.keys(PROBLEMS) as ProblemCode[];

/** A response per code, by its code. */
export const PROBLEM_RESPONSES = Object.fromEntries(
  codes.map((code) => {
    const { title } = PROBLEMS[code];
    const headers = HEADERS[code];
    const content = { schema: givenSchema(schemaOf(code)), example: exampleOf(code) };
    return [
      code,
      { description: `${title}.`, ...(headers ? { headers } : {}), content: { "application/problem+json": content } },
    ];
  }),
);

/** RFC 9457, with our `code`, and no field beside those. */
function schemaOf(code: ProblemCode) {
  const { status, title } = PROBLEMS[code];
  const more: v.ObjectEntries = {
    ...(code === "invalid" ? { errors: v.optional(v.array(v.object({ path: v.string(), message: v.string() }))) } : {}),
    ...(code === "rate_limited" || code === "unavailable" ? { retryAfterMs: v.optional(v.number()) } : {}),
  };
  return v.object({
    type: v.literal(`urn:signalbox:problem:${code}`),
    title: v.literal(title),
    status: v.literal(status),
    detail: v.string(),
    code: v.literal(code),
    ...more,
  });
}

function exampleOf(code: ProblemCode): object {
  const errors = code === "invalid" ? { errors: [{ path: "name", message: "expected string" }] } : {};
  const wait = code === "rate_limited" ? { retryAfterMs: 20 } : {};
  const body = problemBody(new Problem(code, DETAILS[code], { ...errors, ...wait }));
  return Object.fromEntries(Object.entries(body).filter(([, value]) => value !== undefined));
}
