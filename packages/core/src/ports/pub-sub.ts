import type { Bytes } from "../model/bytes.ts";

/** A room's channel carries its events and signals; a user's, news for that user's sessions alone; a node's, its own probe. */
export type ChannelKind = "room" | "user" | "node";

export interface Channel {
  readonly kind: ChannelKind;
  readonly id: string;
}

export interface PubSubListener {
  /** A publication arrived. */
  message(channel: Channel, payload: Bytes): void;
  /** These channels are subscribed again after a break: publications of the time between may be lost. */
  restored(channels: readonly Channel[]): void;
}

/**
 * Carries publications between nodes. Each is a hint (DESIGN 3.3): it may be lost, and only the store knows the truth. No
 * method throws.
 */
export interface PubSub {
  /** Sets the receiver of publications. Called once, before the first subscription. */
  listen(listener: PubSubListener): void;
  /**
   * Hands a publication on. Never waits, and keeps nothing while the server is away (it counts as lost). Publications of one
   * node to one channel arrive in the order of the calls.
   */
  publish(channel: Channel, payload: Bytes): void;
  /** As `publish`, but resolves when the server took the publication, and rejects with `unavailable` when it did not. */
  publishConfirmed(channel: Channel, payload: Bytes): Promise<void>;
  /**
   * Resolves when every publication that starts from now on arrives, as far as any does. While the server is away it waits,
   * and is active after the return. Subscribing twice is one subscription. Many channels cost few commands.
   */
  subscribe(channels: readonly Channel[]): Promise<void>;
  /** Ends subscriptions; a publication that is under way may still arrive. Ignores unknown channels. */
  unsubscribe(channels: readonly Channel[]): void;
  /** Whether publications can be handed on at the moment. */
  connected(): boolean;
}
