import { createServer } from "node:http";
import { type AddressInfo, connect as connectSocket, type Socket } from "node:net";
import { createRateLimit } from "@signalbox/core/commands/rate-limit";
import { createWriter } from "@signalbox/core/commands/writer";
import { Hub } from "@signalbox/core/delivery/hub";
import { createMemoryEngine } from "@signalbox/core/memory/engine";
import { systemClock as clock } from "@signalbox/core/ports/clock";
import type { Faults } from "@signalbox/core/ports/faults";
import { LocalPresence } from "@signalbox/core/presence/local-presence";
import { createPresence } from "@signalbox/core/presence/presence";
import { MapStore } from "@signalbox/core/testing/map-store.fake";
import { RecordingFaults } from "@signalbox/core/testing/recording-faults.fake";
import { type Access, createAccess } from "@signalbox/node/access";
import { createOrigins } from "@signalbox/node/http/cors";
import { createLog } from "@signalbox/node/log";
import { createMetrics } from "@signalbox/node/metrics";
import { type Claims, createTokens } from "@signalbox/node/tokens";
import { type ClientOptions, WebSocket } from "ws";
import { SUBPROTOCOL } from "./handshake.ts";
import { Heartbeat } from "./heartbeat.ts";
import { Flusher } from "./outbox.ts";
import { createGateway, type Gateway, type GatewayDeps } from "./server.ts";
import type { SessionDeps } from "./session.ts";

/** Tests may turn the clock by hand. */
const realTimeout = setTimeout;

export interface Frame {
  readonly type: string;
  // biome-ignore lint/suspicious/noExplicitAny: each test knows the fields of its frames.
  readonly [field: string]: any;
}

export interface Options extends Partial<Omit<GatewayDeps, "session" | "origins">> {
  /** Replaces dependencies of sessions. */
  readonly session?: Partial<SessionDeps>;
  readonly rate?: number;
  readonly allowedOrigins?: readonly string[];
  /** Recorded unless given. */
  readonly faults?: Faults;
}

/** Access that gives these claims for any token. */
export function admitting(claims: Claims): Access {
  const unknown = { revokedAt: null, choiceVersion: 0, activeAt: null, matrixUserId: null };
  const user = { ...claims, ...unknown, choice: "online" } as const;
  return {
    verify: async () => claims,
    checkRevoked: async () => user,
    authenticate: async () => ({ ...claims, hidden: false }),
  };
}

const opened = new Set<() => Promise<void>>();

/** Ends every gateway that was opened. For `afterEach`. */
export async function closeGateways(): Promise<void> {
  for (const close of opened) await close();
  opened.clear();
}

/** A hub over an engine and a store of this process. */
async function openHub(faults: Faults) {
  const store = new MapStore();
  const engine = createMemoryEngine();
  const presence = createPresence({ engine, store, clock, faults });
  const timing = { leaseMs: 4000, graceMs: 5000 };
  const localPresence = (stale: (final: boolean) => void) =>
    new LocalPresence({ registry: engine.presence, store, clock, faults, presence, ...timing, stale });
  const hub = new Hub({ engine, store, clock, faults, nodeId: "node", localPresence });
  await hub.start();
  return { store, engine, presence, hub, writer: createWriter({ store, engine, clock, faults, typingTtlMs: 4000 }) };
}

/** A gateway on loopback for tests. */
export async function openGateway({
  session = {},
  rate = 0,
  allowedOrigins = [],
  faults = new RecordingFaults(),
  ...options
}: Options = {}) {
  const { store, engine, presence, hub, writer } = await openHub(faults);
  const tokens = createTokens({ jwtSecret: "s".repeat(32) });
  /** Tokens of the epoch: the fake store's clock is far behind, and its revocations come after this. */
  const verify = async (token: string) => ({ ...(await tokens.verify(token)), issuedAt: new Date(0) });
  const heartbeat = new Heartbeat();
  /** The lines of the log. */
  const logged: string[] = [];
  const deps: SessionDeps = {
    hub,
    faults,
    writer,
    presence,
    rateLimit: createRateLimit({ tokens: engine.rateTokens, local: engine.rateTokens, rate, burst: Math.max(rate, 1) }),
    access: createAccess({ tokens: { verify }, store }),
    flusher: new Flusher(),
    heartbeat,
    written: { frames: 0, bytes: 0, flushes: 0 },
    bufferBytes: 1_048_576,
    log: createLog({ kind: "gateway", logLevel: "warn" }, { write: (line) => void logged.push(line) }),
    ...session,
  };
  const metrics = createMetrics();
  const gateway = createGateway({
    session: deps,
    engine,
    maxSessions: 100,
    origins: createOrigins(allowedOrigins, deps.log),
    serverName: "chat.example.org",
    metrics,
    ...options,
  });
  const { server, sockets, port } = await listen(gateway);
  opened.add(async () => {
    heartbeat.close();
    server.close();
    for (const socket of sockets) socket.destroy();
    await hub.close();
  });

  const service = { userId: "service", service: true };
  const roomOf = async (...members: string[]) =>
    (await writer.createRoom(service, { name: "Project", members, metadata: {} })).roomId;
  const say = (userId: string, chatId: string, message = "hello") =>
    writer.act({ userId, service: false }, { type: "SEND_MSG", chatId, message });
  const tokenOf = (userId: string, ttl = 3600) => tokens.sign(userId, { ttl });
  const url = `ws://127.0.0.1:${port}/realtime`;
  /** Opens a socket without a token. */
  const open = (query = "", more: ClientOptions & { readonly early?: readonly object[] } = {}) =>
    new Client(`${url}${query}`, [], more);
  /** Opens a session of `userId` and waits for its READY. */
  const enter = async (userId: string, query = "", more: ClientOptions = {}) => {
    const client = new Client(`${url}${query}`, [SUBPROTOCOL, `bearer.${await tokenOf(userId)}`], more);
    await client.receives("READY");
    return client;
  };
  return {
    store,
    engine,
    hub,
    writer,
    heartbeat,
    metrics,
    gateway,
    server,
    sockets,
    port,
    url,
    logged,
    deps,
    roomOf,
    say,
    tokenOf,
    open,
    enter,
  };
}

