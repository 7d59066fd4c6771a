import type { Count, Meter } from "@signalbox/core/ports/meter";
import { Problem } from "@signalbox/protocol/errors";
import { Connection, type Sql } from "./connection.ts";
import { problemOf, unavailable, unconnected } from "./errors.ts";
import { askHistory, compareHistory, type Present, presentAfter } from "./history-id.ts";

/** The limit for a call, in milliseconds, with its wait for a connection. */
const CALL_MS = 5_000;
/** The pause after a server that is read-only or stale, in milliseconds. Each such call keeps its place among the `size`. */
const REFUSED_MS = 100;
/**
 * The age, in milliseconds, at which a connection is replaced. An address may lead to another server while the former primary
 * still answers on the connections that it has: only a new one shows that.
 */
const LIFETIME_MS = 60_000;
/** Calls that wait for a connection, at most. */
const MOST_WAITING = 10_000;

const switched = (): Error => unconnected("the store has switched");

interface Call {
  begin(connection: Connection): void;
  fail(): void;
}

/**
 * Runs each call on a connection of its own, at most `size` at a time, and turns every failure into a `Problem`. Each new
 * connection first tells which history its server has: a read-only or stale server gets no calls, and after a switch no call of
 * before succeeds.
 */
export class Pool {
  /** Called after a switch, before the first call on the new server. */
  onSwitch = (): void => {};

  readonly #url: string;
  readonly #size: number;
  readonly #idle: Connection[] = [];
  readonly #lent = new Set<Connection>();
  /** Calls in order of arrival; a set, so that a call can time out in the middle. */
  readonly #waiting = new Set<Call>();
  #closing: Promise<void> | undefined;
  #emptied = (): void => {};
  #present: Present | null = null;
  /** The connections of the present history. */
  #admitted = new WeakSet<Connection>();

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
      let pause: NodeJS.Timeout | undefined;
      let over = false;
      const finish = (): void => {
        over = true;
        clearTimeout(timer);
        clearTimeout(pause);
        this.#waiting.delete(call);
        if (connection) this.#release(connection);
      };
      const fail = (error: unknown): void => {
        // A call that was cut off fails at its time limit, and again when its query rejects.
        if (over) return;
        // After a failure the state of the connection is unknown, so it is not used again.
        if (!(error instanceof Problem)) connection?.destroy();
        finish();
        const problem = problemOf(error);
        this.#failures({ code: problem instanceof Problem ? problem.code : "internal" });
        reject(problem);
      };
      const attempt = (lent: Connection): void => {
        const outcome = work(lent.sql);
        outcome.then(
          (result) => {
            if (over) return;
            if (!this.#admitted.has(lent)) return fail(switched());
            finish();
            resolve(result);
          },
          (error: unknown) => fail(this.#admitted.has(lent) ? error : switched()),
        );
      };
      const again = (refused: Connection): void => {
        if (this.#closing !== undefined) return call.fail();
        connection = undefined;
        this.#waiting.add(call);
        this.#release(refused);
      };
      const call: Call = {
        begin: (lent) => {
          connection = lent;
          if (this.#admitted.has(lent)) return attempt(lent);
          this.#admit(lent)
            .then((admitted) => {
              if (over) return;
              if (admitted) return attempt(lent);
              lent.destroy();
              pause = setTimeout(again, REFUSED_MS, lent);
            })
            .catch(fail);
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

  /** True when the server of this new connection may serve calls. Tells of a switch that the connection shows. */
  async #admit(connection: Connection): Promise<boolean> {
    const found = await askHistory(connection.sql);
    const comparison = compareHistory(this.#present, found);
    if (comparison === "read_only" || comparison === "stale") return false;
    this.#present = presentAfter(this.#present, found);
    if (comparison === "switched") {
      // Lent connections of before end with their calls, which must not succeed: the server may be no primary any more.
      this.#admitted = new WeakSet();
      for (const idle of this.#idle.splice(0)) idle.destroy();
    }
    this.#admitted.add(connection);
    if (comparison === "switched") this.onSwitch();
    return true;
  }

  #release(connection: Connection): void {
    // A call that was cut off releases its connection at its time limit, and perhaps again when its query rejects.
    if (!this.#lent.delete(connection)) return;
    const outlived = performance.now() - connection.openedAt > LIFETIME_MS;
    if (!connection.over && !outlived && this.#admitted.has(connection)) this.#idle.push(connection);
    else connection.destroy();
    if (this.#lent.size === 0) this.#emptied();
    this.#serve();
  }
}
