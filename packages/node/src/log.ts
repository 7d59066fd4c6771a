import pino, { type DestinationStream, type Logger } from "pino";
import type { Config } from "./config.ts";

export type Log = Logger;

/** What may carry a token or a secret, wherever a caller put it. */
const SECRETS = ["authorization", "token", "ticket", "secret", "password", "sec-websocket-protocol"];

/** Writes one line of JSON per entry to standard output: the only way there. */
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
 * Only what says where and which: an error's other fields may hold what somebody sent (a row that Postgres refused, a
 * query with its parameters).
 */
function described(error: unknown): unknown {
  if (!(error instanceof Error)) return { type: typeof error };
  const code = "code" in error ? { code: error.code } : {};
  const cause = error.cause instanceof Error ? { cause: error.cause.message } : {};
  return { type: error.name, message: error.message, stack: error.stack, ...code, ...cause };
}
