import { Problem } from "@signalbox/protocol/errors";
import type { Bytes } from "../model/bytes.ts";
import { type Clock, systemClock } from "../ports/clock.ts";
import type { Channel, Engine, EngineListener } from "../ports/engine.ts";
import { DEFAULT_TIMING, type PresenceTiming } from "../ports/presence-registry.ts";
import { MemoryPresence } from "./presence-registry.ts";
import { Tickets } from "./tickets.ts";
import { TokenBuckets } from "./token-buckets.ts";
import { MemoryTyping } from "./typing.ts";

/**
 * The engine of a single process: nothing is lost, nothing leaves the process, and it is never away. Publications arrive
 * right after the code that made them, in order, never within the call.
 */
export function createMemoryEngine(clock: Clock = systemClock, timing: PresenceTiming = DEFAULT_TIMING): Engine {
  const delivery = new Delivery();
  const buckets = new TokenBuckets(clock);
  const typing = new MemoryTyping(clock);
  const registry = new MemoryPresence(clock, timing);
  const tickets = new Tickets(clock);
  let open = true;
  return {
    listen: (listener) => delivery.listen(listener),
    publish: (channel, payload) => delivery.publish(channel, payload),
    announce: async (channel, payload) => {
      if (!open) throw new Problem("unavailable", "The engine is closed");
      delivery.publish(channel, payload);
    },
    subscribe: async (channels) => {
      if (open) delivery.subscribe(channels);
    },
    unsubscribe: (channels) => delivery.unsubscribe(channels),
    startTyping: (room, userId, ttlMs) => {
      if (open) typing.start(room, userId, ttlMs);
    },
    stopTyping: (room, ...userIds) => typing.stop(room, userIds),
    typists: async (rooms) => {
      const listed = rooms.map((room) => [room, typing.list(room)] as const);
      return new Map(listed.filter(([, typists]) => typists.length > 0));
    },
    takeTokens: async (userId, count, rate, burst) => buckets.take(userId, count, rate, burst),
    registry,
    putTicket: async (ticket, content, ttlMs) => {
      if (!open) throw new Problem("unavailable", "The engine is closed");
      tickets.put(ticket, content, ttlMs);
    },
    takeTicket: async (ticket) => tickets.take(ticket),
    connected: () => open,
    close: async () => {
      open = false;
      delivery.clear();
      buckets.clear();
      typing.clear();
      registry.clear();
      tickets.clear();
    },
  };
}

/** Hands publications of a tick on together, at its end. */
class Delivery {
  private listener: EngineListener | undefined;
  private readonly subscribed = new Set<string>();
  /** What this tick published so far. */
  private waiting: { readonly channel: Channel; readonly payload: Bytes }[] = [];

  listen(listener: EngineListener): void {
    this.listener = listener;
  }

  publish(channel: Channel, payload: Bytes): void {
    if (!this.subscribed.has(nameOf(channel))) return;
    this.waiting.push({ channel, payload });
    if (this.waiting.length === 1) queueMicrotask(() => this.deliver());
  }

  subscribe(channels: readonly Channel[]): void {
    for (const channel of channels) this.subscribed.add(nameOf(channel));
  }

  unsubscribe(channels: readonly Channel[]): void {
    for (const channel of channels) this.subscribed.delete(nameOf(channel));
  }

  clear(): void {
    this.subscribed.clear();
    this.waiting = [];
  }

  private deliver(): void {
    const publications = this.waiting;
    // What a listener publishes in turn is handed on after these: a new list, and a microtask of its own.
    this.waiting = [];
    for (const { channel, payload } of publications) this.listener?.message(channel, payload);
  }
}

const nameOf = (channel: Channel): string => `${channel.kind}:${channel.id}`;
