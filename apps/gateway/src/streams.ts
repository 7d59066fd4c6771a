import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from "node:http";
import type { Engine } from "@signalbox/core/ports/engine";
import type { Metrics } from "@signalbox/node/metrics";
import type { Claims } from "@signalbox/node/tokens";
import { Problem, problemBody } from "@signalbox/protocol/errors";
import { parseRoomId } from "@signalbox/protocol/ids";
import { allowOrigin, bearerOf, isPreflight, urlOf } from "./handshake.ts";
import { codeOf, type Sessions } from "./sessions.ts";
import { Stream, type StreamDeps } from "./stream.ts";

const PATH = /^\/chat\/api\/v1\/conversations\/([^/]+)\/signals$/;
/** Far longer than any ticket; no longer one is looked for. */
const TICKET_LENGTH = 128;

export interface StreamsDeps {
  readonly sessions: Sessions;
  readonly stream: StreamDeps;
  readonly engine: Pick<Engine, "tickets">;
  readonly allowedOrigins: readonly string[];
  readonly metrics: Pick<Metrics, "closed">;
}

/** The streams of a node: answers a request for one, and returns false for any other request. CONTRACT section 5, "SSE". */
export function createStreams({ sessions, stream: deps, engine, allowedOrigins, metrics }: StreamsDeps) {
  /** Counts a stream from here on until its connection is gone. */
  function take(request: IncomingMessage, response: ServerResponse): { stream: Stream; gone(): void } {
    const stream = new Stream(response, deps);
    const { connection } = stream;
    sessions.add(connection);
    const gone = () => {
      connection.end();
      request.socket.off("close", gone);
      sessions.delete(connection);
    };
    // Of several requests that came at once, those that wait for their turn never hear of their response's end.
    request.socket.once("close", gone);
    response.once("close", gone);
    response.on("error", gone);
    return { stream, gone };
  }

  async function answer(request: IncomingMessage, response: ServerResponse, url: URL, id: string): Promise<void> {
    if (sessions.full) throw new Problem("unavailable", "no more streams here", { retryAfterMs: 1000 });
    const { stream, gone } = take(request, response);
    try {
      const claims = await claimsOf(request, url);
      const roomId = parseRoomId(id);
      if (roomId === undefined) throw new Problem("not_found", "no such room");
      await stream.open({ claims, roomId, cursor: cursorOf(request, url) });
    } catch (error) {
      gone();
      throw error;
    }
    response.once("close", () => metrics.closed.inc({ code: codeOf(stream.connection.closedFor, 1006) }));
  }

  async function claimsOf(request: IncomingMessage, url: URL): Promise<Claims> {
    const token = bearerOf(request);
    if (token !== undefined) return deps.access.verify(token);
    const ticket = url.searchParams.get("ticket") ?? "";
    const content = ticket === "" || ticket.length > TICKET_LENGTH ? null : await engine.tickets.take(ticket);
    if (content !== null) return claimsIn(content);
    throw new Problem("unauthenticated", "a token in the Authorization header, or a ticket that is not used yet");
  }

  function fail(response: ServerResponse, error: unknown): void {
    const problem = error instanceof Problem ? error : new Problem("internal", "something went wrong on our side");
    if (problem !== error) deps.log.error({ err: error }, "a stream could not be opened");
    refuse(response, problem);
  }

  return (request: IncomingMessage, response: ServerResponse): boolean => {
    const url = urlOf(request);
    const id = PATH.exec(url?.pathname ?? "")?.[1];
    if (url === undefined || id === undefined) return false;
    // An end of the connection is only heard of behind whatever body there is.
    request.resume();
    allowOrigin(request, response, allowedOrigins);
    if (isPreflight(request)) response.writeHead(204).end();
    else if (request.method !== "GET")
      refuse(response, new Problem("invalid", "this path does not take this method"), 405, { Allow: "GET" });
    else answer(request, response, url, id).catch((error: unknown) => fail(response, error));
    return true;
  };
}

/** What `POST /v1/tickets` left for us: times in milliseconds since the epoch. */
function claimsIn(content: string): Claims {
  const { userId, service, issuedAt, expiresAt } = JSON.parse(content) as Record<"issuedAt" | "expiresAt", number> &
    Pick<Claims, "userId" | "service">;
  if (expiresAt <= Date.now()) throw new Problem("unauthenticated", "the token has expired");
  return { userId, service, name: null, issuedAt: new Date(issuedAt), expiresAt: new Date(expiresAt) };
}

/** The last event that the reader has. A browser that reconnects says so in the header, and repeats the query that its page began with. */
function cursorOf({ headers }: IncomingMessage, { searchParams }: URL): number | undefined {
  const given = headers["last-event-id"] ?? searchParams.get("last_event_id") ?? undefined;
  if (given === undefined) return undefined;
  const seq = /^\d{1,16}$/.test(String(given)) ? Number(given) : Number.NaN;
  if (Number.isSafeInteger(seq)) return seq;
  const path = "last_event_id";
  const message = "a whole number, as the id of an event";
  throw new Problem("invalid", `${path}: ${message}`, { errors: [{ path, message }] });
}

/** Answers with a problem. `status` is for what has no code of its own. */
function refuse(response: ServerResponse, problem: Problem, status?: number, more: OutgoingHttpHeaders = {}): void {
  const { code, retryAfterMs } = problem;
  const body = problemBody(problem, status);
  const headers: OutgoingHttpHeaders = { "Content-Type": "application/problem+json; charset=utf-8", ...more };
  if (code === "unauthenticated") headers["WWW-Authenticate"] = "Bearer";
  if (retryAfterMs !== undefined) headers["Retry-After"] = Math.max(1, Math.ceil(retryAfterMs / 1000));
  response.writeHead(body.status, headers).end(JSON.stringify(body));
}
