/** Real servers that can be killed, networks that can be cut, and users with devices, for tests of the SDK. */
import { type Auth, createClient } from "@signalbox/client";
import { startCluster } from "@signalbox/infra/cluster";
import { type NodeProcess, startNode } from "@signalbox/infra/node";
import { WebSocket } from "ws";
import { type Servers, Standalone, serversOf } from "../support/servers.ts";
import { ENV, type Person, World } from "../support/world.ts";
import { Device } from "./device.ts";
import { TcpProxy } from "./proxy.ts";

export type Kind = "a standalone node" | "a cluster";

/** Servers with the nodes that hold sockets, the first of which can be killed. */
interface Running extends Servers {
  readonly gateways: NodeProcess[];
  /** The settings of a node that replaces a gateway. */
  readonly env: Readonly<Record<string, string>>;
}

export class Site {
  readonly #kind: Kind;
  readonly #devices: Device[] = [];
  readonly #proxies: TcpProxy[] = [];
  #running: Running | undefined;
  /** The users, and their requests over REST. */
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

  /** The URLs in the options of the next client: one, or two with the next gateway. */
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

  /** Ends the devices and networks of a test. */
  mend(): void {
    for (const { realtime } of this.#devices.splice(0)) realtime.disconnect();
    for (const proxy of this.#proxies.splice(0)) proxy.close();
  }

  /** A network in front of the first gateway, or with `spread` in front of all, the next link to the next gateway. */
  async proxy(rewrite?: (chunk: Buffer) => Buffer, spread = false): Promise<TcpProxy> {
    let link = -1;
    const proxy = await TcpProxy.open(() => this.gateway(spread ? ++link : 0), rewrite);
    this.#proxies.push(proxy);
    return proxy;
  }

  /** A device that is not connected yet. Its sockets go through the proxy, if given. */
  device(auth?: Auth, through?: TcpProxy): Device {
    const where = through === undefined ? this.where : { apiUrl: this.api, gatewayUrl: through.url };
    const device = new Device(createClient({ ...where, WebSocket }));
    if (auth !== undefined) device.client.setAuth(auth);
    this.#devices.push(device);
    return device;
  }

  /** A device of a user that is live. */
  async connects({ token }: Person, through?: TcpProxy): Promise<Device> {
    const device = this.device(token, through);
    await device.realtime.connect();
    return device;
  }

  /** kill -9 of the first gateway, or of the only process. Resolves, when it is gone, to a function that starts it again on its port. */
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
  const server = await Standalone.start(ENV);
  const gateways = [server.node];
  return {
    ...(await server.servers()),
    gateways,
    env: server.env,
    async stop() {
      await gateways[0]!.stop();
      await server.stop();
    },
  };
}

async function clusterOf(): Promise<Running> {
  const { apis, gateways: started, postgres, env, stop } = await startCluster({ apis: 1, gateways: 2, env: ENV });
  const gateways = [...started];
  return {
    ...serversOf({ apis, gateways, databaseUrl: postgres.url }),
    gateways,
    env,
    async stop() {
      await gateways[0]!.stop();
      await stop();
    },
  };
}
