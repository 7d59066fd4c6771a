import type { IncomingMessage, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import type { Origins } from "@signalbox/node/http/cors";
import type { Metrics } from "@signalbox/node/metrics";
import type { SessionDeps } from "./session.ts";
import { Sessions } from "./sessions.ts";
import { createSockets } from "./sockets.ts";
import { createSse } from "./sse.ts";
import { createStreams, type StreamsDeps } from "./streams.ts";

export interface GatewayDeps {
  readonly session: SessionDeps;
  readonly engine: StreamsDeps["engine"];
  readonly maxSessions: number;
  readonly origins: Origins;
  /** `SERVER_NAME`. */
  readonly serverName: string;
  readonly metrics: Metrics;
}

export interface Gateway {
  /** For `server.on("upgrade")`. */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void;
  /** Answers a request for a stream; false for any other, which is left alone. */
  request(request: IncomingMessage, response: ServerResponse): boolean;
  sessions(): number;
  /** Takes no new sessions and ends the open ones, sockets with 1012, spread over 5 s. Resolves when they are gone. */
  drain(): Promise<void>;
}

/** Everything of a node that stays open: its sockets and its streams. CONTRACT section 1, "Nodes". */
export function createGateway(deps: GatewayDeps): Gateway {
  const { session, engine, maxSessions, origins, metrics } = deps;
  const sessions = new Sessions(maxSessions);
  const stream = { ...session, sse: createSse(deps) };
  return {
    upgrade: createSockets({ sessions, session, origins, metrics }),
    request: createStreams({ sessions, stream, engine, origins, metrics }),
    sessions: () => sessions.size,
    drain: () => sessions.drain(),
  };
}
