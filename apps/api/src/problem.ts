/** Every error of this surface, as RFC 9457 prints it. CONTRACT section 1, "Errors". */
import { randomUUID } from "node:crypto";
import type { Log } from "@signalbox/node/log";
import { Problem, problemBody } from "@signalbox/protocol/errors";
import type { ErrorHandler, NotFoundHandler } from "hono";

/** A problem as a response. `status` and `headers` are for what has no code of its own. */
export function problemResponse(
  problem: Problem,
  more: { readonly status?: number; readonly headers?: Record<string, string> } = {},
): Response {
  const { code, retryAfterMs } = problem;
  const body = problemBody(problem, more.status);
  const headers: Record<string, string> = {
    "Content-Type": "application/problem+json; charset=utf-8",
    ...more.headers,
  };
  if (code === "unauthenticated") headers["WWW-Authenticate"] = "Bearer";
  if (retryAfterMs !== undefined) headers["Retry-After"] = String(Math.max(1, Math.ceil(retryAfterMs / 1000)));
  return new Response(JSON.stringify(body), { status: body.status, headers });
}

/** Prints problems; anything else is `internal`, under an id that leads to its log line and says nothing else. */
export function answerErrors(log: Log): ErrorHandler {
  return (err, c) => {
    if (err instanceof Problem && err.code !== "internal") return problemResponse(err);
    const errorId = randomUUID();
    log.error({ err, errorId, method: c.req.method }, "a request failed");
    return problemResponse(new Problem("internal", `error ${errorId}`));
  };
}

/** `invalid` for one field of a path or query that no schema covers. */
export const wrongField = (path: string, message: string): Problem =>
  new Problem("invalid", `${path}: ${message}`, { errors: [{ path, message }] });

export const answerUnknown: NotFoundHandler = () => problemResponse(new Problem("not_found", "no such path"));

/** Answers methods that a known path does not take. */
export const refuseMethod = (allowed: readonly string[]) => (): Response =>
  problemResponse(new Problem("invalid", "this path does not take this method"), {
    status: 405,
    headers: { Allow: allowed.join(", ") },
  });
