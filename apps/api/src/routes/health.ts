import type { Health } from "@signalbox/node/health";
import type { Metrics } from "@signalbox/node/metrics";
import { answerOperations } from "@signalbox/node/operations";
import { type Handler, Hono } from "hono";
import * as docs from "../docs/health.ts";

export interface HealthDeps {
  readonly health: Health;
  readonly metrics: Pick<Metrics, "registry">;
}

/** What operators and balancers ask. CONTRACT section 9. */
export function healthRoutes(deps: HealthDeps): Hono {
  const answer: Handler = async (c) => {
    const found = await answerOperations(c.req.path, deps);
    if (found === undefined) return c.notFound();
    return new Response(found.body, { status: found.status, headers: { "Content-Type": found.type } });
  };
  return new Hono()
    .get("/healthz", docs.live, answer)
    .get("/readyz", docs.ready, answer)
    .get("/metrics", docs.metrics, answer);
}
