/** Finds tools of the tests: installed once from PyPI into the project's cache, in the versions of a requirements file. */
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const run = promisify(execFile);
const CACHES = fileURLToPath(new URL("../../.cache", import.meta.url));
const PYTHONS = ["python3", "python3.13", "python3.12", "python3.11", "python3.10"];
const LOCK_POLL_MS = 200;

export interface Tool {
  /** Its name in messages. */
  readonly name: string;
  /** The Python module that shows that it is installed. */
  readonly module: string;
  /** Its folder in the cache. */
  readonly folder: string;
  readonly requirements: URL;
  /** The variable that names a Python other than those on the PATH. */
  readonly variable: string;
}

/** The Python that has the tool. Throws one sentence with the way to get it. */
export async function findTool(tool: Tool): Promise<string> {
  const cache = join(CACHES, tool.folder);
  const mark = createHash("sha256")
    .update(await readFile(tool.requirements))
    .digest("hex");
  const folder = join(cache, mark.slice(0, 12));
  const python = join(folder, "bin/python");
  const there = () => succeeds(python, "-c", `import ${tool.module}`);
  if (await there()) return python;
  await withLock(cache, async () => {
    if (await there()) return;
    await install(tool, cache, folder);
    if (!(await there())) throw new Error(noPackages(tool));
  });
  return python;
}

const noPackages = ({ name }: Tool): string =>
  `${name} could not be installed from PyPI: see whether pip reaches it here; what came is thrown away, and the next run begins anew.`;

const succeeds = (command: string, ...args: readonly string[]): Promise<boolean> =>
  run(command, [...args]).then(
    () => true,
    () => false,
  );

/** Builds in another folder, so that a folder under its final name is complete; Python environments can be moved. */
async function install(tool: Tool, cache: string, folder: string): Promise<void> {
  const system = await findPython(tool);
  const say = (line: string) => process.stderr.write(`${line}\n`);
  const building = join(cache, "building");
  await rm(building, { recursive: true, force: true });
  await rm(folder, { recursive: true, force: true });
  say(`No ${tool.name} found: installing one from PyPI into .cache/${tool.folder} …`);
  await run(system, ["-m", "venv", building]);
  const requirements = fileURLToPath(tool.requirements);
  const pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", requirements];
  await run(join(building, "bin/python"), pip).catch((cause: unknown) => {
    throw new Error(noPackages(tool), { cause });
  });
  await rename(building, folder);
  say(`${tool.name} is installed.`);
}

async function findPython({ name, variable }: Tool): Promise<string> {
  const named = process.env[variable];
  const fits = "import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 10))";
  for (const python of named === undefined || named === "" ? PYTHONS : [named])
    if (await succeeds(python, "-c", fits)) return python;
  throw new Error(
    `These tests run ${name}, for which they need Python 3.10 or newer with its venv module: install it (apt install python3-venv, brew install python) or set ${variable} to its path.`,
  );
}

/** Runs `work` in one process at a time; the lock of a dead process is taken over. */
async function withLock(cache: string, work: () => Promise<void>): Promise<void> {
  await mkdir(cache, { recursive: true });
  const lock = join(cache, "lock");
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
    (error: NodeJS.ErrnoException) => {
      if (error.code !== "EEXIST") throw error;
      return false;
    },
  );

async function abandoned(lock: string): Promise<boolean> {
  const pid = Number(await readFile(lock, "utf8").catch(() => ""));
  if (pid === 0) return false;
  try {
    return !process.kill(pid, 0);
  } catch (error) {
    // A process of another user may not be signalled, but it lives.
    return (error as NodeJS.ErrnoException).code === "ESRCH";
  }
}
