import { randomUUID } from "node:crypto";
import { Problem, problemBody } from "@signalbox/protocol/errors";
import type { Log } from "../log.ts";
import type { Answer } from "./answer.ts";

/** An `application/problem+json` answer. CONTRACT section 1, "Errors". */
export interface ProblemAnswer extends Answer {
  readonly body: string;
}

/** Prints a problem. `status` and `headers` are for answers without a code of their own, as a refused method. */
export function problemAnswer(
  problem: Problem,
  more: { readonly status?: number; readonly headers?: Readonly<Record<string, string>> } = {},
): ProblemAnswer {
  const { code, retryAfterMs } = problem;
  const body = problemBody(problem, more.status);
  const headers: Record<string, string> = {
    "Content-Type": "application/problem+json; charset=utf-8",
    ...more.headers,
  };
  if (code === "unauthenticated") headers["WWW-Authenticate"] = "Bearer";
  if (retryAfterMs !== undefined) headers["Retry-After"] = String(Math.max(1, Math.ceil(retryAfterMs / 1000)));
  return { status: body.status, headers, body: JSON.stringify(body) };
}

/** The refusal of a method that a known path does not take: 405, with `Allow`. */
export const methodProblem = (allowed: readonly string[]): ProblemAnswer =>
  problemAnswer(new Problem("invalid", "this path does not take this method"), {
    status: 405,
    headers: { Allow: allowed.join(", ") },
  });

/**
 * The problem that a client is told of `error`. An unexpected error becomes `internal`, with an id that leads to its line in
 * the log and no other word: `message` and `context` stand in that line.
 */
export function reportedProblem(error: unknown, log: Log, message: string, context: object = {}): Problem {
  if (error instanceof Problem && error.code !== "internal") return error;
  const errorId = randomUUID();
  log.error({ ...context, err: error, errorId }, message);
  return new Problem("internal", `error ${errorId}`);
}
