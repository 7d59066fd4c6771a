import { Problem } from "@signalbox/protocol/errors";
import { createWriter } from "../commands/writer.ts";
import { Hub } from "../delivery/hub.ts";
import { createSubscriber } from "../delivery/subscriber.ts";
import { createMemoryEngine } from "../memory/engine.ts";
import type { Engine } from "../ports/engine.ts";
import type { Channel, PubSub } from "../ports/pub-sub.ts";
import { LocalPresence } from "../presence/local-presence.ts";
import { createPresence } from "../presence/presence.ts";
import { ManualClock, settled } from "./manual-clock.fake.ts";
import { MapStore } from "./map-store.fake.ts";
import { RecordingFaults } from "./recording-faults.fake.ts";
import { RecordingSink } from "./recording-sink.fake.ts";

export const service = { userId: "service", service: true };
export const user = (userId: string) => ({ userId, service: false });

/** A node for tests, with an engine that can lose publications and a store that can delay answers. */
export async function openLoneNode() {
  const clock = new ManualClock();
  const store = new MapStore(clock);
  const engine = createMemoryEngine(clock);
  const network = new FakeNetwork();
  const faults = new RecordingFaults();
  const presence = createPresence({ engine, store, clock, faults });
  const timing = { leaseMs: 4000, graceMs: 5000 };
  const localPresence = (stale: (final: boolean) => void) =>
    new LocalPresence({ registry: engine.presence, store, clock, faults, presence, ...timing, stale });
  const hub = new Hub({ engine, store, clock, faults, nodeId: "node", localPresence });
  const writer = createWriter({ store, engine: network.between(engine), clock, faults, typingTtlMs: 4000 });
  await hub.start();
  await settled();

  const roomOf = async (...members: string[]) =>
    (await writer.createRoom(service, { name: "Project", members, metadata: {} })).roomId;
  const say = (userId: string, chatId: string, message = "hello") =>
    writer.act(user(userId), { type: "SEND_MSG", chatId, message });
  const arrive = (userId: string) => {
    const sink = new RecordingSink(userId);
    return { sink, subscriber: createSubscriber(sink) };
  };
  /** A session from its beginning to the present; with `cursors`, a resumed one. */
  const connect = async (userId: string, cursors: Record<string, number> | null = null) => {
    const arrival = arrive(userId);
    const ready = await hub.joining.attach(arrival.subscriber);
    await hub.announceArrival(arrival.subscriber);
    const positions = Object.entries(cursors ?? {}).map(([roomId, seq]) => [roomId, { seq, mark: null }] as const);
    await hub.joining.resumeFrom(arrival.subscriber, cursors === null ? null : new Map(positions));
    hub.sendCurrentState(arrival.subscriber, cursors !== null);
    return { ...arrival, ready };
  };
  return { clock, store, engine, faults, network, hub, presence, writer, roomOf, say, arrive, connect };
}

/** What lies between the writer and the engine, and how it loses publications. */
class FakeNetwork {
  /** True for a channel whose publications are lost, as the writer learns. */
  loses = (_: Channel): boolean => false;
  /** True for a channel whose publications are lost in silence: they are confirmed. */
  swallows = (_: Channel): boolean => false;

  between(engine: Engine): Engine {
    const { pubSub } = engine;
    const lossy: PubSub = {
      listen: (listener) => pubSub.listen(listener),
      publish: (channel, payload) => {
        if (!this.loses(channel) && !this.swallows(channel)) pubSub.publish(channel, payload);
      },
      publishConfirmed: async (channel, payload) => {
        if (this.loses(channel)) throw new Problem("unavailable", "lost");
        if (!this.swallows(channel)) await pubSub.publishConfirmed(channel, payload);
      },
      subscribe: (channels) => pubSub.subscribe(channels),
      unsubscribe: (channels) => pubSub.unsubscribe(channels),
      connected: () => pubSub.connected(),
    };
    return { ...engine, pubSub: lossy };
  }
}

/** Keeps the next answer of `method` under way until the returned function is called. */
export function hold(store: MapStore, method: keyof MapStore): () => void {
  let release: () => void = () => undefined;
  const held = new Promise<void>((resolve) => (release = resolve));
  let first = true;
  store.underway = (called) => {
    if (called !== method || !first) return undefined;
    first = false;
    return held;
  };
  return release;
}
