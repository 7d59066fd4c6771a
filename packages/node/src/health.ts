import type { Metrics } from "./metrics.ts";

/** Resolves with true when the part works. A rejection, or no answer within 2 s, counts as false. */
export type Probe = () => boolean | Promise<boolean>;

export interface Check {
  readonly probe: Probe;
  /** The effect of a failure on the node: it cannot serve, or it serves less. */
  readonly failing: "failing" | "degraded";
}

export interface HealthAnswer {
  readonly httpStatus: 200 | 503;
  readonly body: {
    readonly status: "ok" | "degraded" | "starting" | "draining" | "failing";
    readonly checks: Readonly<Record<string, "ok" | "failing">>;
  };
}

export interface Health {
  /** Adds a check under its name; once per name. */
  check(name: string, check: Check): void;
  /** From now on, the checks decide on readiness. */
  started(): void;
  /** From now on, the node is not ready. */
  drain(): void;
  /** For /healthz: the process runs. */
  live(): HealthAnswer;
  /** For /readyz. Requests at the same time share one run of the checks. */
  ready(): Promise<HealthAnswer>;
}

const PROBE_MS = 2000;

/** The answers of /healthz and /readyz. CONTRACT section 9. */
export function createHealth({ metrics }: { metrics: Pick<Metrics, "up"> }): Health {
  const checks = new Map<string, Check>();
  let phase: "starting" | "serving" | "draining" = "starting";
  let running: Promise<readonly [string, boolean][]> | undefined;

  const probeAll = async (): Promise<readonly [string, boolean][]> => {
    const results = await Promise.all(
      [...checks].map(async ([name, { probe }]) => [name, await works(probe)] as [string, boolean]),
    );
    for (const [part, ok] of results) metrics.up.set({ part }, Number(ok));
    return results;
  };
  const statusBy = (results: readonly [string, boolean][]): HealthAnswer["body"]["status"] => {
    if (phase !== "serving") return phase;
    const failed = results.filter(([, ok]) => !ok).map(([name]) => checks.get(name)?.failing);
    if (failed.includes("failing")) return "failing";
    return failed.length > 0 ? "degraded" : "ok";
  };

  return {
    check(name, check) {
      checks.set(name, check);
    },
    started() {
      if (phase === "starting") phase = "serving";
    },
    drain() {
      phase = "draining";
    },
    live: () => ({ httpStatus: 200, body: { status: "ok", checks: {} } }),
    async ready() {
      running ??= probeAll().finally(() => {
        running = undefined;
      });
      const results = await running;
      const status = statusBy(results);
      const answers = results.map(([name, ok]) => [name, ok ? "ok" : "failing"] as const);
      return {
        httpStatus: status === "ok" || status === "degraded" ? 200 : 503,
        body: { status, checks: Object.fromEntries(answers) },
      };
    },
  };
}

async function works(probe: Probe): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<false>((resolve) => {
    timer = setTimeout(resolve, PROBE_MS, false);
  });
  try {
    return await Promise.race([probe(), late]);
  } catch {
    return false;
  } finally {
    clearTimeout(timer);
  }
}
