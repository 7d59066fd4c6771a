import type { IncomingMessage } from "node:http";
import { bearerIn } from "@signalbox/node/http/bearer";

/** The subprotocol that a client speaks. CONTRACT section 4, "Token". */
export const SUBPROTOCOL = "signalbox.v1";
const BEARER_SUBPROTOCOL = "bearer.";

/** The URL of a request, of which only path and query matter; undefined for a request line that is no URL. */
export function urlOf(request: IncomingMessage): URL | undefined {
  const url = `http://gateway${request.url}`;
  return URL.canParse(url) ? new URL(url) : undefined;
}

/** The token of the `Authorization` header, or of a socket's subprotocols; undefined when its first frame is to bring it. */
export function tokenOf(request: IncomingMessage): string | undefined {
  const bearer = bearerIn(request.headers.authorization);
  if (bearer !== undefined) return bearer;
  const offered = (request.headers["sec-websocket-protocol"] ?? "").split(",").map((each) => each.trim());
  return offered.find((each) => each.startsWith(BEARER_SUBPROTOCOL))?.slice(BEARER_SUBPROTOCOL.length);
}
