/** The servers behind keys and channels: a single one, or the primaries of a cluster. */
import { type Address, Connection, type Log } from "./connection.ts";

/** The events of a link's subscriber connection. */
export interface LinkEvents {
  /** The connection is up, without any subscription. */
  subscriberUp(link: Link): void;
  subscriberDown(link: Link): void;
  /** The server ended subscriptions, because their slot moved to another. */
  moved(): void;
  /** A publication arrived: `channel` is ASCII, `payload` any bytes. */
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
  /** True for sharded channels: SPUBLISH and SSUBSCRIBE, each for channels of one slot. */
  readonly sharded: boolean;
  /** The server of a key or channel; undefined while none is known. */
  owner(name: string): Link | undefined;
  links(): readonly Link[];
  /** True while every key and channel has a server that answers. */
  complete(): boolean;
  /** Reads again which server has which slot. Never rejects. Cheap to call often: calls share one refresh. */
  refresh(): Promise<void>;
  /** Checks every server for an answer. Called every `ANSWER_MS`. */
  beat(): void;
  close(): Promise<void>;
}

/** The topology of a single server. */
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
