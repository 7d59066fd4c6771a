/** How a socket says who it is before its first frame. CONTRACT section 4, "Token". */
import type { IncomingMessage } from "node:http";

/** The subprotocol that a server selects; a browser hands its token in beside it. */
export const SUBPROTOCOL = "signalbox.v1";
const BEARER_SUBPROTOCOL = "bearer.";

/** The token of the `Authorization` header, or of the subprotocols; undefined when the first frame is to bring it. */
export function tokenOf(request: IncomingMessage): string | undefined {
  const bearer = /^bearer +(\S+) *$/i.exec(request.headers.authorization ?? "")?.[1];
  if (bearer !== undefined) return bearer;
  const offered = (request.headers["sec-websocket-protocol"] ?? "").split(",").map((each) => each.trim());
  return offered.find((each) => each.startsWith(BEARER_SUBPROTOCOL))?.slice(BEARER_SUBPROTOCOL.length);
}

/** The port that an origin leaves out and a `Host` header may name. */
const OWN_PORT: Readonly<Record<string, string>> = { "http:": ":80", "https:": ":443" };

/**
 * Whether a page of this origin may connect: one of `allowed`, or, when none are set, of the host that was asked. Only
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
