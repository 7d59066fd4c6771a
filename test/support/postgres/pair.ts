/** A primary and its streaming standby behind one fixed address, which follows the promotions. */
import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { giveTo } from "@signalbox/postgres/os-account";
import { TcpProxy } from "../../sdk/proxy.ts";
import { until } from "../until.ts";
import { backUp } from "./backup.ts";
import { type PostgresServer, type Settings, Yard } from "./server.ts";

const PATIENCE_MS = 20_000;

export interface PairOptions {
  /** A commit waits until the standby has it. */
  readonly synchronous?: boolean;
}

export class Pair {
  readonly #yard: Yard;
  readonly #settings: Settings;
  /** Between the nodes and the primary. */
  readonly #door: TcpProxy;
  /** Between the standby and the primary. */
  readonly #link: TcpProxy;
  #primary: PostgresServer;
  #other: PostgresServer;

  private constructor(
    yard: Yard,
    settings: Settings,
    servers: { primary: PostgresServer; other: PostgresServer },
    proxies: { door: TcpProxy; link: TcpProxy },
  ) {
    this.#yard = yard;
    this.#settings = settings;
    this.#primary = servers.primary;
    this.#other = servers.other;
    this.#door = proxies.door;
    this.#link = proxies.link;
  }

  /** Starts both; resolves once the standby streams. */
  static async start({ synchronous = false }: PairOptions = {}): Promise<Pair> {
    const yard = await Yard.open();
    // Set on both: it counts for whichever is the primary.
    const settings = synchronous ? { synchronous_standby_names: "*", synchronous_commit: "on" } : {};
    const primary = await yard.cluster();
    const other = await yard.place();
    const made: { pair?: Pair } = {};
    const target = () => made.pair?.primary.url ?? primary.url;
    const proxies = { door: await TcpProxy.open(target), link: await TcpProxy.open(target) };
    made.pair = new Pair(yard, settings, { primary, other }, proxies);
    try {
      await primary.start(settings);
      await made.pair.seed();
      return made.pair;
    } catch (error) {
      await made.pair.end();
      throw error;
    }
  }

  get primary(): PostgresServer {
    return this.#primary;
  }

  /** The address that stays: `DATABASE_URL` of the nodes. */
  get url(): string {
    return this.#primary.urlAt(Number(new URL(this.#door.url).port));
  }

  /** Makes the server that is not the primary a standby of it, by a new copy. Resolves once it streams. */
  async seed(): Promise<void> {
    const standby = this.#other;
    await rm(standby.folder, { recursive: true, force: true });
    await backUp(this.#primary, standby.folder);
    const mark = join(standby.folder, "standby.signal");
    await writeFile(mark, "");
    await giveTo(mark, this.#yard.account);
    this.#link.admits = true;
    const { port } = new URL(this.#link.url);
    const link = `host=127.0.0.1 port=${port} user=signalbox password=${this.#yard.password} application_name=standby`;
    await standby.start({ ...this.#settings, primary_conninfo: link });
    await until(
      () => this.#streams(),
      PATIENCE_MS,
      () => "the standby does not stream",
    );
  }

  /** Resolves once the standby has applied all that the primary has written up to now. */
  async caughtUp(): Promise<void> {
    const [{ lsn }] = await this.#primary.run(
      (sql) => sql<[{ lsn: string }]>`select pg_current_wal_lsn()::text as lsn`,
    );
    await this.#other.run(async (sql) => {
      const has = async () => {
        const [row] = await sql<[{ has: boolean }]>`select pg_last_wal_replay_lsn() >= ${lsn}::pg_lsn as has`;
        return row.has;
      };
      await until(has, PATIENCE_MS, () => "the standby does not catch up");
    });
  }

  /**
   * Lets nothing more reach the standby: `cut` ends the link, `freeze` leaves it open without a byte. What it has received it
   * applies at a promotion, so that pg_wal_replay_pause would lose nothing.
   */
  lag(how: "cut" | "freeze"): void {
    this.#link.admits = false;
    if (how === "cut") this.#link.cut();
    else for (const way of ["up", "down"] as const) this.#link.silence(way);
  }

  /** Kills the primary. */
  kill(): Promise<void> {
    return this.#primary.kill();
  }

  /** Makes the standby the primary, and has the fixed address lead there. The killed one is the next standby. */
  async promote(): Promise<void> {
    const [killed, promoted] = [this.#primary, this.#other];
    this.#link.admits = false;
    this.#link.cut();
    await promoted.run(async (sql) => {
      const [row] = await sql<[{ promoted: boolean }]>`select pg_promote(true, 30) as promoted`;
      if (!row.promoted) throw new Error("the standby was not promoted");
    });
    this.#primary = promoted;
    this.#other = killed;
    this.#door.cut();
  }

  /** Starts the killed primary by itself, so that `read` sees what it had; nothing else reaches it. */
  async autopsy<T>(read: (server: PostgresServer) => Promise<T>): Promise<T> {
    await this.#other.start();
    try {
      return await read(this.#other);
    } finally {
      await this.#other.stop();
    }
  }

  async end(): Promise<void> {
    this.#door.close();
    this.#link.close();
    await this.#yard.end();
  }

  async #streams(): Promise<boolean> {
    const wanted = this.#settings.synchronous_standby_names === undefined ? "async" : "sync";
    const [row] = await this.#primary.run(
      (sql) => sql<[{ count: number }]>`
        select count(*) from pg_stat_replication where state = 'streaming' and sync_state = ${wanted}`,
    );
    return Number(row.count) === 1;
  }
}
