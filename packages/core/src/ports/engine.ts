import type { Bytes } from "../model/bytes.ts";
import type { PresenceRegistry } from "./presence-registry.ts";

/** A room's channel carries its events and signals; a user's what concerns all their sessions; a node's its own probe. */
export type ChannelKind = "room" | "user" | "node";

export interface Channel {
  readonly kind: ChannelKind;
  readonly id: string;
}

export interface EngineListener {
  /** A publication arrived. */
  message(channel: Channel, payload: Bytes): void;
  /** These channels are subscribed again after a break: what was published meanwhile may be lost. */
  restored(channels: readonly Channel[]): void;
}

export interface Typist {
  readonly userId: string;
  /** Milliseconds since the epoch, by the engine's clock. */
  readonly startedAt: number;
  /** How long this lasts unless refreshed, in milliseconds: relative, so that no two clocks are compared. */
  readonly remainingMs: number;
}

/**
 * Carries frames and signals between nodes. Everything it carries is a hint (DESIGN 3.3): a publication may be lost, and only
 * the store knows the truth.
 */
export interface Engine {
  /** Sets who hears of publications. Called once, before the first subscription. */
  listen(listener: EngineListener): void;
  /**
   * Hands a publication on. Never throws, never waits, keeps nothing when the engine is away (it is counted as lost).
   * Publications of one node to one channel arrive in the order in which they were handed in.
   */
  publish(channel: Channel, payload: Bytes): void;
  /**
   * Resolves when every publication that starts from now on arrives, as far as any does. While the engine is away it waits,
   * and is active after the return. Subscribing twice is one subscription. Many channels cost few commands.
   */
  subscribe(channels: readonly Channel[]): Promise<void>;
  /** As `publish`, for what must not be forgotten: resolves when the engine took it, rejects with `unavailable` when it did not. */
  announce(channel: Channel, payload: Bytes): Promise<void>;
  /** Ends subscriptions; a publication that is under way may still arrive. Unknown channels are passed over. */
  unsubscribe(channels: readonly Channel[]): void;
  /** Notes that `userId` types in `room` for `ttlMs` more. Best effort, as `publish`. */
  startTyping(room: string, userId: string, ttlMs: number): void;
  /** Takes those notes back, of whoever has one. Best effort. At most some hundred users. */
  stopTyping(room: string, ...userIds: readonly string[]): void;
  /** Who types in each of `rooms` now; rooms without anybody are absent. Rejects with `unavailable` when the engine is away. */
  typists(rooms: readonly string[]): Promise<ReadonlyMap<string, readonly Typist[]>>;
  /**
   * Takes up to `count` tokens from the user's bucket (`rate` per second, at most `burst`), over all nodes. Returns how many
   * were granted and when the next one is there. Falls back to a bucket of this node while the engine is away. Never rejects.
   */
  takeTokens(
    userId: string,
    count: number,
    rate: number,
    burst: number,
  ): Promise<{ granted: number; retryAfterMs: number }>;
  /** Who is here, over all nodes. */
  readonly registry: PresenceRegistry;
  /** Keeps `content` under a ticket for `ttlMs`. Rejects with `unavailable`. */
  putTicket(ticket: string, content: string, ttlMs: number): Promise<void>;
  /** What was kept under the ticket, once; null for a spent or unknown one. Rejects with `unavailable`. */
  takeTicket(ticket: string): Promise<string | null>;
  /** Whether publications can be handed on at the moment. */
  connected(): boolean;
  /** Ends every connection and timer. Idempotent. */
  close(): Promise<void>;
}
