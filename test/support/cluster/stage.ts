/** The real topology, the users on it, the events in its store, and its faults. */
import { toText } from "@signalbox/core/model/bytes";
import { type Cluster, startCluster } from "@signalbox/infra/cluster";
import { type NodeProcess, startNode } from "@signalbox/infra/node";
import { Connection, type Sql } from "@signalbox/postgres/connection";
import { events } from "@signalbox/postgres/events";
import { encodeCursor } from "@signalbox/protocol/cursor";
import { expect } from "vitest";
import { Stream } from "../event-stream.ts";
import { ask } from "../http.ts";
import { type Servers, serversOf } from "../servers.ts";
import { Client } from "../socket-client.ts";
import { until } from "../until.ts";
import { ENV, type Person, World } from "../world.ts";
import { ResumingClient } from "./resuming-client.ts";

/** Lines of each node's log that a failed test prints. */
const LOG_LINES = 8;
const LINE_CHARS = 300;
/** More than a room of a test has. */
const MOST_EVENTS = 1_000_000;
/** Sessions that are opened at once. */
const OPENED_AT_ONCE = 50;

/** An event in the store, with the texts of now. `body` is as `Seen.body`. */
export interface Truth {
  readonly seq: number;
  readonly cursor: string;
  readonly body: string;
}

export class Stage {
  readonly gateways: NodeProcess[] = [];
  readonly apis: NodeProcess[] = [];
  readonly #started: NodeProcess[] = [];
  readonly #clients: { close(): void }[] = [];
  readonly #ends: (() => void)[] = [];
  #cluster: Cluster | undefined;
  #database: Connection | undefined;
  #asked = 0;
  /** The users. Their REST requests go to the API nodes in turn. */
  readonly #world = new World(async () => this.#servers());