/** Has a server on a free port hand its upgrades and requests to `gateway`. */
async function listen(gateway: Gateway) {
  const server = createServer({ maxHeaderSize: 32_768 }, (request, response) => {
    if (!gateway.request(request, response)) response.writeHead(404).end();
  });
  const sockets = new Set<Socket>();
  server.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
  });
  server.on("upgrade", (request, socket, head) => gateway.upgrade(request, socket, head));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return { server, sockets, port };
}

/** A client that keeps all frames that it receives. */
export class Client {
  readonly ws: WebSocket;
  readonly frames: Frame[] = [];
  /** The code that the server closed with, or 1006. */
  code: number | undefined;

  constructor(
    url: string,
    protocols: string[],
    { early = [], ...options }: ClientOptions & { readonly early?: readonly object[] },
  ) {
    const first = early.length === 0 ? {} : { createConnection: together(early) };
    this.ws = new WebSocket(url, protocols, { ...options, ...first } as ClientOptions);
    this.ws.on("message", (data: Buffer) => this.frames.push(JSON.parse(data.toString("utf8"))));
    this.ws.on("close", (code) => (this.code = code));
    this.ws.on("error", () => {});
  }

  send(...frames: (object | string)[]): void {
    for (const frame of frames) this.ws.send(typeof frame === "string" ? frame : JSON.stringify(frame));
  }

  of(type: string): Frame[] {
    return this.frames.filter((frame) => frame.type === type);
  }

  /** Resolves with the `count`th frame of this type. */
  receives(type: string, count = 1): Promise<Frame> {
    return eventually(() => {
      const frame = this.of(type)[count - 1];
      if (frame === undefined) throw new Error(`no ${type} (${count}) came; closed with ${this.code}`);
      return frame;
    });
  }

  /** Resolves with the code that the socket was closed with. */
  closes(): Promise<number> {
    return eventually(() => {
      if (this.code === undefined) throw new Error("the socket is open");
      return this.code;
    });
  }
}

/** The connection below a client, to write bytes that no client writes. */
export const socketOf = ({ ws }: Client): Socket => (ws as unknown as { readonly _socket: Socket })._socket;

/** Resolves once `look` no longer throws; rejects with its error after some 9 s. */
export async function eventually<T>(look: () => T): Promise<T> {
  for (let left = 1800; ; left--) {
    try {
      return look();
    } catch (error) {
      if (left === 0) throw error;
    }
    await new Promise((resolve) => realTimeout(resolve, 5));
  }
}

/** Bytes of several text frames as a client sends them; masked with zeros. */
export function clientFrames(frames: readonly (object | string)[]): Buffer {
  const encoded = frames.map((frame) => {
    const payload = Buffer.from(typeof frame === "string" ? frame : JSON.stringify(frame));
    const { length } = payload;
    const head = length < 126 ? [0x81, 0x80 | length] : [0x81, 0xfe, length >> 8, length & 255];
    return Buffer.concat([Buffer.from([...head, 0, 0, 0, 0]), payload]);
  });
  return Buffer.concat(encoded);
}

/** Has frames leave in one chunk with the request for the upgrade, before it was answered. */
function together(early: readonly object[]) {
  return (options: { port: number; host: string }): Socket => {
    const socket = connectSocket(Number(options.port), options.host);
    socket.cork();
    setImmediate(() => {
      socket.write(clientFrames(early));
      socket.uncork();
    });
    return socket;
  };
}
