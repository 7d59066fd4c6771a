import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import type { Metrics } from "@signalbox/node/metrics";
import { FRAME_BYTES } from "@signalbox/protocol/up";
import { type WebSocket, WebSocketServer } from "ws";
import { originAllowed, SUBPROTOCOL, tokenOf, urlOf } from "./handshake.ts";
import { Inbox } from "./inbox.ts";
import { Session, type SessionDeps } from "./session.ts";
import { codeOf, type Sessions } from "./sessions.ts";

export interface SocketsDeps {
  readonly sessions: Sessions;
  readonly session: SessionDeps;
  readonly allowedOrigins: readonly string[];
  readonly metrics: Metrics;
}

/** The WebSockets of a node, as `server.on("upgrade")` calls them. CONTRACT section 4. */
export function createSockets({ sessions, session: deps, allowedOrigins, metrics }: SocketsDeps) {
  const server = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    maxPayload: FRAME_BYTES,
    perMessageDeflate: false,
    handleProtocols: (offered) => (offered.has(SUBPROTOCOL) ? SUBPROTOCOL : false),
  });

  function accept(ws: WebSocket, socket: Duplex, request: IncomingMessage): void {
    const session = new Session(ws, socket, wantsResume(request), deps);
    const { connection } = session;
    const inbox = new Inbox(session, metrics);
    sessions.add(connection);
    ws.on("message", (data: Buffer, binary: boolean) => inbox.receive(binary ? undefined : data.toString("utf8")));
    ws.on("pong", () => session.pong());
    // The peer broke the protocol: the socket has sent a close frame by itself.
    ws.on("error", () => session.closing());
    ws.on("close", (heard) => {
      sessions.delete(connection);
      metrics.closed.inc({ code: codeOf(connection.closedFor, heard) });
      session.end();
    });
    const token = tokenOf(request);
    if (token !== undefined) void inbox.enter(token);
  }

  function refusalOf(request: IncomingMessage): string | undefined {
    if (urlOf(request)?.pathname !== "/realtime") return "404 Not Found";
    if (!originAllowed(request, allowedOrigins)) return "403 Forbidden";
    if (sessions.full) return "503 Service Unavailable\r\nRetry-After: 1";
    return undefined;
  }

  return (request: IncomingMessage, socket: Duplex, head: Buffer): void => {
    const refusal = refusalOf(request);
    if (refusal !== undefined) return refuse(socket, refusal);
    server.handleUpgrade(request, socket, head, (ws) => accept(ws, socket, request));
  };
}

const wantsResume = (request: IncomingMessage): boolean => urlOf(request)?.searchParams.get("resume") === "1";

function refuse(socket: Duplex, statusAndHeaders: string): void {
  // Nobody else listens to a socket that asks for an upgrade: its error would end the process.
  socket.on("error", () => socket.destroy());
  socket.once("finish", () => socket.destroy());
  socket.end(`HTTP/1.1 ${statusAndHeaders}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
}
