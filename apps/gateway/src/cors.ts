import type { IncomingMessage, ServerResponse } from "node:http";
import { sendAnswer } from "@signalbox/node/http/answer";
import { type CorsSurface, isPreflight, type Origins } from "@signalbox/node/http/cors";
import { problemAnswer } from "@signalbox/node/http/problem";

const SURFACE: CorsSurface = { methods: "GET", headers: "Authorization, Last-Event-ID" };

/** Sets the headers that let pages of allowed origins read the answer; true for a preflight, which is answered here. */
export function crossOrigin(origins: Origins, request: IncomingMessage, response: ServerResponse): boolean {
  const { origin, host, "access-control-request-method": requestedMethod } = request.headers;
  const preflight = isPreflight(request.method, requestedMethod);
  const headers = origins.headersFor(origin, preflight ? SURFACE : undefined);
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
  const refusal = origins.refusalOf({ origin, host });
  if (!preflight) return false;
  sendAnswer(response, refusal === undefined ? { status: 204, headers: {}, body: null } : problemAnswer(refusal));
  return true;
}
