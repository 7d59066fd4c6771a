/** What a contract test stands on: servers of any topology, people with tokens, and rooms. */
import { randomUUID } from "node:crypto";
import { Connection, type Sql } from "@signalbox/postgres/connection";
import { expect } from "vitest";
import { Stream, type Tune } from "./event-stream.ts";
import { type Answer, ask, dataOf, type HistoryEntry, type Room } from "./http.ts";
import { Client, type Fields, type Frame, type Knock } from "./socket-client.ts";
import { SECRET, sign } from "./tokens.ts";

export const ORIGIN = "https://chat.example.org";
/** What every server under test is told; all else is as it is by itself. */
export const ENV = {
  JWT_SECRET: SECRET,
  ALLOWED_ORIGINS: `${ORIGIN},https://desk.example.org`,
  MATRIX_HS_TOKEN: "the-homeserver-of-the-contract-suite",
};

export interface Servers {
  /** Where REST is asked. */
  readonly api: string;
  /** Two doors for REST: two nodes, the first of them `api`, or twice the only one. */
  readonly apis: readonly [string, string];
  /** Two doors for sockets: two nodes, or twice the only one. */
  readonly sockets: readonly [string, string];
  /** Every node's URL. */
  readonly nodes: readonly string[];
  readonly databaseUrl: string;
  stop(): Promise<void>;
}

/** The servers of one test file, started before its tests. */
export class World {
  readonly #start: () => Promise<Servers>;
  #servers: Servers | undefined;
  #database: Connection | undefined;
  readonly #open: { close(): void }[] = [];

  constructor(start: () => Promise<Servers>) {
    this.#start = start;
  }

  get servers(): Servers {
    if (this.#servers === undefined) throw new Error("the servers are not up");
    return this.#servers;
  }

  /** For what no client can bring about, such as old age. */
  get sql(): Sql {
    this.#database ??= new Connection(this.servers.databaseUrl);
    return this.#database.sql;
  }

  async start(): Promise<void> {
    this.#servers = await this.#start();
  }

  async stop(): Promise<void> {
    for (const each of this.#open) each.close();
    await this.#database?.end();
    await this.#servers?.stop();
  }

  async person(claims: { readonly sub?: string; readonly [claim: string]: unknown } = {}): Promise<Person> {
    const sub = claims.sub ?? randomUUID();
    return new Person(this, sub, await sign({ ...claims, sub }));
  }

  /** Opens a socket at a door; it is closed when the world stops, unless it was before. */
  async opens(door: 0 | 1, knock: Knock = {}): Promise<Client> {
    const client = await Client.open(this.servers.sockets[door], knock);
    this.#open.push(client);
    return client;
  }

  /** The URL of a room's stream at a door. */
  streamOf(chatId: string, door: 0 | 1 = 0): string {
    const node = this.servers.sockets[door].replace(/^ws/, "http").replace(/\/realtime$/, "");
    return `${node}/chat/api/v1/conversations/${chatId}/signals`;
  }

  /** Opens a room's stream at a door, whatever comes of it; it is closed when the world stops, unless it was before. */
  async tunes(chatId: string, door: 0 | 1, tune: Tune): Promise<Stream> {
    const stream = await Stream.open(this.streamOf(chatId, door), tune);
    this.#open.push(stream);
    return stream;
  }

  /** Three people who have never met. */
  async people(): Promise<{ alice: Person; bob: Person; carol: Person }> {
    return { alice: await this.person(), bob: await this.person(), carol: await this.person() };
  }

  service(): Promise<Person> {
    return this.person({ roles: ["service"] });
  }

  /** Alice and Bob in a room that Alice made; Carol stands outside. */
  async chat(): Promise<{ alice: Person; bob: Person; carol: Person; chatId: string }> {
    const people = await this.people();
    return { ...people, chatId: await people.alice.makesRoom(people.bob) };
  }
}

/** A user with a token, at either door. */
export class Person {
  readonly id: string;
  readonly token: string;
  readonly #world: World;

  constructor(world: World, id: string, token: string) {
    this.#world = world;
    this.id = id;
    this.token = token;
  }

  asks(
    method: string,
    path: string,
    body?: Fields | string,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<Answer> {
    return ask(`${this.#world.servers.api}${path}`, { method, token: this.token, body, headers });
  }

  /** Posts an action, whatever comes of it. */
  posts(action: Fields): Promise<Answer> {
    return this.asks("POST", "/api/chat", action);
  }

  /** Posts an action that is to succeed; resolves with its event. */
  async acts(action: Fields): Promise<Frame> {
    return dataOf(await this.posts(action));
  }

  /** Sends a message; resolves with its event. */
  says(chatId: string, message: string, more: Fields = {}): Promise<Frame> {
    return this.acts({ type: "SEND_MSG", chatId, message, ...more });
  }

  async makesRoom(...members: readonly Person[]): Promise<string> {
    const body = { name: "A room", members: members.map(({ id }) => id) };
    return dataOf<Room>(await this.asks("POST", "/v1/rooms", body), 201).id;
  }

  async adds(chatId: string, member: Person): Promise<void> {
    dataOf(await this.asks("PUT", `/v1/rooms/${chatId}/members/${member.id}`));
  }

  async removes(chatId: string, member: Person): Promise<void> {
    const answer = await this.asks("DELETE", `/v1/rooms/${chatId}/members/${member.id}`);
    expect(answer.status, answer.text).toBe(200);
  }

  async history(chatId: string, query = ""): Promise<readonly HistoryEntry[]> {
    const answer = await this.asks("GET", `/api/chat/${chatId}/messages${query}`);
    expect(answer.status, answer.text).toBe(200);
    return (JSON.parse(answer.text) as { messages: HistoryEntry[] }).messages;
  }

  async rooms(query = ""): Promise<{ readonly data: readonly Room[]; readonly next_cursor: string | null }> {
    const answer = await this.asks("GET", `/v1/rooms${query}`);
    expect(answer.status, answer.text).toBe(200);
    return JSON.parse(answer.text) as { data: Room[]; next_cursor: string | null };
  }

  /** Opens a socket at a door. */
  knocks(door: 0 | 1, knock: Knock = {}): Promise<Client> {
    return this.#world.opens(door, knock);
  }

  /** Opens a session at a door; resolves when it is READY. */
  async connects(door: 0 | 1 = 0, query = ""): Promise<Client> {
    const client = await this.knocks(door, { token: this.token, query });
    await client.receives({ type: "READY" });
    return client;
  }

  /** Opens a room's stream, which is to be let in. */
  async streams(chatId: string, door: 0 | 1 = 0, query = ""): Promise<Stream> {
    const stream = await this.#world.tunes(chatId, door, { token: this.token, query });
    expect(stream.tunings[0]?.status).toBe(200);
    return stream;
  }
}
