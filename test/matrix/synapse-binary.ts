/** Finds the Synapse that the tests run: installed once from PyPI into the project's cache, in the versions of requirements.txt. */
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const run = promisify(execFile);
const CACHE = fileURLToPath(new URL("../../.cache/synapse", import.meta.url));
const REQUIREMENTS = fileURLToPath(new URL("requirements.txt", import.meta.url));
const PYTHONS = ["python3", "python3.13", "python3.12", "python3.11", "python3.10"];
const INSTALL =
  "The Matrix tests run a real Synapse, for which they need Python 3.10 or newer with its venv module: install it (apt install python3-venv, brew install python) or set SYNAPSE_PYTHON to its path.";
const NO_PACKAGES =
  "Synapse could not be installed from PyPI: see whether pip reaches it here; what came is thrown away, and the next run begins anew.";
const LOCK_POLL_MS = 200;

/** The Python that has Synapse: `-m synapse.app.homeserver` starts it. Throws one sentence that says how to get there. */
export async function findSynapse(): Promise<string> {
  const mark = createHash("sha256")
    .update(await readFile(REQUIREMENTS))
    .digest("hex");
  const folder = join(CACHE, mark.slice(0, 12));
  const python = join(folder, "bin/python");
  if (await hasSynapse(python)) return python;
  await withLock(async () => {
    if (!(await hasSynapse(python))) await install(folder);
  });
  return python;
}

const hasSynapse = (python: string): Promise<boolean> => succeeds(python, "-c", "import synapse.app.homeserver");

const succeeds = (command: string, ...args: readonly string[]): Promise<boolean> =>
  run(command, [...args]).then(
    () => true,
    () => false,
  );

/** A folder under its final name is complete: Python finds its packages from wherever its environment lies. */
async function install(folder: string): Promise<void> {
  const system = await findPython();
  const say = (line: string) => process.stderr.write(`${line}\n`);
  const building = join(CACHE, "building");
  await rm(building, { recursive: true, force: true });
  await rm(folder, { recursive: true, force: true });
  say("No Synapse found: installing one from PyPI into .cache/synapse …");
  await run(system, ["-m", "venv", building]);
  const pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", REQUIREMENTS];
  await run(join(building, "bin/python"), pip).catch((cause: unknown) => {
    throw new Error(NO_PACKAGES, { cause });
  });
  await rename(building, folder);
  if (!(await hasSynapse(join(folder, "bin/python")))) throw new Error(NO_PACKAGES);
  say("Synapse is installed.");
}

async function findPython(): Promise<string> {
  const named = process.env.SYNAPSE_PYTHON;
  const fits = "import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 10))";
  for (const python of named === undefined || named === "" ? PYTHONS : [named])
    if (await succeeds(python, "-c", fits)) return python;
  throw new Error(INSTALL);
}

/** Runs `work` in one process at a time; the lock of a dead process is taken over. */
async function withLock(work: () => Promise<void>): Promise<void> {
  await mkdir(CACHE, { recursive: true });
  const lock = join(CACHE, "lock");
  while (!(await take(lock))) {
    if (await abandoned(lock)) await rm(lock, { force: true });
    await sleep(LOCK_POLL_MS);
  }
  try {
    await work();
  } finally {
    await rm(lock, { force: true });
  }
}

const take = (lock: string): Promise<boolean> =>
  writeFile(lock, String(process.pid), { flag: "wx" }).then(
    () => true,
    () => false,
  );

async function abandoned(lock: string): Promise<boolean> {
  const pid = Number(await readFile(lock, "utf8").catch(() => ""));
  if (pid === 0) return false;
  try {
    return !process.kill(pid, 0);
  } catch {
    return true;
  }
}
