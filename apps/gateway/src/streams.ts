import type { IncomingMessage, ServerResponse } from "node:http";
import type { Engine } from "@signalbox/core/ports/engine";
import { sendAnswer } from "@signalbox/node/http/answer";
import { bearerIn } from "@signalbox/node/http/bearer";
import type { Origins } from "@signalbox/node/http/cors";
import { methodProblem, problemAnswer, reportedProblem } from "@signalbox/node/http/problem";
import type { Metrics } from "@signalbox/node/metrics";
import type { Claims } from "@signalbox/node/tokens";
import { type Cursor, parseCursor } from "@signalbox/protocol/cursor";
import { invalidField, Problem } from "@signalbox/protocol/errors";
import { parseRoomId } from "@signalbox/protocol/ids";
import { crossOrigin } from "./cors.ts";
import { urlOf } from "./handshake.ts";
import { codeOf, type Sessions } from "./sessions.ts";
import { Stream, type StreamDeps } from "./stream.ts";

const PATH = /^\/chat\/api\/v1\/conversations\/([^/]+)\/signals$/;
/** Far longer than any ticket; a longer text is not looked up. */
const TICKET_LENGTH = 128;

export interface StreamsDeps {
  readonly sessions: Sessions;
  readonly stream: StreamDeps;
  readonly engine: Pick<Engine, "tickets">;
  readonly origins: Origins;
  readonly metrics: Pick<Metrics, "closed">;
}

/** The streams of a node: answers a request for one, and returns false for any other request. CONTRACT section 5, "SSE". */
export function createStreams({ sessions, stream: deps, engine, origins, metrics }: StreamsDeps) {
  /** Counts a stream from here on until its connection is gone. */
  function open(request: IncomingMessage, response: ServerResponse): { stream: Stream; gone(): void } {
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
    const { stream, gone } = open(request, response);
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

  async function claimsOf({ headers }: IncomingMessage, url: URL): Promise<Claims> {
    const token = bearerIn(headers.authorization);
    if (token !== undefined) return deps.access.verify(token);
    const ticket = url.searchParams.get("ticket") ?? "";
    const content = ticket === "" || ticket.length > TICKET_LENGTH ? null : await engine.tickets.take(ticket);
    if (content !== null) return claimsIn(content);
    throw new Problem("unauthenticated", "a token in the Authorization header, or a ticket that is not used yet");
  }

  return (request: IncomingMessage, response: ServerResponse): boolean => {
    const url = urlOf(request);
    const id = PATH.exec(url?.pathname ?? "")?.[1];
    if (url === undefined || id === undefined) return false;
    // The end of the connection is only noticed behind the body, if there is one.
    request.resume();
    if (crossOrigin(origins, request, response)) return true;
    if (request.method !== "GET") sendAnswer(response, methodProblem(["GET"]));
    else
      answer(request, response, url, id).catch((error: unknown) =>
        sendAnswer(response, problemAnswer(reportedProblem(error, deps.log, "a stream could not be opened"))),
      );
    return true;
  };
}

/** The content of a ticket of `POST /v1/tickets`: times in milliseconds since the epoch. */
function claimsIn(content: string): Claims {
  const { userId, service, issuedAt, expiresAt } = JSON.parse(content) as Record<"issuedAt" | "expiresAt", number> &
    Pick<Claims, "userId" | "service">;
  if (expiresAt <= Date.now()) throw new Problem("unauthenticated", "the token has expired");
  return { userId, service, name: null, issuedAt: new Date(issuedAt), expiresAt: new Date(expiresAt) };
}

/** The last event that the reader has. A browser that reconnects names it in the header, and repeats the first query. */
function cursorOf({ headers }: IncomingMessage, { searchParams }: URL): Cursor | undefined {
  const given = headers["last-event-id"] ?? searchParams.get("last_event_id") ?? undefined;
  if (given === undefined) return undefined;
  const cursor = parseCursor(String(given));
  if (cursor === undefined) throw invalidField("last_event_id", "the id of an event of this stream, or its seq");
  return cursor;
}
