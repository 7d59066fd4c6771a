import { createMemoryEngine } from "@signalbox/core/memory/engine";
import { systemClock } from "@signalbox/core/ports/clock";
import type { Engine } from "@signalbox/core/ports/engine";
import type { Meter } from "@signalbox/core/ports/meter";
import { DEFAULT_TIMING } from "@signalbox/core/ports/presence-registry";
import type { Store } from "@signalbox/core/ports/store";
import { startEmbedded } from "@signalbox/postgres/embedded";
import { createStore } from "@signalbox/postgres/store";
import { createRedisEngine } from "@signalbox/redis/engine";
import type { Launch } from "./lifecycle.ts";

/** The engine and the store of a node. */
export interface Backends {
  readonly engine: Engine;
  readonly store: Store;
}

/**
 * Opens the store and the engine that the config names; without a name, an embedded Postgres in DATA_DIR and an engine in
 * this process. Each ends with the node.
 */
export async function openBackends(node: Launch & { readonly meter: Meter }): Promise<Backends> {
  const { config, log, meter, onStop } = node;
  const store = await createStore({ url: config.databaseUrl ?? (await embeddedUrl(node)), meter });
  onStop("store", () => store.close());
  const timing = { ...DEFAULT_TIMING, graceMs: config.presenceGraceMs };
  const engine =
    config.redisUrl === undefined
      ? createMemoryEngine(systemClock, timing)
      : createRedisEngine({ url: config.redisUrl, log: (message, err) => log.warn({ err }, message), meter, timing });
  onStop("engine", () => engine.close());
  return { engine, store };
}

async function embeddedUrl({ config, onStop }: Launch): Promise<string> {
  const embedded = await startEmbedded({ dir: config.dataDir });
  onStop("embedded Postgres", () => embedded.stop());
  return embedded.url;
}
