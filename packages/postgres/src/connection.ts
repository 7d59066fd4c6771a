import { connect, type Socket } from "node:net";
import postgres from "postgres";
import { unconnected } from "./errors.ts";

/** The server's limit for one statement, or for the wait for one lock, in milliseconds: shorter than the caller's. */
const STATEMENT_MS = 4_500;
const CONNECT_MS = 4_000;

const bigint = { to: 20, from: [20], serialize: String, parse: Number };
/** Lists of ids and numbers. Matrix ids may hold quotes and backslashes. */
const list = (oid: number) => ({
  to: oid,
  from: [],
  serialize: (ids: readonly unknown[]) => `{${ids.map((id) => `"${String(id).replace(/["\\]/g, "\\$&")}"`).join()}}`,
  parse: String,
});
const types = { bigint, bigints: list(1016), uuids: list(2951), texts: list(1009) };

/** Tagged templates for one connection. Columns come back in camel case, `bigint` as number. */
export type Sql = postgres.Sql<{ bigint: number }>;

/** Every query of the store is a look-up by index: the planner must not guess from old statistics that a table is small. */
const LOOK_UPS = {
  plan_cache_mode: "force_generic_plan",
  enable_seqscan: "off",
  enable_hashjoin: "off",
  enable_mergejoin: "off",
  jit: "off",
};

/** The limits of a connection that serves callers. */
export const SERVING = {
  ...LOOK_UPS,
  statement_timeout: STATEMENT_MS,
  lock_timeout: STATEMENT_MS,
  idle_in_transaction_session_timeout: STATEMENT_MS,
};

interface Address {
  readonly host: readonly string[];
  readonly port: readonly number[];
  readonly path: string | false;
}

/**
 * One connection to the server, for one call at a time. It opens once, with its first query, and stays ended after an end. The
 * library would open it again and go on in the middle of a transaction, or write to the closed socket and crash the process
 * (porsager/postgres issues 1208 and 1216).
 */
export class Connection {
  readonly sql: Sql;
  readonly openedAt = performance.now();
  #socket: Socket | undefined;
  #over = false;

  /** `parameters` are settings of the server for this session. */
  constructor(url: string, parameters: Record<string, string | number | boolean> = SERVING) {
    const options = {
      max: 1,
      connect_timeout: CONNECT_MS / 1000,
      idle_timeout: undefined,
      max_lifetime: null,
      prepare: true,
      types,
      // The library's query for more types would reject without a handler when the connection ends meanwhile.
      fetch_types: false,
      transform: { column: { from: postgres.toCamel } },
      connection: { application_name: "signalbox", ...parameters },
      onnotice: () => {},
      onclose: () => this.destroy(),
      // Undocumented in the types, though in the library's manual ("Connection details").
      socket: (address: Address) => this.#open(address),
    };
    this.sql = postgres(url, options);
  }

  /** True once the connection has ended. */
  get over(): boolean {
    return this.#over;
  }

  /** Ends the connection after the queries under way. */
  async end(): Promise<void> {
    await this.sql.end();
    this.destroy();
  }

  /** Ends the connection at once; queries under way reject. Idempotent. */
  destroy(): void {
    this.#over = true;
    this.#socket?.destroy();
  }

  async #open({ host, port, path }: Address): Promise<Socket> {
    if (this.#over || this.#socket) throw unconnected("this connection has ended");
    const socket = path ? connect(path) : connect({ host: host[0] ?? "localhost", port: port[0] ?? 5432 });
    this.#socket = socket;
    await opened(socket);
    // The library reads the server name for TLS from here.
    return Object.assign(socket, { host: host[0] });
  }
}

function opened(socket: Socket): Promise<void> {
  return new Promise((resolve, reject) => {
    const late = setTimeout(() => socket.destroy(unconnected("no connection in time")), CONNECT_MS);
    socket.once("connect", () => {
      clearTimeout(late);
      socket.removeAllListeners();
      resolve();
    });
    socket.once("close", () => {
      clearTimeout(late);
      reject(unconnected("no connection"));
    });
    socket.once("error", reject);
  });
}
