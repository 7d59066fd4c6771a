import { createServer, type RequestListener, type Server } from "node:http";
import { getRequestListener } from "@hono/node-server";
import type { Log } from "@signalbox/node/log";
import { Problem } from "@signalbox/protocol/errors";
import type { Hono } from "hono";
import { problemResponse } from "./problem.ts";

/** A request line of 64 KiB (a thousand ids in a URL) and a token of 16 KiB, in bytes. */
export const HEADER_BYTES = 80 * 1024;

/** The host of a request that names none, as HTTP/1.0 allows and load balancers do. No page has it as its origin. */
const UNNAMED_HOST = "unnamed.invalid";

const NOT_A_URL = "the request's URL or Host header is not valid";

/** The app as `node:http` calls it. A request line or a Host that is no URL never reaches the app: it is answered here. */
export function listenerOf(app: Hono, log: Pick<Log, "warn">): RequestListener {
  let logged = false;
  return getRequestListener(app.fetch, {
    hostname: UNNAMED_HOST,
    errorHandler() {
      if (!logged) log.warn(`a request was refused: ${NOT_A_URL}; no further one is logged`);
      logged = true;
      return problemResponse(new Problem("invalid", NOT_A_URL));
    },
  });
}

export const serverOf = (app: Hono, log: Pick<Log, "warn">): Server =>
  createServer({ maxHeaderSize: HEADER_BYTES }, listenerOf(app, log));

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
