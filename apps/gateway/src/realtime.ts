import { Hub } from "@signalbox/core/delivery/hub";
import { systemClock as clock } from "@signalbox/core/ports/clock";
import { LocalPresence } from "@signalbox/core/presence/local-presence";
import type { Node } from "@signalbox/node/node";
import { Heartbeat } from "./heartbeat.ts";
import { Flusher, type Written } from "./outbox.ts";
import { createGateway, type Gateway } from "./server.ts";

/** Builds the gateway with its hub; both end with the node. It is the same in a gateway node and in a standalone one. */
export async function openRealtime(node: Node): Promise<Gateway> {
  const { config, onStop, engine, store, presence, faults, health, metrics } = node;
  const { nodeLeaseMs: leaseMs, presenceGraceMs: graceMs, sessionBufferBytes: bufferBytes } = config;
  const localPresence = (stale: (final: boolean) => void) =>
    new LocalPresence({ registry: engine.presence, store, clock, faults, presence, leaseMs, graceMs, stale });
  const hub = new Hub({ engine, store, clock, faults, nodeId: crypto.randomUUID(), localPresence });
  onStop("hub", () => hub.close());
  await hub.start();
  health.check("delivery", { failing: "failing", probe: () => !hub.failing() });

  const heartbeat = new Heartbeat();
  onStop("heartbeat", () => heartbeat.close());
  const written: Written = { frames: 0, bytes: 0, flushes: 0 };
  const session = { ...node, hub, flusher: new Flusher(), heartbeat, written, bufferBytes };
  const gateway = createGateway({ ...node, ...config, session });
  metrics.observe(() => ({ sessions: gateway.sessions(), ...written, ...hub.counts() }));
  onStop("sessions", () => gateway.drain());
  return gateway;
}
