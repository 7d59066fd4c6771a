/** The users of a test, with tokens, and the servers that they use. */
import { randomUUID } from "node:crypto";
import { Connection, type Sql } from "@signalbox/postgres/connection";
import { expect } from "vitest";
import type { Fields } from "./arrivals.ts";
import { Stream, type StreamOptions } from "./event-stream.ts";
import { type Answer, ask, dataOf, type HistoryEntry, type Room } from "./http.ts";
import type { Servers } from "./servers.ts";
import { Client, type Frame, type ResumeFrom, type SocketOptions } from "./socket-client.ts";
import { SECRET, sign } from "./tokens.ts";

export const ORIGIN = "https://chat.example.org";
/** The settings of every server under test; the others have their defaults. */
export const ENV = {
  JWT_SECRET: SECRET,
  ALLOWED_ORIGINS: `${ORIGIN},https://desk.example.org`,
  MATRIX_HS_TOKEN: "the-homeserver-of-the-contract-suite",
};

/** The servers and users of one test file. */
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

  /** A connection to the store, for what no client can cause, such as old age. */
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

  /** Opens a socket at one of the two nodes; it is closed when the world stops at the latest. */
  async opensSocket(door: 0 | 1, options: SocketOptions = {}): Promise<Client> {
    const client = await Client.open(this.servers.sockets[door], options);
    this.#open.push(client);
    return client;
  }

  /** The URL of a room's stream at one of the two nodes. */
  streamOf(chatId: string, door: 0 | 1 = 0): string {
    const node = this.servers.sockets[door].replace(/^ws/, "http").replace(/\/realtime$/, "");
    return `${node}/chat/api/v1/conversations/${chatId}/signals`;
  }

  /** Opens a room's stream, which may be refused; it is closed when the world stops at the latest. */
  async opensStream(chatId: string, door: 0 | 1, options: StreamOptions): Promise<Stream> {
    const stream = await Stream.open(this.streamOf(chatId, door), options);
    this.#open.push(stream);
    return stream;
  }

  /** Three users without a room. */
  async people(): Promise<{ alice: Person; bob: Person; carol: Person }> {
    return { alice: await this.person(), bob: await this.person(), carol: await this.person() };
  }

  service(): Promise<Person> {
    return this.person({ roles: ["service"] });
  }

  /** Alice and Bob in a room of Alice's; Carol is not a member. */
  async chat(): Promise<{ alice: Person; bob: Person; carol: Person; chatId: string }> {
    const people = await this.people();
    return { ...people, chatId: await people.alice.makesRoom(people.bob) };
  }
}

/** A user with a token. */
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

  /** Posts an action, which may be refused. */
  posts(action: Fields): Promise<Answer> {
    return this.asks("POST", "/api/chat", action);
  }

  /** Posts an action and resolves with its event. Fails the test when it is refused. */
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

  opensSocket(door: 0 | 1, options: SocketOptions = {}): Promise<Client> {
    return this.#world.opensSocket(door, options);
  }

  /** Opens a session at one of the two nodes; resolves when it is READY. */
  async connects(door: 0 | 1 = 0, query = ""): Promise<Client> {
    const client = await this.opensSocket(door, { token: this.token, query });
    await client.receives({ type: "READY" });
    return client;
  }

  /** Opens a session and resumes; resolves at RESUMED. */
  async resumes(door: 0 | 1, rooms: ResumeFrom): Promise<Client> {
    const client = await this.connects(door, "?resume=1");
    await client.resumes(rooms);
    return client;
  }

  /** Opens a room's stream. Fails the test when it is refused. */
  async streams(chatId: string, door: 0 | 1 = 0, query = ""): Promise<Stream> {
    const stream = await this.#world.opensStream(chatId, door, { token: this.token, query });
    expect(stream.requests[0]?.status).toBe(200);
    return stream;
  }
}
