import { Problem } from "@signalbox/protocol/errors";
import postgres from "postgres";

/** Classes and codes of SQLSTATE that may pass: connections, resources, the operator, time limits, a standby that only reads. */
const PASSING = /^(08|53|57|58|55P03|40001|40P01|25006|25P03|25P04)/;
/** What the library and the system call a connection that does not come about, or ends. */
const UNCONNECTED = /^(CONNECT|E[A-Z]+$)/;

/** What a unique index refuses that is no fault of ours: somebody else was first. */
const TAKEN: Readonly<Record<string, string>> = {
  rooms_of_matrix: "this Matrix room is bridged already",
  users_of_matrix: "this Matrix user is mapped to somebody else",
};

export const unavailable = (): Problem => new Problem("unavailable", "the store does not answer at the moment");

/** An error that counts as a lost connection. */
export const unconnected = (message: string): Error => Object.assign(new Error(message), { code: "CONNECTION_CLOSED" });

/**
 * What the caller is told of an error on a connection: `unavailable` for whatever may pass, `conflict` for what somebody else has taken,
 * `internal` with the SQLSTATE for what else the server refused; never the server's message, a statement or a parameter, which may hold texts of users. An error that is
 * neither is one of our own making and stays as it is.
 */
export function problemOf(error: unknown): unknown {
  if (error instanceof postgres.PostgresError) {
    if (PASSING.test(error.code)) return unavailable();
    const taken = error.code === "23505" ? TAKEN[error.constraint_name ?? ""] : undefined;
    if (taken !== undefined) return new Problem("conflict", taken);
    return new Problem("internal", `the store refused a statement (SQLSTATE ${error.code})`);
  }
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  return UNCONNECTED.test(code) ? unavailable() : error;
}
