import type { Engine } from "@signalbox/core/ports/engine";
import { type Meter, NO_METER } from "@signalbox/core/ports/meter";
import { DEFAULT_TIMING, type PresenceTiming } from "@signalbox/core/ports/presence-registry";
import { ClusterTopology } from "./cluster.ts";
import { Commands } from "./commands.ts";
import { type Address, ANSWER_MS, type Log, limitedLog } from "./connection.ts";
import { RedisPresence } from "./presence.ts";
import { Publisher } from "./publisher.ts";
import { RedisRateTokens } from "./rate-tokens.ts";
import { Subscriber } from "./subscriber.ts";
import { RedisTickets } from "./tickets.ts";
import { createSingle, type LinkEvents, type Topology } from "./topology.ts";
import { RedisTyping } from "./typing.ts";

const SINGLE = "redis://";
const CLUSTER = "redis+cluster://";
const DEFAULT_PORT = 6379;

export interface RedisEngine extends Engine {
  /** Publications lost since the start: dropped because Redis was away or too slow, or refused by it. */
  lost(): number;
}

/** The options of `createRedisEngine`, which describes `url` and `log`. */
export interface RedisOptions {
  readonly url: string;
  readonly log?: Log;
  readonly meter?: Meter;
  /** The durations of presence: the same on all nodes, since each applies its own to all users. */
  readonly timing?: PresenceTiming;
}

/**
 * The engine on `redis://host:port` (PUBLISH) or `redis+cluster://h1:p1,h2:p2,…` (SPUBLISH; some of the cluster's nodes, of which
 * one must be up to find the others). It connects by itself, and again for ever. While Redis is away, only subscriptions wait for
 * it. `log` gets failures at most once a second. Throws when `url` is of neither form.
 */
export function createRedisEngine({ url, log, meter = NO_METER, timing = DEFAULT_TIMING }: RedisOptions): RedisEngine {
  const limited = limitedLog(log);
  const events: LinkEvents = {
    subscriberUp: () => subscriber.flushSoon(),
    subscriberDown: (link) => subscriber.lost(link),
    moved: () => void topology.refresh(),
    publication: (channel, payload) => subscriber.publication(channel, payload),
    log: limited,
  };
  const topology = connectTo(url, events, () => subscriber.moved());
  const subscriber = new Subscriber(topology);
  const publisher = new Publisher(topology);
  meter.total("lost_publications_total", "Publications that Redis did not take", () => publisher.lost);
  meter.gauge("pending_publications", "Publications on their way to Redis", () => publisher.waiting);
  const commands = new Commands(topology, limited);
  const beat = setInterval(() => {
    topology.beat();
    subscriber.beat();
  }, ANSWER_MS);
  return {
    pubSub: {
      listen: (listener) => subscriber.listen(listener),
      publish: (channel, payload) => publisher.publish(channel, payload),
      publishConfirmed: (channel, payload) => publisher.publishConfirmed(channel, payload),
      subscribe: (channels) => subscriber.subscribe(channels),
      unsubscribe: (channels) => subscriber.unsubscribe(channels),
      connected: () => topology.complete(),
    },
    typing: new RedisTyping(commands),
    rateTokens: new RedisRateTokens(commands),
    tickets: new RedisTickets(commands),
    presence: new RedisPresence(commands, timing),
    lost: () => publisher.lost,
    close: async () => {
      clearInterval(beat);
      subscriber.close();
      await topology.close();
    },
  };
}

function connectTo(url: string, events: LinkEvents, changed: () => void): Topology {
  const cluster = url.startsWith(CLUSTER);
  if (!cluster && !url.startsWith(SINGLE)) throw notAnAddress();
  const addresses = url
    .slice((cluster ? CLUSTER : SINGLE).length)
    .replace(/\/$/, "")
    .split(",")
    .map(parseAddress);
  const [first] = addresses;
  if (first === undefined || (!cluster && addresses.length > 1)) throw notAnAddress();
  return cluster ? new ClusterTopology(addresses, events, changed) : createSingle(first, events);
}

function parseAddress(text: string): Address {
  const [, host, port = DEFAULT_PORT] = /^([^:@/\s]+)(?::(\d+))?$/.exec(text) ?? [];
  if (host === undefined) throw notAnAddress();
  return { host, port: Number(port) };
}

/** An error without the URL, which may hold a password. */
const notAnAddress = (): Error =>
  new Error("A Redis URL is redis://host:port or redis+cluster://host:port,host:port,…");
