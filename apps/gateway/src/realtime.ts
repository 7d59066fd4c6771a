import { Hub } from "@signalbox/core/delivery/hub";
import { systemClock as clock } from "@signalbox/core/ports/clock";
import { LocalPresence } from "@signalbox/core/presence/local-presence";
import type { Node } from "@signalbox/node/node";
import { Heartbeat } from "./heartbeat.ts";
import { Flusher, type Written } from "./outbox.ts";
import { createGateway, type Gateway } from "./server.ts";

/** Builds the gateway with its hub, and has both end with the node. A gateway node and a standalone one are the same here. */
export async function openRealtime(node: Node): Promise<Gateway> {
  const { config, log, onStop, engine, store, writer, rateLimit, access, health, metrics, presence, faults } = node;
  const { nodeLeaseMs: leaseMs, presenceGraceMs: graceMs } = config;
  const localPresence = (stale: (final: boolean) => void) =>
    new LocalPresence({ registry: engine.presence, store, clock, faults, presence, leaseMs, graceMs, stale });
  const hub = new Hub({ engine, store, clock, faults, nodeId: crypto.randomUUID(), localPresence });
  onStop("hub", () => hub.close());
  await hub.start();
  health.check("delivery", { failing: "failing", probe: () => !hub.failing() });

  const heartbeat = new Heartbeat();
  onStop("heartbeat", () => heartbeat.close());
  const written: Written = { frames: 0, bytes: 0, flushes: 0 };
  const bufferBytes = config.sessionBufferBytes;
  const flusher = new Flusher();
  const session = { hub, writer, presence, rateLimit, access, flusher, heartbeat, written, bufferBytes, log };
  const gateway = createGateway({ ...config, session, engine, metrics });
  metrics.observe(() => ({ sessions: gateway.sessions(), ...written, ...hub.counts() }));
  onStop("sessions", () => gateway.drain());
  return gateway;
}
