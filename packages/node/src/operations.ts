import type { Health } from "./health.ts";
import type { Metrics } from "./metrics.ts";

export interface OperationsAnswer {
  readonly status: number;
  readonly type: string;
  readonly body: string;
}

/** What operators and balancers ask of any node: `/healthz`, `/readyz`, `/metrics`; undefined for every other path. CONTRACT section 9. */
export async function answerOperations(
  path: string,
  { health, metrics }: { readonly health: Health; readonly metrics: Pick<Metrics, "registry"> },
): Promise<OperationsAnswer | undefined> {
  switch (path) {
    case "/healthz":
      return json(health.live());
    case "/readyz":
      return json(await health.ready());
    case "/metrics":
      // So that `signalbox_up` is of now.
      await health.ready();
      return { status: 200, type: metrics.registry.contentType, body: await metrics.registry.metrics() };
    default:
      return undefined;
  }
}

const json = ({ httpStatus, body }: ReturnType<Health["live"]>): OperationsAnswer => ({
  status: httpStatus,
  type: "application/json",
  body: JSON.stringify(body),
});
