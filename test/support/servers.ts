/** The servers of a test, as its clients reach them, and the one process that is all of them. */
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type NodeProcess, startNode } from "@signalbox/infra/node";

export interface Servers {
  /** The URL of the node that REST requests go to. */
  readonly api: string;
  /** Two nodes for REST, the first of them `api`, or twice the only one. */
  readonly apis: readonly [string, string];
  /** Two nodes for sockets, or twice the only one. */
  readonly sockets: readonly [string, string];
  /** Every node's URL. */
  readonly nodes: readonly string[];
  readonly databaseUrl: string;
  stop(): Promise<void>;
}

type Node = Pick<NodeProcess, "url" | "realtime">;

export interface Topology {
  readonly apis: readonly Node[];
  readonly gateways: readonly Node[];
  readonly databaseUrl: string;
  readonly stop?: () => Promise<void>;
}

/** The first two API nodes and gateways of a topology. Throws when it has none. */
export function serversOf({ apis, gateways, databaseUrl, stop = async () => {} }: Topology): Servers {
  const [api, other = api] = apis;
  const [near, far = near] = gateways;
  if (api === undefined || other === undefined || near === undefined || far === undefined)
    throw new Error("a node is missing");
  return {
    api: api.url,
    apis: [api.url, other.url],
    sockets: [near.realtime, far.realtime],
    nodes: [...new Set([...apis, ...gateways].map(({ url }) => url))],
    databaseUrl,
    stop,
  };
}

/** A standalone node with a data folder of its own, which goes when it stops. */
export class Standalone {
  readonly folder: string;
  readonly env: Readonly<Record<string, string>>;
  #node: NodeProcess;

  private constructor(folder: string, env: Readonly<Record<string, string>>, node: NodeProcess) {
    this.folder = folder;
    this.env = env;
    this.#node = node;
  }

  static async start(more: Readonly<Record<string, string>> = {}): Promise<Standalone> {
    const folder = await mkdtemp(join(tmpdir(), "signalbox-standalone-"));
    const env = { ...more, DATA_DIR: folder };
    try {
      return new Standalone(folder, env, await startNode({ kind: "standalone", env }));
    } catch (error) {
      await rm(folder, { recursive: true, force: true });
      throw error;
    }
  }

  get node(): NodeProcess {
    return this.#node;
  }

  get url(): string {
    return this.#node.url;
  }

  /** Starts the node again on its port and its data, when it has ended. */
  async startAgain(): Promise<void> {
    this.#node = await startNode({ kind: "standalone", env: { ...this.env, PORT: new URL(this.url).port } });
  }

  async stop(): Promise<void> {
    await this.#node.stop();
    await rm(this.folder, { recursive: true, force: true });
  }

  async servers(): Promise<Servers> {
    const databaseUrl = await this.#databaseUrl();
    return serversOf({ apis: [this.#node], gateways: [this.#node], databaseUrl, stop: () => this.stop() });
  }

  /** The URL of the node's embedded Postgres. */
  async #databaseUrl(): Promise<string> {
    const password = await readFile(join(this.folder, "postgres.password"), "utf8");
    // The fourth line of the server's own file is its port.
    const port = (await readFile(join(this.folder, "postgres", "postmaster.pid"), "utf8")).split("\n")[3];
    return `postgres://signalbox:${password}@127.0.0.1:${port}/postgres`;
  }
}
