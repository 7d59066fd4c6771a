import { createServer, type RequestListener, type Server } from "node:http";
import { getRequestListener } from "@hono/node-server";
import { Problem } from "@signalbox/protocol/errors";
import type { Hono } from "hono";
import { problemResponse } from "./problem.ts";

/** A request line of 64 KiB (a thousand ids in a URL) and a token of 16 KiB, in bytes. */
export const HEADER_BYTES = 80 * 1024;

/** The app as `node:http` calls it. Only a request line or Host that is no URL gets past the app's own errors. */
export const listenerOf = (app: Hono): RequestListener =>
  getRequestListener(app.fetch, {
    errorHandler: () => problemResponse(new Problem("invalid", "the request's URL or Host header is not valid")),
  });

export const serverOf = (app: Hono): Server => createServer({ maxHeaderSize: HEADER_BYTES }, listenerOf(app));

/** Resolves once the server listens; rejects when it cannot. */
export const listen = (
  server: Server,
  { host, port }: { readonly host: string; readonly port: number },
): Promise<void> =>
  new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, () => {
      server.off("error", reject);
      resolve();
    });
  });

/** Takes no more connections, and resolves when the last request that runs is answered. */
export const close = (server: Server): Promise<void> =>
  new Promise((resolve) => {
    server.close(() => resolve());
  });
