/**
 * Finds a Redis or Valkey server of version 7 or newer. On Debian and Ubuntu it fetches one into the project's cache,
 * without root.
 */
import { execFile } from "node:child_process";
import { access, mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { delimiter, dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const run = promisify(execFile);
const CACHE = fileURLToPath(new URL("../../.cache/redis", import.meta.url));
const FETCHED = join(CACHE, "server");
const INSTALL =
  "No redis-server or valkey-server of version 7 or newer was found: install one (apt install redis-server, brew install redis) or set REDIS_SERVER_BIN to its path.";

/** A server to spawn: its path, and the environment that it needs. */
export interface RedisBinary {
  readonly path: string;
  readonly env: NodeJS.ProcessEnv;
}

/**
 * The server at REDIS_SERVER_BIN, else the first one on the PATH that is new enough, else one from the distribution's
 * packages, fetched once. Throws with advice on how to install it.
 */
export async function findRedis(): Promise<RedisBinary> {
  const configured = process.env.REDIS_SERVER_BIN;
  if (configured !== undefined && configured !== "") {
    if (await starts({ path: configured, env: process.env })) return { path: configured, env: process.env };
    throw new Error(`REDIS_SERVER_BIN does not lead to a Redis or Valkey server of version 7 or newer: ${configured}`);
  }
  for (const folder of (process.env.PATH ?? "").split(delimiter)) {
    for (const name of ["redis-server", "valkey-server"]) {
      const binary = { path: join(folder, name), env: process.env };
      if (await starts(binary)) return binary;
    }
  }
  const cached = await fetched();
  if (await starts(cached)) return cached;
  await withLock(async () => {
    if (!(await starts(await fetched()))) await fetchPackages();
  });
  const fresh = await fetched();
  if (await starts(fresh)) return fresh;
  throw new Error(INSTALL);
}

/** True when the server runs here and is new enough for sharded pub/sub. */
async function starts(binary: RedisBinary): Promise<boolean> {
  const version = await run(binary.path, ["--version"], { env: binary.env }).then(
    ({ stdout }) => / v=(\d+)/.exec(stdout)?.[1],
    () => undefined,
  );
  return Number(version) >= 7;
}

async function fetched(): Promise<RedisBinary> {
  const files = await readdir(FETCHED, { recursive: true }).catch(() => []);
  const folders = new Set(files.filter((file) => /\.so(\.|$)/.test(file)).map((file) => join(FETCHED, dirname(file))));
  const libraries = [...folders, process.env.LD_LIBRARY_PATH].filter((folder) => folder !== undefined && folder !== "");
  return {
    path: join(FETCHED, "usr/bin/redis-server"),
    env: { ...process.env, LD_LIBRARY_PATH: libraries.join(delimiter) },
  };
}

async function fetchPackages(): Promise<void> {
  const apt = await openApt().catch(() => {
    throw new Error(INSTALL);
  });
  process.stderr.write("No Redis server found: fetching one from the distribution's packages into .cache/redis …\n");
  const root = join(CACHE, "unpacked");
  try {
    await apt("update");
    await unpack(apt, ["redis-server", "redis-tools"], root);
    const { stdout } = await run("ldd", [join(root, "usr/bin/redis-server")]);
    const missing = [...stdout.matchAll(/^\s*(\S+) => not found/gm)].map((match) => packageOf(match[1] ?? ""));
    if (missing.length > 0) await unpack(apt, missing, root);
    await rm(FETCHED, { recursive: true, force: true });
    await rename(root, FETCHED);
  } catch (error) {
    throw new Error(INSTALL, { cause: error });
  } finally {
    await rm(root, { recursive: true, force: true });
    await rm(join(CACHE, "apt"), { recursive: true, force: true });
  }
}

type Apt = (...command: string[]) => Promise<unknown>;

/** apt-get with its state, cache and lists in the project's cache, so that it needs no rights. */
async function openApt(): Promise<Apt> {
  await run("apt-get", ["--version"]);
  await run("dpkg", ["--version"]);
  const folder = join(CACHE, "apt");
  await mkdir(join(folder, "state/lists/partial"), { recursive: true });
  await mkdir(join(folder, "cache/archives/partial"), { recursive: true });
  await mkdir(join(folder, "packages"), { recursive: true });
  const options = [
    `Dir::State=${folder}/state`,
    `Dir::Cache=${folder}/cache`,
    "Dir::State::status=/var/lib/dpkg/status",
    // As root, apt would otherwise download as a user without the right to write here.
    "APT::Sandbox::User=root",
  ].flatMap((option) => ["-o", option]);
  return (...command) => run("apt-get", [...options, "-qq", ...command], { cwd: join(folder, "packages") });
}

async function unpack(apt: Apt, packages: readonly string[], root: string): Promise<void> {
  await apt("download", ...packages);
  const folder = join(CACHE, "apt/packages");
  for (const file of await readdir(folder)) await run("dpkg", ["-x", join(folder, file), root]);
}

/** Debian's name for the package of a shared library: liblzf.so.1 is in liblzf1, liblua5.1.so.0 in liblua5.1-0. */
function packageOf(library: string): string {
  const lua = /^liblua5\.1-(\w+)\.so/.exec(library)?.[1];
  if (lua !== undefined) return `lua-${lua}`;
  const [, name = library, version = ""] = /^(.+)\.so\.(\d+)/.exec(library) ?? [];
  return /\d$/.test(name) ? `${name}-${version}` : `${name}${version}`;
}

/** Runs `work` in one process at a time; the lock of a dead process is taken over. */
async function withLock(work: () => Promise<void>): Promise<void> {
  const lock = join(CACHE, "lock");
  await mkdir(CACHE, { recursive: true });
  for (;;) {
    try {
      await writeFile(lock, String(process.pid), { flag: "wx" });
      break;
    } catch {
      if (await abandoned(lock)) await rm(lock, { force: true });
      await sleep(100);
    }
  }
  try {
    await work();
  } finally {
    await rm(lock, { force: true });
  }
}

async function abandoned(lock: string): Promise<boolean> {
  const pid = Number(await readFile(lock, "utf8").catch(() => ""));
  if (pid === 0) return false;
  return access(`/proc/${pid}`).then(
    () => false,
    () => true,
  );
}
