import type { Count, Meter } from "@signalbox/core/ports/meter";
import { Problem } from "@signalbox/protocol/errors";
import { Connection, type Sql } from "./connection.ts";
import { problemOf, unavailable, unconnected } from "./errors.ts";

/** The limit for a call, in milliseconds, with its wait for a connection. */
const CALL_MS = 5_000;
/** Calls that wait for a connection, at most. */
const MOST_WAITING = 10_000;

interface Call {
  begin(connection: Connection): void;
  fail(): void;
}

/** Runs each call on a connection of its own, at most `size` at a time, and turns every failure into a `Problem`. */
export class Pool {
  readonly #url: string;
  readonly #size: number;
  readonly #idle: Connection[] = [];
  readonly #lent = new Set<Connection>();
  /** Calls in order of arrival; a set, so that a call can time out in the middle. */
  readonly #waiting = new Set<Call>();
  #closing: Promise<void> | undefined;
  #emptied = (): void => {};

  readonly #failures: Count;

  constructor(url: string, size: number, meter: Meter) {
    this.#url = url;
    this.#size = size;
    this.#failures = meter.counter("store_failures_total", "Calls of the store that failed, by their problem", [
      "code",
    ]);
    meter.gauge("store_calls_waiting", "Calls of the store that wait for a connection", () => this.#waiting.size);
    meter.gauge("store_connections_busy", "Connections of the store with a call under way", () => this.#lent.size);
  }

  /**
   * Runs `work` on a connection that no other call uses meanwhile. Rejects with `unavailable` when the server is away,
   * or after 5 seconds, which cuts `work` off. Other errors of the server become `internal`. A `Problem` of `work` is
   * passed on, and must leave no transaction open.
   */
  run<T>(work: (sql: Sql) => Promise<T>): Promise<T> {
    if (this.#closing || this.#waiting.size >= MOST_WAITING) return Promise.reject(unavailable());
    return new Promise<T>((resolve, reject) => {
      let connection: Connection | undefined;
      const finish = (): void => {
        clearTimeout(timer);
        this.#waiting.delete(call);
        if (connection) this.#release(connection);
      };
      const fail = (error: unknown): void => {
        // After a failure the state of the connection is unknown, so it is not used again.
        if (!(error instanceof Problem)) connection?.destroy();
        finish();
        const problem = problemOf(error);
        this.#failures({ code: problem instanceof Problem ? problem.code : "internal" });
        reject(problem);
      };
      const call: Call = {
        begin: (lent) => {
          connection = lent;
          work(lent.sql).then((result) => {
            finish();
            resolve(result);
          }, fail);
        },
        fail: () => fail(unconnected("no answer in time")),
      };
      const timer = setTimeout(call.fail, CALL_MS);
      this.#waiting.add(call);
      this.#serve();
    });
  }

  /** Refuses new calls, waits for calls under way, and ends every connection. Idempotent. */
  close(): Promise<void> {
    this.#closing ??= this.#end();
    return this.#closing;
  }

  async #end(): Promise<void> {
    for (const call of this.#waiting) call.fail();
    const emptied = new Promise<void>((resolve) => {
      this.#emptied = resolve;
    });
    if (this.#lent.size > 0) await emptied;
    await Promise.all(this.#idle.splice(0).map((connection) => connection.end()));
  }

  #serve(): void {
    for (const call of this.#waiting) {
      const connection = this.#free();
      if (!connection) return;
      this.#waiting.delete(call);
      this.#lent.add(connection);
      call.begin(connection);
    }
  }

  #free(): Connection | undefined {
    for (let idle = this.#idle.pop(); idle; idle = this.#idle.pop()) if (!idle.over) return idle;
    return this.#lent.size < this.#size ? new Connection(this.#url) : undefined;
  }

  #release(connection: Connection): void {
    // A call that was cut off releases its connection at its time limit, and perhaps again when its query rejects.
    if (!this.#lent.delete(connection)) return;
    if (!connection.over) this.#idle.push(connection);
    if (this.#lent.size === 0) this.#emptied();
    this.#serve();
  }
}
