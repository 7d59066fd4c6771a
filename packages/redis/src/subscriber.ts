import type { Bytes } from "@signalbox/core/model/bytes";
import type { Channel, PubSubListener } from "@signalbox/core/ports/pub-sub";
import { isMoved } from "./connection.ts";
import { channelName } from "./keys.ts";
import { slotOf } from "./slots.ts";
import type { Link, Topology } from "./topology.ts";

/** How many channels are subscribed in one go; publications that arrive meanwhile need not wait for a hundred thousand. */
const BATCH = 1000;
/** After how many wrong counts in a row a connection is renewed: one may be wrong while slots move. */
const STRIKES = 3;

interface Subscription {
  readonly channel: Channel;
  readonly name: string;
  /** Where it was sent to; undefined while it waits to be sent. */
  link: Link | undefined;
  active: boolean;
  /** It was active once, so that a new beginning is a restoration. */
  interrupted: boolean;
  waiters: Waiter[];
}

/** A call of `subscribe` that waits for so many channels. */
interface Waiter {
  left: number;
  resolve(): void;
}

/**
 * Keeps the wanted channels subscribed where their publications come by: sends what waits whenever a server is there, and
 * lets wait again what lost its connection or its owner.
 */
export class Subscriber {
  private readonly topology: Topology;
  private listener: PubSubListener | undefined;
  private readonly wanted = new Map<string, Subscription>();
  private readonly waiting = new Set<Subscription>();
  /** How many subscriptions were sent to each link, and how often in a row the server counted others. */
  private readonly tallies = new Map<Link, { sent: number; strikes: number }>();
  private flushing: boolean = false;
  private closed: boolean = false;

  constructor(topology: Topology) {
    this.topology = topology;
  }

  listen(listener: PubSubListener): void {
    this.listener = listener;
  }

  /** As `PubSub.subscribe`; resolves also when a channel is given up or the engine closes: nobody needs it any more. */
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
      settle(waiter);
      this.flushSoon();
    });
  }

  /** As `PubSub.unsubscribe`. */
  unsubscribe(channels: readonly Channel[]): void {
    const sent = new Map<Link, Subscription[]>();
    for (const channel of channels) {
      const subscription = this.wanted.get(channelName(channel));
      if (subscription === undefined) continue;
      const { link } = subscription;
      if (link !== undefined) into(sent, link, subscription);
      this.detach(subscription);
      this.wanted.delete(subscription.name);
      this.waiting.delete(subscription);
      release(subscription);
    }
    for (const [link, subscriptions] of sent) {
      const { batched } = link.subscriber;
      for (const names of this.commandsFor(subscriptions).map((group) => group.map(({ name }) => name))) {
        const ended = this.topology.sharded ? batched.sunsubscribe(...names) : batched.unsubscribe(...names);
        // It failed because the connection broke or the slot went elsewhere: it is not subscribed there any more.
        ended.catch(() => {});
      }
    }
  }

  /** A publication came by. */
  publication(channel: Buffer, payload: Buffer): void {
    const subscription = this.wanted.get(channel.toString("latin1"));
    if (subscription !== undefined) this.listener?.message(subscription.channel, payload.toString("latin1") as Bytes);
  }

  /** Nothing is subscribed on this link any more. */
  lost(link: Link): void {
    for (const subscription of this.wanted.values()) if (subscription.link === link) this.interrupt(subscription);
    this.tallies.delete(link);
    this.flushSoon();
  }

  /** Some channels have another owner: they are subscribed there. The former one has ended them by itself, or is closed. */
  moved(): void {
    for (const subscription of this.wanted.values()) {
      const { link, name } = subscription;
      if (link !== undefined && link !== this.topology.owner(name)) this.interrupt(subscription);
    }
    this.flushSoon();
  }

  /**
   * Called every half second. A server that dropped a subscription without our noticing would be silence for ever: so each
   * is asked how many it holds for us, which also tells whether it answers at all.
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
    this.tallies.clear();
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
    const targets = new Map<Link, Subscription[]>();
    for (const subscription of this.waiting) {
      const link = this.topology.owner(subscription.name);
      if (link === undefined || !link.subscriber.up) continue;
      into(targets, link, subscription);
    }
    for (const [link, subscriptions] of targets) void this.send(link, subscriptions);
  }

  private async send(link: Link, subscriptions: readonly Subscription[]): Promise<void> {
    for (let start = 0; start < subscriptions.length && link.subscriber.up; start += BATCH) {
      // Some were given up, or sent by another flush, while the batch before was under way.
      const batch = subscriptions.slice(start, start + BATCH).filter((each) => this.waiting.delete(each));
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
      // What failed for another reason is tried again with the next beat.
      if (isMoved(error)) void this.topology.refresh().then(() => this.flushSoon());
      return;
    }
    for (const each of group) {
      if (each.link !== link) continue;
      each.active = true;
      release(each);
    }
  }

  /** Channels that one command may name: in a cluster those of a slot, else any, but not endlessly many. */
  private commandsFor(subscriptions: readonly Subscription[]): readonly (readonly Subscription[])[] {
    const groups = new Map<number, Subscription[]>();
    for (const [index, subscription] of subscriptions.entries()) {
      into(groups, this.topology.sharded ? slotOf(subscription.name) : Math.floor(index / BATCH), subscription);
    }
    return [...groups.values()];
  }

  private async audit(link: Link): Promise<void> {
    // Commands of a connection are answered in order: what was sent before the question is in the answer.
    const expected = this.tallies.get(link)?.sent ?? 0;
    const reply = await link.subscriber.beat();
    const tally = this.tallies.get(link);
    const held = (this.topology.sharded ? / ssub=(\d+)/ : / sub=(\d+)/).exec(reply ?? "")?.[1];
    if (reply === undefined || tally === undefined) return;
    tally.strikes = Number(held) === expected ? 0 : tally.strikes + 1;
    if (tally.strikes >= STRIKES) link.subscriber.renew();
  }

  private attach(subscription: Subscription, link: Link): void {
    const tally = this.tallies.get(link) ?? { sent: 0, strikes: 0 };
    tally.sent++;
    this.tallies.set(link, tally);
    subscription.link = link;
  }

  private detach(subscription: Subscription): void {
    const tally = subscription.link && this.tallies.get(subscription.link);
    if (tally !== undefined) tally.sent--;
    subscription.link = undefined;
  }

  private interrupt(subscription: Subscription): void {
    this.detach(subscription);
    subscription.interrupted ||= subscription.active;
    subscription.active = false;
    this.waiting.add(subscription);
  }
}

function into<K, V>(groups: Map<K, V[]>, key: K, value: V): void {
  const group = groups.get(key);
  if (group === undefined) groups.set(key, [value]);
  else group.push(value);
}

function release(subscription: Subscription): void {
  for (const waiter of subscription.waiters) settle(waiter);
  subscription.waiters = [];
}

function settle(waiter: Waiter): void {
  waiter.left--;
  if (waiter.left === 0) waiter.resolve();
}
