import type { Health } from "@signalbox/node/health";
import { fetchResponse } from "@signalbox/node/http/answer";
import type { Metrics } from "@signalbox/node/metrics";
import { answerOperations } from "@signalbox/node/operations";
import { type Handler, Hono } from "hono";
import * as docs from "../docs/health.ts";

export interface HealthDeps {
  readonly health: Health;
  readonly metrics: Pick<Metrics, "registry">;
}

/** `/healthz`, `/readyz`, `/metrics` and `OPTIONS /`, for operators and load balancers. CONTRACT section 9. */
export function healthRoutes(deps: HealthDeps): Hono {
  const answer: Handler = async (c, next) => {
    const { method, path } = c.req;
    const found = await answerOperations({ method, path }, deps);
    return found === undefined ? next() : fetchResponse(found);
  };
  return new Hono()
    .get("/healthz", docs.live, answer)
    .get("/readyz", docs.ready, answer)
    .get("/metrics", docs.metrics, answer)
    .all("/", answer);
}
