/** A real Synapse on loopback, with SQLite and Signalbox as its application service, that can be killed and started again. */
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, readFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { Guard } from "@signalbox/infra/redis-guard";
import { freePort } from "@signalbox/infra/redis-process";
import { until } from "../support/until.ts";
import { MatrixClient } from "./matrix-client.ts";
import { findSynapse } from "./synapse-binary.ts";

const run = promisify(execFile);
const ROOT = fileURLToPath(new URL("../../", import.meta.url));
/** Milliseconds of a start: two busy cores create its first tables in ten seconds at best. */
const START_MS = 120_000;
const POLL_MS = 100;
const OWES_MS = 30_000;

/** The settings of both sides of the bridge. */
export interface Bridge {
  /** The URL at which an API node has to listen for Synapse. */
  readonly appUrl: string;
  /** The URL of Synapse. */
  readonly homeserverUrl: string;
  readonly asToken: string;
  readonly hsToken: string;
}

/** The part after ":" in every Matrix id of these tests. */
export const SERVER_NAME = "matrix.example";

/** A bridge with new ports and secrets, before either side is started. */
export async function planBridge(): Promise<Bridge> {
  const secret = () => randomBytes(32).toString("hex");
  const url = async () => `http://127.0.0.1:${await freePort()}`;
  return { appUrl: await url(), homeserverUrl: await url(), asToken: secret(), hsToken: secret() };
}

export class Synapse {
  readonly url: string;
  readonly #python: string;
  readonly #folder: string;
  readonly #guard: Guard;
  readonly #sharedSecret: string;
  #child: ChildProcess | undefined;

  private constructor(place: { python: string; folder: string; url: string; sharedSecret: string }) {
    this.url = place.url;
    this.#python = place.python;
    this.#folder = place.folder;
    this.#sharedSecret = place.sharedSecret;
    this.#guard = new Guard(place.folder);
  }

  /** Starts a homeserver without data. It ends with this process, also when that is killed. */
  static async open(bridge: Bridge): Promise<Synapse> {
    const python = await findSynapse();
    const folder = await mkdtemp(join(tmpdir(), "signalbox-synapse-"));
    const sharedSecret = randomBytes(32).toString("hex");
    const synapse = new Synapse({ python, folder, url: bridge.homeserverUrl, sharedSecret });
    try {
      await configure(folder, sharedSecret, bridge);
      await synapse.start();
      return synapse;
    } catch (error) {
      await synapse.stop();
      throw error;
    }
  }

