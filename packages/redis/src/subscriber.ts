import type { Bytes } from "@signalbox/core/model/bytes";
import { chunksOf, groupBy } from "@signalbox/core/model/groups";
import type { Channel, PubSubListener } from "@signalbox/core/ports/pub-sub";
import { isMoved } from "./connection.ts";
import { channelName } from "./keys.ts";
import { slotOf } from "./slots.ts";
import type { Link, Topology } from "./topology.ts";

/** Channels subscribed at a time, so that publications do not wait behind a hundred thousand of them. */
const BATCH = 1000;
/** Wrong counts in a row after which a connection is renewed: a single one may be wrong while slots move. */
const STRIKES = 3;

interface Subscription {
  readonly channel: Channel;
  readonly name: string;
  /** The link that the subscription was sent on; undefined while it waits. */
  link: Link | undefined;
  active: boolean;
  /** It was active before: once it is active again, `restored` is called. */
  interrupted: boolean;
  waiters: Waiter[];
}

/** A call of `subscribe` that waits for channels. */
interface Waiter {
  /** The number of channels that are not active yet. */
  left: number;
  resolve(): void;
}

/**
 * Keeps the wanted channels subscribed at their servers. A subscription waits until its server is up, and waits again
 * after it lost its connection or its server.
 */
export class Subscriber {
  private readonly topology: Topology;
  private listener: PubSubListener | undefined;
  private readonly wanted = new Map<string, Subscription>();
  private readonly waiting = new Set<Subscription>();
  /** The number of subscriptions sent on each link, and of wrong counts in a row by its server. */
  private readonly counts = new Map<Link, { sent: number; strikes: number }>();
  private flushing: boolean = false;
  private closed: boolean = false;

  constructor(topology: Topology) {
    this.topology = topology;
  }

  listen(listener: PubSubListener): void {
    this.listener = listener;
  }

  /** As `PubSub.subscribe`. It resolves also when a channel is unsubscribed meanwhile, or the engine closes. */
  subscribe(channels: readonly Channel[]): Promise<void> {
    if (this.closed) return Promise.resolve();
    return new Promise((resolve) => {
      const waiter: Waiter = { left: 1, resolve };
      for (const channel of channels) {
        const subscription = this.want(channel);
        if (subscription.active) continue;
        subscription.waiters.push(waiter);
        waiter.left++;
      }
      countDown(waiter);
      this.flushSoon();
    });
  }

  /** As `PubSub.unsubscribe`. */
  unsubscribe(channels: readonly Channel[]): void {
    const ended = channels.flatMap((channel) => this.wanted.get(channelName(channel)) ?? []);
    const byLink = groupBy(ended, ({ link }) => link);
    for (const subscription of ended) {
      this.detach(subscription);
      this.wanted.delete(subscription.name);
      this.waiting.delete(subscription);
      release(subscription);
    }
    for (const [link, subscriptions] of byLink) {
      if (link === undefined) continue;
      const { batched } = link.subscriber;
      for (const names of this.commandsFor(subscriptions).map((group) => group.map(({ name }) => name))) {
        const sent = this.topology.sharded ? batched.sunsubscribe(...names) : batched.unsubscribe(...names);
        // A failure means that the connection broke or the slot moved: the subscription has ended anyway.
        sent.catch(() => {});
      }
    }
  }

  /** A publication arrived on a link. */
  publication(channel: Buffer, payload: Buffer): void {
    const subscription = this.wanted.get(channel.toString("latin1"));
    if (subscription !== undefined) this.listener?.message(subscription.channel, payload.toString("latin1") as Bytes);
  }

  /** The link lost its connection, and all subscriptions with it. */
  lost(link: Link): void {
    for (const subscription of this.wanted.values()) if (subscription.link === link) this.interrupt(subscription);
    this.counts.delete(link);
    this.flushSoon();
  }

  /** Some slots have another server: their channels are subscribed there. The old one has ended them, or is closed. */
  moved(): void {
    for (const subscription of this.wanted.values()) {
      const { link, name } = subscription;
      if (link !== undefined && link !== this.topology.owner(name)) this.interrupt(subscription);
    }
    this.flushSoon();
  }

