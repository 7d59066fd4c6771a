/** A client of the SDK, and everything that its handlers heard. */
import { isDeepStrictEqual } from "node:util";
import type { Client, ConnectionChanged, Events } from "@signalbox/client";
import { expect } from "vitest";
import { until } from "../support/until.ts";

type Name = keyof Events;
/** Every event, and whether it has its chat's next seq. */
export const EVENTS: Readonly<Record<Name, boolean>> = {
  message: true,
  messageEdited: true,
  messageDeleted: true,
  reply: true,
  typing: false,
  reaction: true,
  reactionDeleted: true,
  messageRead: false,
  userJoined: true,
  userLeft: true,
  chatCreated: true,
  chatDeleted: true,
  presence: false,
  stopTyping: false,
  notification: false,
  marker: false,
  roomState: true,
  connection: false,
  reset: false,
};

interface Heard {
  readonly name: Name;
  readonly event: Events[Name];
}

/** How long something may take to be heard, in milliseconds, unless a test says otherwise. */
const PATIENCE_MS = 15_000;

export class Device {
  readonly client: Client;
  readonly heard: Heard[] = [];

  constructor(client: Client) {
    this.client = client;
    for (const name of Object.keys(EVENTS) as Name[])
      client.realtime.on(name, (event) => this.heard.push({ name, event }));
  }

  get realtime(): Client["realtime"] {
    return this.client.realtime;
  }

  /** The states of the connection, as they were told. */
  get connection(): ConnectionChanged[] {
    return this.of("connection");
  }

  of<N extends Name>(name: N): Events[N][] {
    return this.heard.filter((each) => each.name === name).map(({ event }) => event as Events[N]);
  }

  /** The first event of this name, heard or to come, that has these fields. */
  async hears<N extends Name>(name: N, fields: Partial<Events[N]> = {}, ms = PATIENCE_MS): Promise<Events[N]> {
    const find = () => this.of(name).find((event) => has(event, fields));
    const last = () => this.heard.slice(-20).map((each) => each.name);
    await until(
      () => find() !== undefined,
      ms,
      () => `no ${name} with ${JSON.stringify(fields)}; the last were ${last().join(" ") || "none"}`,
    );
    return find()!;
  }

  /** Waits until the connection is live after `earlier` changes of it. */
  async livesAfter(earlier: number, ms = PATIENCE_MS): Promise<void> {
    await until(
      () => this.connection.slice(earlier).some(({ state }) => state === "live"),
      ms,
      () => `not live: ${JSON.stringify(this.connection.slice(earlier))}`,
    );
  }

  /** The seqs of a chat's events, as they came. */
  seqs(chatId: string): number[] {
    const durable = this.heard.filter(
      ({ name, event }) => EVENTS[name] && "chatId" in event && event.chatId === chatId,
    );
    return durable.map(({ event }) => (event as Events["message"]).seq);
  }

  /** Waits until a chat has come to `last`, and fails unless it came there from `first` without a gap, a double or a step back. */
  async hasAll(chatId: string, first: number, last: number, ms = PATIENCE_MS): Promise<void> {
    await until(
      () => this.seqs(chatId).includes(last),
      ms,
      () => `at ${this.seqs(chatId).at(-1)} of ${last}; ${JSON.stringify(this.connection.slice(-4))}`,
    );
    expect(this.seqs(chatId)).toEqual(Array.from({ length: last - first + 1 }, (_, index) => first + index));
  }
}

const has = (event: object, fields: object): boolean =>
  Object.entries(fields).every(([name, value]) => isDeepStrictEqual((event as Record<string, unknown>)[name], value));