  get cluster(): Cluster {
    if (this.#cluster === undefined) throw new Error("the cluster is not up");
    return this.#cluster;
  }

  /** A connection to the store; a new one after an outage of the store. */
  get sql(): Sql {
    if (this.#database?.over !== false) this.#database = new Connection(this.cluster.postgres.url);
    return this.#database.sql;
  }

  /** `gateways`: their number, two by default. */
  async start(options: { readonly gateways?: number } = {}): Promise<void> {
    this.#cluster = await startCluster({ env: ENV, ...options });
    this.gateways.push(...this.#cluster.gateways);
    this.apis.push(...this.#cluster.apis);
    await this.#world.start();
  }

  async stop(): Promise<void> {
    this.#closeClients();
    this.#database?.destroy();
    await Promise.all(this.#started.map((node) => node.kill()));
    await this.#cluster?.stop();
  }

  /** Has `end` called when the test is over, also when it failed. */
  afterwards(end: () => void): void {
    this.#ends.push(end);
  }

  /** Ends the clients and loads of a test, passes hints again, and replaces dead nodes. */
  async mend(): Promise<void> {
    for (const end of this.#ends.splice(0)) end();
    this.#closeClients();
    await this.passHints();
    for (const nodes of [this.gateways, this.apis])
      await Promise.all(nodes.map(({ pid }, index) => (alive(pid) ? undefined : this.replace(nodes, index))));
  }

  #closeClients(): void {
    for (const client of this.#clients.splice(0)) client.close();
  }

  /** Starts a node in place of a dead one. */
  async replace(nodes: NodeProcess[], index: number): Promise<void> {
    const { kind } = nodes[index]!;
    const node = await startNode({ kind, env: this.cluster.env });
    this.#started.push(node);
    nodes[index] = node;
  }

  person(claims: { readonly [claim: string]: unknown } = {}): Promise<Person> {
    return this.#world.person(claims);
  }

  people(count: number): Promise<Person[]> {
    return Promise.all(Array.from({ length: count }, () => this.person()));
  }

  service(): Promise<Person> {
    return this.person({ roles: ["service"] });
  }

  /** Connects to the gateway `door`, and after every disconnect to the next. */
  async connects({ id, token }: Person, door: number, name = "a session"): Promise<ResumingClient> {
    const { gateways } = this;
    const client = await ResumingClient.open({
      userId: id,
      token,
      door: (attempt) => gateways[(door + attempt) % gateways.length]!.realtime,
      name: `${name} of ${id.slice(0, 8)}, first at gateway ${door}`,
    });
    this.#clients.push(client);
    return client;
  }

  /** Plain sessions at the gateways that `door` names, without a reconnect. Resolves when all are READY. */
  async opens(people: readonly Person[], door: (index: number) => number): Promise<Client[]> {
    const opened: Client[] = [];
    for (let at = 0; at < people.length; at += OPENED_AT_ONCE) {
      const some = people.slice(at, at + OPENED_AT_ONCE);
      opened.push(...(await Promise.all(some.map((person, index) => this.#opens(person, door(at + index))))));
    }
    return opened;
  }

  async #opens({ token }: Person, door: number): Promise<Client> {
    const client = await Client.open(this.gateways[door]!.realtime, { token });
    this.#clients.push(client);
    await client.receives({ type: "READY" });
    return client;
  }

  /** A room's stream at a gateway, after the cursor `after`. */
  async streams({ token }: Person, chatId: string, door: number, after?: string): Promise<Stream> {
    const url = `${this.gateways[door]!.url}/chat/api/v1/conversations/${chatId}/signals`;
    const headers = after === undefined ? {} : { "Last-Event-ID": after };
    const stream = await Stream.open(url, { token, headers });
    this.#clients.push(stream);
    if (stream.requests[0]?.status !== 200) throw new Error(`a stream was answered ${stream.requests[0]?.status}`);
    return stream;
  }

  /** Posts an action to one API node. Rejects when the node is dead. */
  async posts(api: number, { token }: Person, body: object): Promise<{ status: number; text: string }> {
    return ask(`${this.apis[api]!.url}/api/chat`, { method: "POST", token, body: { ...body } });
  }

  /** A room's events in the store. */
  async truth(chatId: string): Promise<readonly Truth[]> {
    const rows = await events(this.sql, chatId, 0, MOST_EVENTS);
    return rows.map(({ seq, mark, body }) => {
      const text = toText(body);
      return { seq, cursor: encodeCursor(seq, mark), body: text.slice(text.indexOf('"seq"')) };
    });
  }

  /** Resolves when all clients are live. */
  async allLive(clients: readonly ResumingClient[], ms: number): Promise<void> {
    const behind = () => clients.filter(({ live }) => !live);
    await until(
      () => behind().length === 0,
      ms,
      () => this.report(behind(), ["not all are live"]),
    );
  }

  /** Resolves to the moments at which the clients were disconnected. Fails unless each was, once and with this code. */
  async allClosed(clients: readonly ResumingClient[], code: number, ms: number): Promise<readonly number[]> {
    await until(
      () => clients.every(({ closings }) => closings.length > 0),
      ms,
      () => this.report(clients, []),
    );
    for (const { closings } of clients) expect(closings.map((closing) => closing.code)).toEqual([code]);
    return clients.map(({ closings }) => closings[0]!.at);
  }

  /** Resolves when each client has every event of these rooms since it joined: in order, once, apart from texts that are changed later. */
  async complete(clients: readonly ResumingClient[], chatIds: readonly string[], ms = 10_000): Promise<void> {
    for (const chatId of chatIds) {
      const truth = await this.truth(chatId);
      const last = truth.at(-1)?.seq ?? 0;
      const late = () => clients.filter((client) => client.cursor(chatId) < last);
      await until(
        () => late().length === 0,
        ms,
        () =>
          this.report(late(), [`room ${chatId} is at ${last}`, ...late().map((each) => missing(each, chatId, truth))]),
      );
      this.exact(clients, chatId, truth);
    }
  }

  /** Throws unless each client has exactly the events of `truth` since it joined; it may have later ones as well. */
  exact(clients: readonly ResumingClient[], chatId: string, truth: readonly Truth[]): void {
    const wrong = clients.filter((client) => {
      const from = client.rooms.get(chatId)?.from ?? 0;
      const expected = truth.filter(({ seq }) => seq > from);
      const seen = client.events(chatId).filter(({ seq }) => seq <= (truth.at(-1)?.seq ?? 0));
      return client.faults.length > 0 || seen.length !== expected.length || !sameBodies(seen, expected);
    });
    if (wrong.length > 0)
      throw new Error(
        this.report(
          wrong,
          wrong.map((each) => `${each.name}: ${missing(each, chatId, truth)}`),
        ),
      );
  }

  /** The message of a failed test: these lines, the clients' state, and the nodes' last log lines. */
  report(clients: readonly ResumingClient[], lines: readonly string[]): string {
    const told = clients.slice(0, 5).map((client) => {
      const closings = client.closings.map(({ code }) => code).join() || "none";
      return `${client.name}: live ${client.live}, closings ${closings}, resets ${client.resets.length}, faults ${client.faults.slice(0, 5).join("; ") || "none"}`;
    });
    const nodes = [...this.gateways, ...this.apis].map(
      (node) =>
        `-- ${node.kind} ${node.address}\n${node
          .log()
          .slice(-LOG_LINES)
          .map((line) => line.slice(0, LINE_CHARS))
          .join("\n")}`,
    );
    return [...lines.slice(0, 10), ...told, ...nodes].join("\n");
  }

  /** Has Redis refuse every publication. Resolves when every primary does. */
  async dropHints(): Promise<void> {
    await this.#acl("-spublish", "-publish");
  }

  async passHints(): Promise<void> {
    await this.#acl("+spublish", "+publish");
  }

  #servers(): Servers {
    const next = () => this.apis[this.#asked++ % this.apis.length]!.url;
    const { apis, gateways } = this;
    const servers = serversOf({ apis, gateways, databaseUrl: this.cluster.postgres.url });
    return {
      ...servers,
      get api() {
        return next();
      },
    };
  }

  async #acl(...rules: readonly string[]): Promise<void> {
    const primaries = await this.cluster.redis.primaries();
    await Promise.all(primaries.map((node) => node.command("ACL", "SETUSER", "default", ...rules)));
  }
}

function alive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

/** True for equal bodies, apart from the parts that an edit, a delete or the removal of a reaction changes later. */
const isSame = (live: string, now: string): boolean => live === now || textless(live) === textless(now);

function textless(body: string): string {
  const {
    message,
    mentions: _mentions,
    deleted: _deleted,
    replyTo,
    ...rest
  } = JSON.parse(`{${body}`) as {
    readonly [field: string]: unknown;
    readonly replyTo?: { readonly messageId: string };
  };
  const kept = TAKEN_BACK.has(String(rest.type)) ? {} : { message };
  return JSON.stringify({ ...rest, ...kept, replyTo: replyTo?.messageId });
}

/** The events with a text that can be taken back. */
const TAKEN_BACK: ReadonlySet<string> = new Set(["SEND_MSG", "REPLY", "EDIT_MSG", "REACT"]);

function sameBodies(seen: readonly { readonly body: string }[], expected: readonly Truth[]): boolean {
  return seen.every(({ body }, index) => isSame(body, expected[index]?.body ?? ""));
}

/** The seqs that a client lacks, has twice, or has with another body. */
function missing(client: ResumingClient, chatId: string, truth: readonly Truth[]): string {
  const from = client.rooms.get(chatId)?.from ?? 0;
  const seen = new Map(client.events(chatId).map(({ seq, body }) => [seq, body]));
  const lacks = truth.filter(({ seq }) => seq > from && !seen.has(seq)).map(({ seq }) => seq);
  const differs = truth
    .filter(({ seq, body }) => seen.has(seq) && !isSame(seen.get(seq) ?? "", body))
    .map(({ seq }) => seq);
  const doubled = client.events(chatId).length - seen.size;
  return `began after ${from}, is at ${client.cursor(chatId)}, lacks ${list(lacks)}, differs in ${list(differs)}, ${doubled} twice`;
}

const list = (seqs: readonly number[]): string =>
  seqs.length === 0 ? "none" : `${seqs.slice(0, 12).join()}${seqs.length > 12 ? ` … (${seqs.length})` : ""}`;
