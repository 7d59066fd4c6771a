/** Every error of this surface, as RFC 9457 prints it. CONTRACT section 1, "Errors". */
import { fetchResponse } from "@signalbox/node/http/answer";
import { methodProblem, problemAnswer, reportedProblem } from "@signalbox/node/http/problem";
import type { Log } from "@signalbox/node/log";
import { Problem } from "@signalbox/protocol/errors";
import type { ErrorHandler, NotFoundHandler } from "hono";

export const problemResponse = (problem: Problem): Response => fetchResponse(problemAnswer(problem));

/** Prints problems; any other error is `internal`, under the id of its line in the log. */
export const answerErrors =
  (log: Log): ErrorHandler =>
  (err, c) =>
    problemResponse(reportedProblem(err, log, "a request failed", { method: c.req.method }));

export const answerUnknown: NotFoundHandler = () => problemResponse(new Problem("not_found", "no such path"));

/** Answers methods that a known path does not take. */
export const refuseMethod = (allowed: readonly string[]) => (): Response => fetchResponse(methodProblem(allowed));
