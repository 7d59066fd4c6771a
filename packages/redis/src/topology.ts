/** Which server keeps what: one for everything, or the primaries of a cluster. */
import { type Address, Connection, type Log } from "./connection.ts";

/** What a link tells of its subscriber connection. */
export interface LinkEvents {
  /** It is there, and nothing is subscribed on it. */
  subscriberUp(link: Link): void;
  subscriberDown(link: Link): void;
  /** The server ended subscriptions by itself, because a slot went elsewhere. */
  moved(): void;
  /** `channel` and `payload` as they came: ASCII and bytes. */
  publication(channel: Buffer, payload: Buffer): void;
  log: Log;
}

/** One server: a connection for commands, and one for subscriptions. */
export class Link {
  readonly commands: Connection;
  readonly subscriber: Connection;

  constructor(address: Address, events: LinkEvents) {
    const failed = (error: Error) => events.log(`Redis at ${nameOf(address)} cannot be reached`, error);
    this.commands = new Connection(address, { up: () => {}, down: () => {}, failed });
    this.subscriber = new Connection(address, {
      up: () => events.subscriberUp(this),
      down: () => events.subscriberDown(this),
      failed,
    });
    const { redis } = this.subscriber;
    redis.on("messageBuffer", events.publication);
    redis.on("smessageBuffer", events.publication);
    redis.on("moved", events.moved);
  }

  async close(): Promise<void> {
    await Promise.all([this.commands.close(), this.subscriber.close()]);
  }
}

export interface Topology {
  /** Whether channels are sharded: SPUBLISH and SSUBSCRIBE, one slot at a time. */
  readonly sharded: boolean;
  /** The server that keeps a key, or carries a channel; undefined while none is known. */
  owner(name: string): Link | undefined;
  links(): readonly Link[];
  /** Whether every key and channel has a server that answers. */
  complete(): boolean;
  /** Learns anew who keeps what. Never rejects. Cheap to call often: calls share one look. */
  refresh(): Promise<void>;
  /** Called every half second: finds out who answers. */
  beat(): void;
  close(): Promise<void>;
}

/** Everything on one server. */
export function createSingle(address: Address, events: LinkEvents): Topology {
  const link = new Link(address, events);
  const links = [link];
  return {
    sharded: false,
    owner: () => link,
    links: () => links,
    complete: () => link.commands.up,
    refresh: async () => {},
    beat: () => void link.commands.beat(),
    close: () => link.close(),
  };
}

export const nameOf = ({ host, port }: Address): string => `${host}:${port}`;
