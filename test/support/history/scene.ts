/** One API node, two gateways and Redis on a database that changes under them, with clients of every kind that hear their rooms. */
import { type NodeKind, type NodeProcess, startNode } from "@signalbox/infra/node";
import { type SingleRedis, startRedis } from "@signalbox/infra/redis";
import { freePort } from "@signalbox/infra/redis-process";
import { TcpProxy } from "../../sdk/proxy.ts";
import type { Fields } from "../arrivals.ts";
import { Cleanup } from "../cleanup.ts";
import { ask } from "../http.ts";
import type { PostgresServer } from "../postgres/server.ts";
import { serversOf } from "../servers.ts";
import { until } from "../until.ts";
import { ENV, type Person, World } from "../world.ts";
import { compare, type Lost, lostBetween, type Truth, truthOf, unkept } from "./check.ts";
import type { Cursor, HeardRoom, Listener, Placed, Surroundings } from "./heard.ts";
import { openSdk } from "./sdk-listener.ts";
import { Sends, type Sent } from "./sends.ts";
import { SocketListener } from "./socket-listener.ts";
import { StreamListener } from "./stream-listener.ts";

/** Milliseconds for everything to be heard, also after the longest delays of reconnects. */
const PATIENCE_MS = 45_000;
const LOOK_MS = 200;
const PAGE = 100;
const REPORTED = 30;
const LOG_LINES = 8;

export interface SceneOptions {
  readonly busy: number;
  readonly calm: number;
  /** Settings of every node, on top of those of all tests. */
  readonly env?: Readonly<Record<string, string>>;
}

export class Scene {
  readonly #ends = new Cleanup();
  readonly #world = new World(async () => this.#servers());
  readonly #around: Surroundings = { reload: (chatId) => this.#history(chatId), epoch: () => this.#changes };
  readonly #listeners: Listener[] = [];
  readonly #nodes: { api?: NodeProcess; gateways: NodeProcess[] } = { gateways: [] };
  #redis: SingleRedis | undefined;
  #databaseUrl = "";
  #changes = 0;
  /** Of the API node and the gateways: a client of the SDK comes back to its address. */
  readonly #ports: number[] = [];
  #people: readonly Person[] = [];
  #gate: TcpProxy | undefined;
  #sends: Sends | undefined;
  /** What each change of the database lost. One that is under way is not in here yet. */
  readonly losses: Lost[] = [];
  busy: readonly string[] = [];
  calm: readonly string[] = [];

