import type { Bytes } from "../model/bytes.ts";

/**
 * A room's channel carries its events and signals, a user's channel frames for that user's sessions alone, a node's
 * channel its own probe.
 */
export type ChannelKind = "room" | "user" | "node";

export interface Channel {
  readonly kind: ChannelKind;
  readonly id: string;
}

export interface PubSubListener {
  /** A publication arrived. */
  message(channel: Channel, payload: Bytes): void;
  /** These channels are subscribed again after a break; publications meanwhile may be lost. */
  restored(channels: readonly Channel[]): void;
}

/**
 * Carries publications between nodes. Each is a hint (DESIGN 3.3) that may be lost: the store holds the truth. No
 * method throws.
 */
export interface PubSub {
  /** Sets the receiver of publications. Called once, before the first subscription. */
  listen(listener: PubSubListener): void;
  /**
   * Sends a publication without waiting. While the server is away it is dropped, and counts as lost. Publications of one node
   * to one channel arrive in the order of the calls.
   */
  publish(channel: Channel, payload: Bytes): void;
  /** As `publish`, but resolves once the server has the publication; rejects with `unavailable` when it does not take it. */
  publishConfirmed(channel: Channel, payload: Bytes): Promise<void>;
  /**
   * Resolves once the channels are subscribed: later publications arrive, as far as any do. While the server is away it waits,
   * and subscribes when it returns. A second subscription to a channel adds nothing. Many channels cost few commands.
   */
  subscribe(channels: readonly Channel[]): Promise<void>;
  /** Ends subscriptions; a publication under way may still arrive. Ignores unknown channels. */
  unsubscribe(channels: readonly Channel[]): void;
  /** True while publications can be sent. */
  connected(): boolean;
}