  /**
   * Compares each server's number of subscriptions with this side's, and renews a connection when they differ: a
   * subscription that a server lost would stay silent for ever. The query also shows that the server answers. Called
   * every `ANSWER_MS`.
   */
  beat(): void {
    for (const link of this.topology.links()) void this.audit(link);
    if (this.waiting.size > 0) this.flushSoon();
  }

  close(): void {
    this.closed = true;
    for (const subscription of this.wanted.values()) release(subscription);
    this.wanted.clear();
    this.waiting.clear();
    this.counts.clear();
  }

  flushSoon(): void {
    if (this.flushing) return;
    this.flushing = true;
    queueMicrotask(() => {
      this.flushing = false;
      this.flush();
    });
  }

  private want(channel: Channel): Subscription {
    const name = channelName(channel);
    const known = this.wanted.get(name);
    if (known !== undefined) return known;
    const subscription = { channel, name, link: undefined, active: false, interrupted: false, waiters: [] };
    this.wanted.set(name, subscription);
    this.waiting.add(subscription);
    return subscription;
  }

  private flush(): void {
    const byLink = groupBy(this.waiting, ({ name }) => this.topology.owner(name));
    for (const [link, subscriptions] of byLink) if (link?.subscriber.up) void this.send(link, subscriptions);
  }

  private async send(link: Link, subscriptions: readonly Subscription[]): Promise<void> {
    for (const chunk of chunksOf(subscriptions, BATCH)) {
      if (!link.subscriber.up) return;
      // Some were unsubscribed, or sent by another flush, while the batch before was under way.
      const batch = chunk.filter((each) => this.waiting.delete(each));
      for (const each of batch) this.attach(each, link);
      await Promise.all(this.commandsFor(batch).map((group) => this.sendGroup(link, group)));
      const restored = batch.filter((each) => each.interrupted && each.active);
      for (const each of restored) each.interrupted = false;
      if (restored.length > 0) this.listener?.restored(restored.map(({ channel }) => channel));
    }
  }

  private async sendGroup(link: Link, group: readonly Subscription[]): Promise<void> {
    const names = group.map(({ name }) => name);
    const { batched } = link.subscriber;
    try {
      await (this.topology.sharded ? batched.ssubscribe(...names) : batched.subscribe(...names));
    } catch (error) {
      for (const each of group) if (each.link === link) this.interrupt(each);
      // After another failure the next beat tries again.
      if (isMoved(error)) void this.topology.refresh().then(() => this.flushSoon());
      return;
    }
    for (const each of group) {
      if (each.link !== link) continue;
      each.active = true;
      release(each);
    }
  }

  /** The subscriptions of each command: in a cluster those of one slot, else a batch. */
  private commandsFor(subscriptions: readonly Subscription[]): readonly (readonly Subscription[])[] {
    if (!this.topology.sharded) return chunksOf(subscriptions, BATCH);
    return [...groupBy(subscriptions, ({ name }) => slotOf(name)).values()];
  }

  private async audit(link: Link): Promise<void> {
    // A connection answers commands in order: the reply counts what was sent before the query.
    const expected = this.counts.get(link)?.sent ?? 0;
    const reply = await link.subscriber.beat();
    const count = this.counts.get(link);
    const held = (this.topology.sharded ? / ssub=(\d+)/ : / sub=(\d+)/).exec(reply ?? "")?.[1];
    if (reply === undefined || count === undefined) return;
    count.strikes = Number(held) === expected ? 0 : count.strikes + 1;
    if (count.strikes >= STRIKES) link.subscriber.renew();
  }

  private attach(subscription: Subscription, link: Link): void {
    const count = this.counts.get(link) ?? { sent: 0, strikes: 0 };
    count.sent++;
    this.counts.set(link, count);
    subscription.link = link;
  }

  private detach(subscription: Subscription): void {
    const count = subscription.link && this.counts.get(subscription.link);
    if (count !== undefined) count.sent--;
    subscription.link = undefined;
  }

  private interrupt(subscription: Subscription): void {
    this.detach(subscription);
    subscription.interrupted ||= subscription.active;
    subscription.active = false;
    this.waiting.add(subscription);
  }
}

function release(subscription: Subscription): void {
  for (const waiter of subscription.waiters) countDown(waiter);
  subscription.waiters = [];
}

function countDown(waiter: Waiter): void {
  waiter.left--;
  if (waiter.left === 0) waiter.resolve();
}
