import * as v from "valibot";
import { type FieldError, Problem } from "./errors.ts";

/** Parses untrusted input by `schema`. Throws `invalid` with one error per wrong field. */
export function parse<const S extends v.GenericSchema>(schema: S, input: unknown): v.InferOutput<S> {
  const result = v.safeParse(schema, input, { abortPipeEarly: true });
  if (result.success) return result.output;
  const errors = result.issues.map(
    (issue): FieldError => ({ path: v.getDotPath(issue) ?? "", message: expectation(issue) }),
  );
  const first = errors[0];
  throw new Problem("invalid", first === undefined ? "not valid" : `${first.path || "the body"}: ${first.message}`, {
    errors,
  });
}

/** The expectation that an input failed, without the input: it may be a secret or the text of a user. */
const expectation = (issue: v.BaseIssue<unknown>): string =>
  issue.kind === "schema" ? `expected ${issue.expected ?? "something else"}` : issue.message;

/** Parses JSON text. Throws `invalid`. */
export function parseJson(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    throw new Problem("invalid", "the body is not JSON");
  }
}