  /** Registers a user by the shared secret; resolves with its client, logged in. */
  register(username: string): Promise<MatrixClient> {
    return MatrixClient.register(this.url, username, this.#sharedSecret);
  }

  /** Starts the server on its port and its data, also again; resolves when it answers. */
  async start(): Promise<void> {
    if (this.#child !== undefined) return;
    const child = spawn(this.#python, ["-m", "synapse.app.homeserver", "-c", join(this.#folder, "homeserver.yaml")], {
      cwd: this.#folder,
      stdio: "ignore",
    });
    this.#child = child;
    const { pid } = child;
    if (pid !== undefined) this.#guard.record("+", pid);
    child.once("error", () => {});
    child.once("exit", () => {
      if (pid !== undefined) this.#guard.record("-", pid);
      if (this.#child === child) this.#child = undefined;
    });
    const serves = async () => {
      if (this.#child !== child) throw new Error(`Synapse ended: ${await this.lastWords()}`);
      return answers(this.url);
    };
    await until(serves, START_MS, () => this.lastWords(), POLL_MS);
  }

  /**
   * Resolves when the event is in a transaction that Synapse has stored and will retry, also after a restart. Killed before that,
   * it loses events in memory, and leaves a transaction under way as it is until the next one fails.
   */
  async owes(eventId: string): Promise<void> {
    const query =
      "select count(*) from application_services_txns natural join application_services_state where state = 'down' and event_ids like ?";
    const script = `import sqlite3, sys; print(sqlite3.connect(sys.argv[1]).execute("${query}", [sys.argv[2]]).fetchone()[0])`;
    const args = ["-c", script, join(this.#folder, "homeserver.db"), `%${eventId}%`];
    await until(
      async () => (await run(this.#python, args)).stdout.trim() === "1",
      OWES_MS,
      () => this.lastWords(),
    );
  }

  /** kill -9; resolves when the process is gone. */
  async kill(): Promise<void> {
    const child = this.#child;
    if (child === undefined) return;
    const gone = once(child, "exit");
    child.kill("SIGKILL");
    await gone;
  }

  /** The lines of its log about the bridge and errors, and the last ones, for the message of a failed test. */
  async lastWords(): Promise<string> {
    const log = await readFile(join(this.#folder, "homeserver.log"), "utf8").catch(() => "it logged nothing");
    const lines = log.trimEnd().split("\n");
    const telling = lines.filter((line) => / (WARNING|ERROR|CRITICAL) | synapse\.appservice\./.test(line));
    return [...telling.slice(-25), "…", ...lines.slice(-5)].map((line) => line.slice(0, 300)).join("\n");
  }

  /** Ends the server and removes its files. Idempotent. */
  async stop(): Promise<void> {
    await this.#guard.end();
  }
}

const answers = (url: string): Promise<boolean> =>
  fetch(`${url}/health`, { signal: AbortSignal.timeout(2000) }).then(
    ({ ok }) => ok,
    () => false,
  );

/** Writes Synapse's files; its YAML files are JSON, which is valid YAML. */
async function configure(folder: string, sharedSecret: string, bridge: Bridge): Promise<void> {
  const put = (name: string, content: string) => writeFile(join(folder, name), content, { mode: 0o600 });
  const signingKey = randomBytes(32).toString("base64").replace(/=+$/, "");
  await Promise.all([
    put(
      "homeserver.yaml",
      JSON.stringify(homeserver(folder, Number(new URL(bridge.homeserverUrl).port), sharedSecret)),
    ),
    put("log.yaml", JSON.stringify(logging(folder))),
    put("signing.key", `ed25519 a_test ${signingKey}\n`),
    put("registration.yaml", await registration(bridge)),
  ]);
}

/** The output of the project's own command. */
async function registration({ appUrl, asToken, hsToken }: Bridge): Promise<string> {
  const command = ["--conditions=development", "--import", "tsx", "infra/matrix/registration.ts", appUrl, SERVER_NAME];
  const env = { PATH: process.env.PATH, MATRIX_AS_TOKEN: asToken, MATRIX_HS_TOKEN: hsToken };
  return (await run(process.execPath, command, { cwd: ROOT, env })).stdout;
}

function homeserver(folder: string, port: number, sharedSecret: string): object {
  const secret = () => randomBytes(32).toString("hex");
  return {
    server_name: SERVER_NAME,
    pid_file: join(folder, "homeserver.pid"),
    listeners: [{ port, type: "http", bind_addresses: ["127.0.0.1"], resources: [{ names: ["client", "media"] }] }],
    database: { name: "sqlite3", args: { database: join(folder, "homeserver.db") } },
    log_config: join(folder, "log.yaml"),
    media_store_path: join(folder, "media"),
    signing_key_path: join(folder, "signing.key"),
    app_service_config_files: [join(folder, "registration.yaml")],
    enable_registration: false,
    registration_shared_secret: sharedSecret,
    macaroon_secret_key: secret(),
    form_secret: secret(),
    // Cheap password hashes: the server is reachable on loopback only.
    bcrypt_rounds: 4,
    // No federation, in either direction.
    federation_domain_whitelist: [],
    trusted_key_servers: [],
    report_stats: false,
    // Reads are current, not up to two minutes old.
    caches: { sync_response_cache_duration: "0s" },
    ...unlimited(),
  };
}

/** No rate limits: tests write faster than people do. */
function unlimited(): object {
  const limit = { per_second: 100_000, burst_count: 100_000 };
  return {
    rc_message: limit,
    rc_registration: limit,
    rc_login: { address: limit, account: limit, failed_attempts: limit },
    rc_joins: { local: limit, remote: limit },
    rc_joins_per_room: limit,
    rc_invites: { per_room: limit, per_user: limit, per_issuer: limit },
    rc_media_create: limit,
    rc_presence: { per_user: limit },
    rc_room_creation: limit,
  };
}

function logging(folder: string): object {
  return {
    version: 1,
    formatters: { plain: { format: "%(asctime)s %(levelname)s %(name)s %(message)s" } },
    handlers: { file: { class: "logging.FileHandler", formatter: "plain", filename: join(folder, "homeserver.log") } },
    root: { level: "INFO", handlers: ["file"] },
    disable_existing_loggers: false,
  };
}
