import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import type { Metrics } from "@signalbox/node/metrics";
import { CLOSE } from "@signalbox/protocol/close";
import { FRAME_BYTES } from "@signalbox/protocol/up";
import { type WebSocket, WebSocketServer } from "ws";
import { Inbox } from "./handlers.ts";
import { originAllowed, SUBPROTOCOL, tokenOf } from "./handshake.ts";
import { Session, type SessionDeps } from "./session.ts";

/** Over how long the sessions of a node that stops are spread, so that the others are not stormed. */
const DRAIN_MS = 5000;
/** How long a close may take, after which the peer is cut; a little more than a session gives it. */
const LAST_CLOSE_MS = 1500;

const OUR_CODES: ReadonlySet<number> = new Set(Object.values(CLOSE).map(({ code }) => code));

export interface GatewayDeps {
  readonly session: SessionDeps;
  readonly maxSessions: number;
  readonly allowedOrigins: readonly string[];
  readonly metrics: Metrics;
}

export interface Gateway {
  /** For `server.on("upgrade")`. */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void;
  sessions(): number;
  /** Takes no new sessions and closes the open ones with 1012, spread over 5 s. Resolves when they are gone. */
  drain(): Promise<void>;
}

/** The WebSocket side of a node. CONTRACT section 4. */
export function createGateway({ session: deps, maxSessions, allowedOrigins, metrics }: GatewayDeps): Gateway {
  const sessions = new Set<Session>();
  let draining = false;
  const server = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    maxPayload: FRAME_BYTES,
    perMessageDeflate: false,
    handleProtocols: (offered) => (offered.has(SUBPROTOCOL) ? SUBPROTOCOL : false),
  });

  function accept(ws: WebSocket, socket: Duplex, request: IncomingMessage): void {
    const session = new Session(ws, socket, wantsResume(request), deps);
    const inbox = new Inbox(session, metrics);
    sessions.add(session);
    ws.on("message", (data: Buffer, binary: boolean) => inbox.receive(binary ? undefined : data.toString("utf8")));
    ws.on("pong", () => session.pong());
    // The peer broke the protocol: the socket has sent a close frame by itself.
    ws.on("error", () => session.closing());
    ws.on("close", (heard) => {
      sessions.delete(session);
      // A peer that does not read its close frame is cut with 1006, which says nothing of why.
      const code = session.closedFor === undefined ? heard : CLOSE[session.closedFor].code;
      metrics.closed.inc({ code: OUR_CODES.has(code) ? code : "other" });
      session.end();
    });
    const token = tokenOf(request);
    if (token !== undefined) void inbox.enter(token);
  }

  return {
    upgrade(request, socket, head) {
      const refusal = refusalOf(request);
      if (refusal !== undefined) return refuse(socket, refusal);
      server.handleUpgrade(request, socket, head, (ws) => accept(ws, socket, request));
    },
    sessions: () => sessions.size,
    async drain() {
      draining = true;
      const open = [...sessions];
      const pause = DRAIN_MS / Math.max(open.length, 1);
      await Promise.all(
        open.map((session, index) => later(Math.min(index * pause, DRAIN_MS), () => session.close("restart"))),
      );
      if (sessions.size > 0) await later(LAST_CLOSE_MS, () => {});
    },
  };

  function refusalOf(request: IncomingMessage): string | undefined {
    if (urlOf(request)?.pathname !== "/realtime") return "404 Not Found";
    if (!originAllowed(request, allowedOrigins)) return "403 Forbidden";
    if (draining || sessions.size >= maxSessions) return "503 Service Unavailable\r\nRetry-After: 1";
    return undefined;
  }
}

/** Only path and query matter; undefined for a request line that is no URL. */
function urlOf(request: IncomingMessage): URL | undefined {
  const url = `http://gateway${request.url}`;
  return URL.canParse(url) ? new URL(url) : undefined;
}

const wantsResume = (request: IncomingMessage): boolean => urlOf(request)?.searchParams.get("resume") === "1";

function refuse(socket: Duplex, statusAndHeaders: string): void {
  // Nobody else listens to a socket that asks for an upgrade: its error would end the process.
  socket.on("error", () => socket.destroy());
  socket.once("finish", () => socket.destroy());
  socket.end(`HTTP/1.1 ${statusAndHeaders}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
}

const later = (ms: number, then: () => void): Promise<void> =>
  new Promise((resolve) =>
    setTimeout(() => {
      then();
      resolve();
    }, ms),
  );
