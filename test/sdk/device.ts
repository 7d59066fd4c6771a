/** A client of the SDK, and all events that its handlers got. */
import type { Client, ConnectionChanged, Events } from "@signalbox/client";
import { expect } from "vitest";
import { hasFields } from "../support/arrivals.ts";
import { range } from "../support/lists.ts";
import { until } from "../support/until.ts";

type Name = keyof Events;
/** Every event; true for those with a seq. */
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

/** Milliseconds that an event may take, unless a test says otherwise. */
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

  /** The changes of the connection, in order. */
  get connection(): ConnectionChanged[] {
    return this.of("connection");
  }

  of<N extends Name>(name: N): Events[N][] {
    return this.heard.filter((each) => each.name === name).map(({ event }) => event as Events[N]);
  }

  /** The first event of this name, arrived or to come, that has these fields. */
  async hears<N extends Name>(name: N, fields: Partial<Events[N]> = {}, ms = PATIENCE_MS): Promise<Events[N]> {
    const find = () => this.of(name).find((event) => hasFields(event, fields));
    const last = () => this.heard.slice(-20).map((each) => each.name);
    await until(
      () => find() !== undefined,
      ms,
      () => `no ${name} with ${JSON.stringify(fields)}; the last were ${last().join(" ") || "none"}`,
    );
    return find()!;
  }

  /** Resolves when the connection is live after its first `earlier` changes. */
  async livesAfter(earlier: number, ms = PATIENCE_MS): Promise<void> {
    await until(
      () => this.connection.slice(earlier).some(({ state }) => state === "live"),
      ms,
      () => `not live: ${JSON.stringify(this.connection.slice(earlier))}`,
    );
  }

  /** The seqs of a chat's events, in the order of arrival. */
  seqs(chatId: string): number[] {
    const durable = this.heard.filter(
      ({ name, event }) => EVENTS[name] && "chatId" in event && event.chatId === chatId,
    );
    return durable.map(({ event }) => (event as Events["message"]).seq);
  }

  /** Resolves when a chat has reached `last`. Fails unless it got there from `first` without a gap, a double or a step back. */
  async hasAll(chatId: string, first: number, last: number, ms = PATIENCE_MS): Promise<void> {
    await until(
      () => this.seqs(chatId).includes(last),
      ms,
      () => `at ${this.seqs(chatId).at(-1)} of ${last}; ${JSON.stringify(this.connection.slice(-4))}`,
    );
    expect(this.seqs(chatId)).toEqual(range(first, last));
  }
}
