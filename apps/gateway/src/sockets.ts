import { type IncomingMessage, STATUS_CODES } from "node:http";
import type { Duplex } from "node:stream";
import type { Origins } from "@signalbox/node/http/cors";
import { problemAnswer } from "@signalbox/node/http/problem";
import type { Metrics } from "@signalbox/node/metrics";
import { Problem } from "@signalbox/protocol/errors";
import { FRAME_BYTES } from "@signalbox/protocol/up";
import { type WebSocket, WebSocketServer } from "ws";
import { SUBPROTOCOL, tokenOf, urlOf } from "./handshake.ts";
import { Inbox } from "./inbox.ts";
import { Session, type SessionDeps } from "./session.ts";
import { codeOf, type Sessions } from "./sessions.ts";

export interface SocketsDeps {
  readonly sessions: Sessions;
  readonly session: SessionDeps;
  readonly origins: Origins;
  readonly metrics: Metrics;
}

/** The WebSockets of a node, as `server.on("upgrade")` calls them. CONTRACT section 4. */
export function createSockets({ sessions, session: deps, origins, metrics }: SocketsDeps) {
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

  function refusalOf(request: IncomingMessage): Problem | undefined {
    const { origin, host } = request.headers;
    if (urlOf(request)?.pathname !== "/realtime") return new Problem("not_found", "sockets are at /realtime");
    const refusal = origins.refusalOf({ origin, host });
    if (refusal !== undefined || !sessions.full) return refusal;
    return new Problem("unavailable", "no more sessions here", { retryAfterMs: 1000 });
  }

  return (request: IncomingMessage, socket: Duplex, head: Buffer): void => {
    const refusal = refusalOf(request);
    if (refusal !== undefined) return refuse(socket, refusal);
    server.handleUpgrade(request, socket, head, (ws) => accept(ws, socket, request));
  };
}

const wantsResume = (request: IncomingMessage): boolean => urlOf(request)?.searchParams.get("resume") === "1";

/** Answers a request for an upgrade that the WebSocket library has not seen. */
function refuse(socket: Duplex, problem: Problem): void {
  // The socket has no other listener now: its error would end the process.
  socket.on("error", () => socket.destroy());
  socket.once("finish", () => socket.destroy());
  const { status, headers, body } = problemAnswer(problem);
  const all = { ...headers, Connection: "close", "Content-Length": Buffer.byteLength(body) };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${lines.join("")}\r\n${body}`);
}
