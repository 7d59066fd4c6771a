import { createHash, timingSafeEqual } from "node:crypto";
import { bearerIn } from "@signalbox/node/http/bearer";
import { reportedProblem } from "@signalbox/node/http/problem";
import type { Log } from "@signalbox/node/log";
import { PROBLEMS, type ProblemCode } from "@signalbox/protocol/errors";
import { isObject } from "@signalbox/protocol/text";
import { type Context, type ErrorHandler, type Handler, Hono, type MiddlewareHandler } from "hono";
import { readJson } from "../body.ts";
import * as docs from "../docs/matrix-app-v1.ts";

export interface MatrixDeps {
  /** `MATRIX_HS_TOKEN`, the homeserver's token. Without one, there are no such routes. */
  readonly matrixHsToken: string | undefined;
  readonly ingest: {
    /** Takes a transaction; rejects with `unavailable` when it is to be sent again. */
    take(transaction: unknown): Promise<void>;
  };
  /** True for the Matrix id of a user here. */
  readonly knowsMatrixUser: (matrixUserId: string) => Promise<boolean>;
  readonly log: Log;
}

/** A hundred events of 64 KiB, and the fields beside them. */
const TRANSACTION_BYTES = 16 * 2 ** 20;
/** The second is the legacy form, which a homeserver may try when the first fails. */
const PREFIXES = ["/_matrix/app/v1", ""];

/** `/_matrix/app/v1`: the application service that a homeserver calls. CONTRACT section 8. */
export function matrixRoutes({ matrixHsToken, ingest, knowsMatrixUser, log }: MatrixDeps): Hono {
  const app = new Hono();
  if (matrixHsToken === undefined) return app;
  const homeserver = onlyWith(matrixHsToken);
  app.onError(answerErrors(log));

  for (const prefix of PREFIXES) {
    app.put(`${prefix}/transactions/:txnId`, docs.push(prefix), homeserver, async (c) => {
      // The transaction's id is ignored: its events are known by their own ids.
      await ingest.take(await transactionIn(c));
      return c.json({});
    });
    app.get(`${prefix}/users/:userId`, docs.hasUser(prefix), homeserver, async (c) => {
      if (await knowsMatrixUser(c.req.param("userId"))) return c.json({});
      throw new Refusal(404, "M_NOT_FOUND", "no such user");
    });
    // A homeserver asks for an alias before it gives up: no room is created on demand.
    app.get(`${prefix}/rooms/:alias`, docs.hasRoom(prefix), homeserver, () => {
      throw new Refusal(404, "M_NOT_FOUND", "no such room");
    });
    app.all(`${prefix}/transactions/:txnId`, refuseMethod("PUT"));
    app.all(`${prefix}/users/:userId`, refuseMethod("GET"));
    app.all(`${prefix}/rooms/:alias`, refuseMethod("GET"));
  }
  app.post("/_matrix/app/v1/ping", docs.ping, homeserver, (c) => c.json({}));
  app.all("/_matrix/app/v1/ping", refuseMethod("POST"));
  app.all("/_matrix/*", () => {
    throw new Refusal(404, "M_UNRECOGNIZED", "no such path");
  });
  return app;
}

/** A refused call of the homeserver. */
class Refusal extends Error {
  override readonly name = "Refusal";
  readonly status: number;
  readonly errcode: string;

  constructor(status: number, errcode: string, message: string) {
    super(message);
    this.status = status;
    this.errcode = errcode;
  }
}

/** Answers all methods but the one that the path takes. */
const refuseMethod =
  (allowed: string): Handler =>
  (c) => {
    c.header("Allow", allowed);
    return c.json({ errcode: "M_UNRECOGNIZED", error: "not with this method" }, 405);
  };

/** Lets the homeserver in by its token in the header or, as older ones send it, in the query; of two tokens, both must be right. */
function onlyWith(expected: string): MiddlewareHandler {
  const digest = (token: string) => createHash("sha256").update(token).digest();
  const known = digest(expected);
  return async (c, next) => {
    const given = [bearerIn(c.req.header("authorization")), c.req.query("access_token")].filter(
      (token) => token !== undefined,
    );
    if (given.length === 0) throw new Refusal(401, "M_MISSING_TOKEN", "the homeserver's token is missing");
    // The time to compare digests shows neither the length of the token nor how much of it is right.
    if (!given.every((token) => timingSafeEqual(digest(token), known)))
      throw new Refusal(403, "M_FORBIDDEN", "this is not the homeserver's token");
    await next();
  };
}

/** The body, if it has the form of a transaction; the ingestion validates its events. */
async function transactionIn(c: Context): Promise<unknown> {
  const body = await readJson(c, TRANSACTION_BYTES);
  if (isObject(body) && Array.isArray(body.events)) return body;
  throw new Refusal(400, "M_BAD_JSON", "a transaction is an object with a list of events");
}

/** Matrix' names of our problems, where it has one. */
const ERRCODES: Partial<Record<ProblemCode, string>> = {
  invalid: "M_NOT_JSON",
  too_large: "M_TOO_LARGE",
  rate_limited: "M_LIMIT_EXCEEDED",
};

/** Prints errors in Matrix' own form. An unexpected one shows only the id of its line in the log. */
function answerErrors(log: Log): ErrorHandler {
  const answer = (status: number, errcode: string, error: string) => Response.json({ errcode, error }, { status });
  return (err, c) => {
    if (err instanceof Refusal) return answer(err.status, err.errcode, err.message);
    const { code, message } = reportedProblem(err, log, "a call of the homeserver failed", { method: c.req.method });
    return answer(PROBLEMS[code].status, ERRCODES[code] ?? "M_UNKNOWN", message);
  };
}
