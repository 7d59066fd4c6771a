/** What the SDK is tried against: real servers that may be killed, networks that may be cut, and people with devices. */
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Auth, createClient } from "@signalbox/client";
import { startCluster } from "@signalbox/infra/cluster";
import { type NodeProcess, startNode } from "@signalbox/infra/node";
import { WebSocket } from "ws";
import { ENV, type Person, type Servers, World } from "../support/world.ts";
import { Device } from "./device.ts";
import { TcpProxy } from "./proxy.ts";

export type Kind = "a standalone node" | "a cluster";

/** Servers, the last of whose nodes, which holds sockets, may be killed. */
interface Running extends Servers {
  readonly gateways: NodeProcess[];
  /** What a node in the place of a gateway is told. */
  readonly env: Readonly<Record<string, string>>;
}

export class Site {
  readonly #kind: Kind;
  readonly #devices: Device[] = [];
  readonly #proxies: TcpProxy[] = [];
  #running: Running | undefined;
  /** People, and what they do over REST. */
  readonly world = new World(async () => {
    this.#running = await (this.#kind === "a cluster" ? clusterOf() : standalone());
    return this.#running;
  });

  constructor(kind: Kind) {
    this.#kind = kind;
  }

  get #servers(): Running {
    if (this.#running === undefined) throw new Error("the servers are not up");
    return this.#running;
  }

  get api(): string {
    return this.#servers.api;
  }

  /** Where a client is told that everything is: one URL, or two, the next client at the next gateway. */
  get where() {
    if (this.#kind === "a standalone node") return { url: this.api };
    return { apiUrl: this.api, gatewayUrl: this.gateway(this.#devices.length) };
  }

  gateway(index = 0): string {
    const { gateways } = this.#servers;
    return gateways[index % gateways.length]!.url;
  }

  start(): Promise<void> {
    return this.world.start();
  }

  async stop(): Promise<void> {
    this.mend();
    await this.world.stop();
  }

  /** Ends the devices and the networks of a test that is over. */
  mend(): void {
    for (const { realtime } of this.#devices.splice(0)) realtime.disconnect();
    for (const proxy of this.#proxies.splice(0)) proxy.close();
  }

  /** A network in front of a gateway: of the first, unless each link is to go to the next one. */
  async proxy(rewrite?: (chunk: Buffer) => Buffer, spread = false): Promise<TcpProxy> {
    let link = -1;
    const proxy = await TcpProxy.open(() => this.gateway(spread ? ++link : 0), rewrite);
    this.#proxies.push(proxy);
    return proxy;
  }

  /** A device that is not connected yet; its sockets go through the proxy when there is one. */
  device(auth?: Auth, through?: TcpProxy): Device {
    const where = through === undefined ? this.where : { apiUrl: this.api, gatewayUrl: through.url };
    const device = new Device(createClient({ ...where, WebSocket }));
    if (auth !== undefined) device.client.setAuth(auth);
    this.#devices.push(device);
    return device;
  }

  /** A device of a person that is live. */
  async connects({ token }: Person, through?: TcpProxy): Promise<Device> {
    const device = this.device(token, through);
    await device.realtime.connect();
    return device;
  }

  /** kill -9 of the first gateway, or of the one process that there is. Resolves, when it is gone, with what starts it again on its port. */
  async kill(): Promise<() => Promise<void>> {
    const { gateways, env } = this.#servers;
    const [{ kind, address }] = gateways as [NodeProcess];
    await gateways[0]!.kill();
    return async () => {
      gateways[0] = await startNode({ kind, env: { ...env, PORT: new URL(`http://${address}`).port } });
    };
  }
}

async function standalone(): Promise<Running> {
  const folder = await mkdtemp(join(tmpdir(), "signalbox-sdk-"));
  const env = { ...ENV, DATA_DIR: folder };
  const gateways = [await startNode({ kind: "standalone", env })];
  const [{ url, realtime }] = gateways as [NodeProcess];
  return {
    api: url,
    apis: [url, url],
    sockets: [realtime, realtime],
    nodes: [url],
    databaseUrl: await databaseIn(folder),
    gateways,
    env,
    async stop() {
      await gateways[0]!.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** The embedded Postgres of a node that keeps its data in `folder`. */
async function databaseIn(folder: string): Promise<string> {
  const password = await readFile(join(folder, "postgres.password"), "utf8");
  // The fourth line of the server's own file is its port.
  const port = (await readFile(join(folder, "postgres", "postmaster.pid"), "utf8")).split("\n")[3];
  return `postgres://signalbox:${password}@127.0.0.1:${port}/postgres`;
}

async function clusterOf(): Promise<Running> {
  const cluster = await startCluster({ apis: 1, gateways: 2, env: ENV });
  const [api] = cluster.apis as [NodeProcess];
  const gateways = [...cluster.gateways];
  const [near, far] = gateways as [NodeProcess, NodeProcess];
  return {
    api: api.url,
    apis: [api.url, api.url],
    sockets: [near.realtime, far.realtime],
    nodes: [api.url, near.url, far.url],
    databaseUrl: cluster.postgres.url,
    gateways,
    env: cluster.env,
    async stop() {
      await gateways[0]!.stop();
      await cluster.stop();
    },
  };
}