  /** Starts the nodes, makes the rooms, and connects the clients. */
  async start(databaseUrl: string, { busy, calm, env = {} }: SceneOptions): Promise<void> {
    this.#redis = await startRedis();
    this.#ends.add(async () => this.#redis?.stop());
    this.#ends.add(() => this.stopNodes());
    await this.startNodes(databaseUrl, env);
    await this.#world.start();
    this.#people = await Promise.all(Array.from({ length: 4 }, () => this.#world.person()));
    const [owner, ...others] = this.#people;
    const make = (count: number) => Promise.all(Array.from({ length: count }, () => owner!.makesRoom(...others)));
    this.busy = await make(busy);
    this.calm = await make(calm);
    const gate = await TcpProxy.open(() => this.#nodes.gateways[0]!.url);
    this.#gate = gate;
    this.#ends.add(async () => gate.close());
    await this.#connect(gate.url);
  }

  get chatIds(): readonly string[] {
    return [...this.busy, ...this.calm];
  }

  get sends(): Sends {
    if (this.#sends === undefined) throw new Error("nobody sends yet");
    return this.#sends;
  }

  get listeners(): readonly Listener[] {
    return this.#listeners;
  }

  async stop(): Promise<void> {
    this.#sends?.end();
    for (const listener of this.#listeners) listener.close();
    await this.#ends.run();
  }

  async stopNodes(): Promise<void> {
    const { api, gateways } = this.#nodes;
    await Promise.all([api, ...gateways].map((node) => node?.stop()));
  }

  /** Starts the nodes, on the ports of those before. */
  async startNodes(databaseUrl: string, env: Readonly<Record<string, string>> = {}): Promise<void> {
    this.#databaseUrl = databaseUrl;
    const kinds: readonly NodeKind[] = ["api", "gateway", "gateway"];
    const [api, ...gateways] = await Promise.all(kinds.map((kind, place) => this.#startNode(kind, place, env)));
    this.#nodes.api = api!;
    this.#nodes.gateways = gateways;
  }

  /** Stops the second gateway: one of each kind is left. */
  async stopSecondGateway(): Promise<void> {
    await this.#nodes.gateways.pop()?.stop();
  }

  /** Starts the API node again, with other settings. */
  async replaceApi(env: Readonly<Record<string, string>>): Promise<void> {
    await this.#nodes.api?.stop();
    this.#nodes.api = await this.#startNode("api", 0, env);
  }

  /** Cuts the clients that come and go, and lets none of them in until `admit`. */
  sendAway(): void {
    if (this.#gate === undefined) return;
    this.#gate.admits = false;
    this.#gate.cut();
  }

  admit(): void {
    if (this.#gate !== undefined) this.#gate.admits = true;
  }

  /** Resolves once every client has got every one of these. */
  async heard(sent: readonly Sent[]): Promise<void> {
    const lacking = () =>
      this.#listeners.filter(({ rooms }) =>
        sent.some(({ chatId, messageId }) => rooms.get(chatId)?.ever.has(messageId) === false),
      );
    await until(
      () => lacking().length === 0,
      PATIENCE_MS,
      () => this.#report([`not heard by ${lacking().map(({ name }) => name)}`]),
    );
  }

  /** Resolves once each of these rooms has grown past all that it had before. */
  async grown(server: PostgresServer, chatIds: readonly string[], before: Truth): Promise<void> {
    const last = (truth: Truth, chatId: string) => truth.get(chatId)?.at(-1)?.seq ?? 0;
    const hasGrown = async () => {
      const now = await truthOf(server, chatIds);
      return chatIds.every((chatId) => last(now, chatId) > last(before, chatId) + 1);
    };
    await until(hasGrown, PATIENCE_MS, () => this.#report(["the rooms do not grow"]), LOOK_MS);
  }

  /** Begins a change of the database: what clients are told from now on is about this one. */
  changes(): void {
    this.#changes++;
  }

  /** Ends a change of the database: records what is there no more. Resolves to that. */
  async changed(server: PostgresServer, before: Truth): Promise<Lost> {
    const lost = lostBetween(before, await truthOf(server, this.chatIds));
    this.losses.push(lost);
    return lost;
  }

  /**
   * Lets the last sends be answered, then resolves once every client holds what the database has, and was told of what it
   * lost. Rejects when a client was told or got anything else.
   */
  async check(server: PostgresServer): Promise<void> {
    await this.sends.only([], PATIENCE_MS);
    const truth = await truthOf(server, this.chatIds);
    const find = () => compare(this.#listeners, truth, this.losses);
    await until(
      () => find().wrong.length > 0 || find().missing.length === 0,
      PATIENCE_MS,
      () => this.#report(find().missing),
      LOOK_MS,
    );
    const wrong = [...find().wrong, ...unkept(this.sends.acknowledged, truth, this.losses), ...this.sends.failures];
    if (wrong.length > 0) throw new Error(this.#report([...wrong, ...find().missing]));
  }

  /** All resets so far: with `epoch`, those after that change. */
  resets(epoch?: number): number {
    const rooms = this.#listeners.flatMap(({ rooms: heard }) => [...heard.values()]);
    return rooms
      .flatMap(({ resets }: HeardRoom) => resets)
      .filter((told) => epoch === undefined || told.epoch === epoch).length;
  }

  /** The number of times that a client hears one of these rooms. */
  hearings(chatIds: readonly string[]): number {
    return this.#listeners.flatMap(({ rooms }) => chatIds.filter((chatId) => rooms.has(chatId))).length;
  }

  /** Has Redis refuse every publication: only the poll of the database tells a gateway what changed. */
  async dropHints(): Promise<void> {
    await this.#redis?.nodes[0]?.command("ACL", "SETUSER", "default", "-spublish", "-publish");
  }

  async passHints(): Promise<void> {
    await this.#redis?.nodes[0]?.command("ACL", "SETUSER", "default", "+spublish", "+publish");
  }

  /** Sends as fast as the first socket takes it. Resolves when all are acknowledged. */
  async fill(chatId: string, count: number): Promise<void> {
    const [author] = this.#listeners.filter((each) => each instanceof SocketListener);
    const sends = Array.from({ length: count }, (_, index) =>
      author!.asks({ type: "SEND_MSG", chatId, message: `filling ${index}` }),
    );
    const refused = (await Promise.all(sends)).filter(({ type }) => type !== "ACK");
    if (refused.length > 0) throw new Error(`sends were refused: ${refused[0]?.code}`);
  }

  async #connect(gate: string): Promise<void> {
    const [ada, ben, cleo, dan] = this.#people as [Person, Person, Person, Person];
    const around = this.#around;
    const socket = (person: Person, name: string, url: () => string) =>
      SocketListener.open({ name, token: person.token, url: () => `${url().replace(/^http/, "ws")}/realtime`, around });
    const gateway = (index: number) => () => this.#nodes.gateways[index % this.#nodes.gateways.length]!.url;
    const near = await socket(ada, "a live socket at gateway 0", gateway(0));
    const far = await socket(ben, "a live socket at gateway 1", gateway(1));
    this.#listeners.push(near, far, await socket(cleo, "a resuming socket", () => gate));
    const cursors = new Map([...near.rooms.values()].map(({ chatId, cursor }) => [chatId, cursor]));
    const stream = (person: Person, name: string, chatId: string, from: Cursor, url: () => string) =>
      StreamListener.open({
        name,
        token: person.token,
        url: () => `${url()}/chat/api/v1/conversations/${chatId}/signals`,
        chatId,
        from,
        around,
      });
    for (const [chatId, cursor] of cursors)
      this.#listeners.push(
        await stream(dan, "a live stream", chatId, cursor, gateway(1)),
        await stream(ada, "a resuming stream", chatId, cursor, () => gate),
      );
    const apiUrl = this.#nodes.api!.url;
    const sdk = (person: Person, name: string, gatewayUrl: string) =>
      openSdk({ name, token: person.token, apiUrl, gatewayUrl, rooms: cursors, around });
    this.#listeners.push(await sdk(cleo, "a live SDK", gateway(1)()), await sdk(dan, "a resuming SDK", gate));
    const byApi = (person: Person) => (action: Fields) => this.#posts(person, action);
    this.#sends = new Sends([bySocket(near), bySocket(far), byApi(cleo), byApi(dan)]);
    this.#sends.start();
  }

  async #posts({ token }: Person, body: Fields): Promise<Placed | undefined> {
    const url = `${this.#nodes.api!.url}/api/chat`;
    const answer = await ask(url, { method: "POST", token, body }).catch(() => undefined);
    if (answer === undefined || answer.status === 503) return undefined;
    if (answer.status !== 200) throw new Error(`a send was answered ${answer.status}: ${answer.text}`);
    return (JSON.parse(answer.text) as { data: Placed }).data;
  }

  /** All messages of a room. Rejects while the database is away. */
  async #history(chatId: string): Promise<readonly Placed[]> {
    const { token } = this.#people[0]!;
    const messages: Placed[] = [];
    for (let before = ""; ; before = `&before=${messages.at(-1)?.messageId}`) {
      const url = `${this.#nodes.api!.url}/api/chat/${chatId}/messages?limit=${PAGE}${before}`;
      const answer = await ask(url, { token });
      if (answer.status !== 200) throw new Error(`the history was answered ${answer.status}`);
      const page = (JSON.parse(answer.text) as { messages: readonly Placed[] }).messages;
      messages.push(...page);
      if (page.length < PAGE) return messages.reverse();
    }
  }

  async #startNode(kind: NodeKind, place: number, env: Readonly<Record<string, string>>): Promise<NodeProcess> {
    this.#ports[place] ??= await freePort();
    const shared = { REDIS_URL: this.#redis!.url, DATABASE_URL: this.#databaseUrl, PORT: String(this.#ports[place]) };
    return startNode({ kind, env: { ...ENV, ...shared, ...env } });
  }

  #servers() {
    const { api, gateways } = this.#nodes;
    return serversOf({ apis: [api!], gateways, databaseUrl: this.#databaseUrl });
  }

  #report(lines: readonly string[]): string {
    const { api, gateways } = this.#nodes;
    const logs = [api, ...gateways].flatMap((node) =>
      node === undefined
        ? []
        : [
            `-- ${node.kind}`,
            ...node
              .log()
              .slice(-LOG_LINES)
              .map((line) => line.slice(0, 300)),
          ],
    );
    const more = lines.length > REPORTED ? [`… ${lines.length - REPORTED} more`] : [];
    const lost = [...(this.losses.at(-1) ?? [])].map(
      ([chatId, ids]) => `room ${chatId.slice(-6)} lost ${ids.size} messages`,
    );
    return [`after change ${this.losses.length}:`, ...lost, ...lines.slice(0, REPORTED), ...more, ...logs].join("\n");
  }
}

/** Sends by a socket; repeats what is answered `unavailable`. */
const bySocket =
  (listener: SocketListener) =>
  async (action: Fields): Promise<Placed | undefined> => {
    const { type, code, data } = await listener.asks(action);
    if (type === "ACK") return data;
    if (code !== "unavailable") throw new Error(`a send was answered ${code}`);
    return undefined;
  };
