/** What a request for a socket or a stream says of who asks, and from where. CONTRACT sections 1 and 4. */
import type { IncomingMessage, ServerResponse } from "node:http";

/** The subprotocol that a server selects; a browser hands its token in beside it. */
export const SUBPROTOCOL = "signalbox.v1";
const BEARER_SUBPROTOCOL = "bearer.";

/** Only path and query matter; undefined for a request line that is no URL. */
export function urlOf(request: IncomingMessage): URL | undefined {
  const url = `http://gateway${request.url}`;
  return URL.canParse(url) ? new URL(url) : undefined;
}

/** The token of the `Authorization` header. */
export const bearerOf = ({ headers }: IncomingMessage): string | undefined =>
  /^bearer +(\S+) *$/i.exec(headers.authorization ?? "")?.[1];

/** The token of the `Authorization` header, or of a socket's subprotocols; undefined when its first frame is to bring it. */
export function tokenOf(request: IncomingMessage): string | undefined {
  const bearer = bearerOf(request);
  if (bearer !== undefined) return bearer;
  const offered = (request.headers["sec-websocket-protocol"] ?? "").split(",").map((each) => each.trim());
  return offered.find((each) => each.startsWith(BEARER_SUBPROTOCOL))?.slice(BEARER_SUBPROTOCOL.length);
}

/** The port that an origin leaves out and a `Host` header may name. */
const OWN_PORT: Readonly<Record<string, string>> = { "http:": ":80", "https:": ":443" };

/**
 * Whether a page of this origin may open a socket: one of `allowed`, or, when none are set, of the host that was asked. Only
 * browsers send an origin, and cannot be made to send another; everybody else passes.
 */
export function originAllowed(request: IncomingMessage, allowed: readonly string[]): boolean {
  const origin = request.headers.origin?.toLowerCase();
  if (origin === undefined) return true;
  if (allowed.length > 0) return allowed.includes(origin);
  if (!URL.canParse(origin)) return false;
  const { protocol, host } = new URL(origin);
  const asked = request.headers.host?.toLowerCase();
  return protocol in OWN_PORT && (asked === host || asked === host + OWN_PORT[protocol]);
}

const PREFLIGHT = {
  "Access-Control-Allow-Methods": "GET",
  "Access-Control-Allow-Headers": "Authorization, Last-Event-ID",
  "Access-Control-Max-Age": "600",
};

/** Whether a browser asks what it may ask. */
export const isPreflight = ({ method, headers }: IncomingMessage): boolean =>
  method === "OPTIONS" && headers["access-control-request-method"] !== undefined;

/** Lets pages of these origins read what is answered, as REST does. No cookie plays a part: without it, a page reads nothing. */
export function allowOrigin(request: IncomingMessage, response: ServerResponse, allowed: readonly string[]): void {
  response.setHeader("Vary", "Origin");
  const { origin } = request.headers;
  if (origin === undefined || !allowed.includes(origin)) return;
  response.setHeader("Access-Control-Allow-Origin", origin);
  response.setHeader("Access-Control-Expose-Headers", "Retry-After");
  if (!isPreflight(request)) return;
  for (const [name, value] of Object.entries(PREFLIGHT)) response.setHeader(name, value);
}
