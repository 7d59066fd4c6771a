import { Problem } from "@signalbox/protocol/errors";
import type { Bytes } from "../model/bytes.ts";
import type { Channel, PubSub, PubSubListener } from "../ports/pub-sub.ts";

/**
 * Publications within one process. None is lost; they arrive in order, right after the code that published, never
 * within its call.
 */
export class MemoryPubSub implements PubSub {
  private listener: PubSubListener | undefined;
  private readonly subscribed = new Set<string>();
  /** Publications that the next microtask delivers. */
  private waiting: { readonly channel: Channel; readonly payload: Bytes }[] = [];
  private open = true;

  listen(listener: PubSubListener): void {
    this.listener = listener;
  }

  publish(channel: Channel, payload: Bytes): void {
    this.enqueue(channel, payload);
  }

  async publishConfirmed(channel: Channel, payload: Bytes): Promise<void> {
    if (!this.open) throw new Problem("unavailable", "The engine is closed");
    this.enqueue(channel, payload);
  }

  async subscribe(channels: readonly Channel[]): Promise<void> {
    if (this.open) for (const channel of channels) this.subscribed.add(nameOf(channel));
  }

  unsubscribe(channels: readonly Channel[]): void {
    for (const channel of channels) this.subscribed.delete(nameOf(channel));
  }

  connected(): boolean {
    return this.open;
  }

  close(): void {
    this.open = false;
    this.subscribed.clear();
    this.waiting = [];
  }

  private enqueue(channel: Channel, payload: Bytes): void {
    if (!this.subscribed.has(nameOf(channel))) return;
    this.waiting.push({ channel, payload });
    if (this.waiting.length === 1) queueMicrotask(() => this.deliver());
  }

  private deliver(): void {
    const publications = this.waiting;
    // Publications by the listener go to a new list, with a microtask of its own.
    this.waiting = [];
    for (const { channel, payload } of publications) this.listener?.message(channel, payload);
  }
}

const nameOf = (channel: Channel): string => `${channel.kind}:${channel.id}`;
