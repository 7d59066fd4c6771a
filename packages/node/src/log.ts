import pino, { type DestinationStream, type Logger } from "pino";
import type { Config } from "./config.ts";

export type Log = Logger;

/** Fields that may carry a token or a secret: left out at any depth up to three. */
const SECRETS = ["authorization", "token", "ticket", "secret", "password", "sec-websocket-protocol"];

/** Writes one line of JSON per entry to standard output. Nothing else writes there. */
export function createLog({ kind, logLevel }: Pick<Config, "kind" | "logLevel">, destination?: DestinationStream): Log {
  const options = {
    level: logLevel,
    base: { node: kind, pid: process.pid },
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
    redact: SECRETS.flatMap((name) => [`["${name}"]`, `*["${name}"]`, `*.*["${name}"]`]),
    serializers: { err: described },
  };
  return destination === undefined ? pino(options) : pino(options, destination);
}

/**
 * Keeps the fields that name an error and its place. Others may hold a user's data: a row that Postgres refused, a query
 * with its parameters.
 */
function described(error: unknown): unknown {
  if (!(error instanceof Error)) return { type: typeof error };
  const code = "code" in error ? { code: error.code } : {};
  const cause = error.cause instanceof Error ? { cause: error.cause.message } : {};
  return { type: error.name, message: error.message, stack: error.stack, ...code, ...cause };
}
