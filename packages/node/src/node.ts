import { createRateLimit, type RateLimit } from "@signalbox/core/commands/rate-limit";
import { TokenBuckets } from "@signalbox/core/memory/token-buckets";
import { systemClock } from "@signalbox/core/ports/clock";
import type { Faults } from "@signalbox/core/ports/faults";
import { createPresence, type Presence } from "@signalbox/core/presence/presence";
import { type Access, createAccess } from "./access.ts";
import { type Backends, openBackends } from "./backends.ts";
import { type Bridge, createBridge } from "./bridge.ts";
import { createFaults } from "./faults.ts";
import { createHealth, type Health } from "./health.ts";
import { createOrigins, type Origins } from "./http/cors.ts";
import type { Launch } from "./lifecycle.ts";
import { createMetrics, type Metrics } from "./metrics.ts";
import { createTokens, type Tokens } from "./tokens.ts";

/** The parts that nodes of all kinds have. */
export interface Node extends Launch, Backends, Bridge {
  readonly metrics: Metrics;
  readonly health: Health;
  readonly tokens: Tokens;
  readonly access: Access;
  readonly origins: Origins;
  readonly rateLimit: RateLimit;
  readonly presence: Presence;
  readonly faults: Faults;
}

/** Opens the backends and builds the parts that API and gateway share. All of them end with the node. */
export async function openNode(launched: Launch): Promise<Node> {
  const { config, log, onStop } = launched;
  const metrics = createMetrics();
  const health = createHealth({ metrics });
  const faults = createFaults({ log, metrics });
  const { meter } = metrics;
  const { store, engine } = await openBackends({ ...launched, meter });
  // Without Postgres, an API node cannot answer; a gateway's sessions stay open, and signals go on.
  const withoutStore = config.kind === "gateway" ? "degraded" : "failing";
  health.check("postgres", { failing: withoutStore, probe: () => store.ping().then(() => true) });
  health.check("redis", { failing: "degraded", probe: () => engine.pubSub.connected() });

  const presence = createPresence({ engine, store, clock: systemClock, faults });
  const bridge = createBridge({ ...launched, store, engine, presence, faults, meter, measure: metrics.commit });
  onStop("writer", () => bridge.writer.close());
  const tokens = createTokens(config);
  const access = createAccess({ tokens, store });
  const rateLimit = createRateLimit({
    tokens: engine.rateTokens,
    local: new TokenBuckets(systemClock),
    rate: config.actionRate,
    burst: config.actionBurst,
  });
  const origins = createOrigins(config.allowedOrigins, log);
  return {
    ...launched,
    ...bridge,
    store,
    engine,
    faults,
    metrics,
    health,
    tokens,
    access,
    origins,
    rateLimit,
    presence,
  };
}
