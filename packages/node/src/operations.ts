import type { Health } from "./health.ts";
import type { Answer } from "./http/answer.ts";
import type { Metrics } from "./metrics.ts";

/**
 * Answers the questions of operators and load balancers to any node: `/healthz`, `/readyz`, `/metrics`, and `OPTIONS /`, which
 * a balancer sends that was told no path. Undefined for all others. CONTRACT section 9.
 */
export async function answerOperations(
  { method, path }: { readonly method: string | undefined; readonly path: string },
  { health, metrics }: { readonly health: Health; readonly metrics: Pick<Metrics, "registry"> },
): Promise<Answer | undefined> {
  switch (path) {
    case "/":
      return method === "OPTIONS" ? { status: 204, headers: {}, body: null } : undefined;
    case "/healthz":
      return json(health.live());
    case "/readyz":
      return json(await health.ready());
    case "/metrics":
      // A fresh check, for `signalbox_up`.
      await health.ready();
      return {
        status: 200,
        headers: { "Content-Type": metrics.registry.contentType },
        body: await metrics.registry.metrics(),
      };
    default:
      return undefined;
  }
}

const json = ({ httpStatus, body }: ReturnType<Health["live"]>): Answer => ({
  status: httpStatus,
  headers: { "Content-Type": "application/json" },
  body: JSON.stringify(body),
});
