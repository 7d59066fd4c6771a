import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

/** An address of a database that can be pointed at another server, as a DNS name or a proxy is after a failover. */
export interface Relay {
  readonly port: number;
  /** The address of a server, `postgres://…`, with this relay's port. */
  through(url: string): string;
  /** Leads new connections to another port on 127.0.0.1. The present ones stay with their server. */
  point(port: number): void;
  /** Ends all connections. */
  cut(): void;
  /** The number of connections so far. */
  opened(): number;
  close(): Promise<void>;
}

export async function startRelay(port: number): Promise<Relay> {
  const sockets = new Set<Socket>();
  let target = port;
  let opened = 0;
  const server = createServer((near) => {
    opened++;
    const far = connect(target, "127.0.0.1");
    for (const [socket, other] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(socket);
      socket.on("error", () => {});
      socket.once("close", () => {
        sockets.delete(socket);
        other.destroy();
      });
      socket.pipe(other);
    }
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const own = (server.address() as AddressInfo).port;
  const cut = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    port: own,
    through: (url) => Object.assign(new URL(url), { port: String(own) }).href,
    point: (next) => {
      target = next;
    },
    cut,
    opened: () => opened,
    close: async () => {
      cut();
      server.close();
      await once(server, "close");
    },
  };
}
