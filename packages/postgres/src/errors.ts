import { Problem } from "@signalbox/protocol/errors";
import postgres from "postgres";

/** SQLSTATE classes and codes of temporary failures: connections, resources, the operator, time limits, a read-only standby. */
const TEMPORARY = /^(08|53|57|58|55P03|40001|40P01|25006|25P03|25P04)/;
/** Error codes of the library and the system for a connection that fails or ends. */
const UNCONNECTED = /^(CONNECT|E[A-Z]+$)/;

/** The conflicts behind unique indexes, where another request came first. */
const TAKEN: Readonly<Record<string, string>> = {
  rooms_of_matrix: "this Matrix room is bridged already",
  users_of_matrix: "this Matrix user is mapped to another user",
};

export const unavailable = (): Problem => new Problem("unavailable", "the store does not answer at the moment");

/** An error that counts as a lost connection. */
export const unconnected = (message: string): Error => Object.assign(new Error(message), { code: "CONNECTION_CLOSED" });

/**
 * The problem for an error on a connection: `unavailable` for a temporary failure, `conflict` for a unique index of
 * `TAKEN`, and `internal` with the SQLSTATE for any other error of the server. It never holds the server's message, a
 * statement or a parameter, which may hold texts of users. An error that is not the connection's is returned unchanged.
 */
export function problemOf(error: unknown): unknown {
  if (error instanceof postgres.PostgresError) {
    if (TEMPORARY.test(error.code)) return unavailable();
    const taken = error.code === "23505" ? TAKEN[error.constraint_name ?? ""] : undefined;
    if (taken !== undefined) return new Problem("conflict", taken);
    return new Problem("internal", `the store refused a statement (SQLSTATE ${error.code})`);
  }
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  return UNCONNECTED.test(code) ? unavailable() : error;
}
