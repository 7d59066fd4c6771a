/** Builds the page (apps/console) when its sources are newer than the built files. */
import { execFile } from "node:child_process";
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const run = promisify(execFile);
const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const CONSOLE = join(ROOT, "apps/console");
/** The folder of the built page. */
export const PAGE = join(CONSOLE, "dist");
const VITE = join(ROOT, "node_modules/vite/bin/vite.js");
/** The sources of the page. The SDK and the protocol are bundled from theirs. */
const SOURCES = ["index.html", "package.json", "vite.config.ts", "public", "src"]
  .map((path) => `apps/console/${path}`)
  .concat("packages/client/src", "packages/protocol/src", "package-lock.json");

/** Resolves once the built page is up to date. Rejects with Vite's error. */
export async function buildPage(progress: (line: string) => void): Promise<void> {
  const built = await changedAt(join(PAGE, "index.html"));
  const times = await Promise.all(SOURCES.map((path) => newestIn(join(ROOT, path))));
  if (built > Math.max(...times)) return;
  progress("Building the page …");
  try {
    await run(process.execPath, [VITE, "build", "--logLevel", "warn"], { cwd: CONSOLE });
  } catch (cause) {
    const { stderr = "", message } = cause as { stderr?: string; message: string };
    throw new Error(`The page could not be built:\n${stderr.trim() || message}`, { cause });
  }
}

/** The last change at `path`, a file or a folder, in milliseconds since the epoch; 0 when nothing is there. */
async function newestIn(path: string): Promise<number> {
  const inside = await readdir(path, { recursive: true }).catch(() => []);
  return Math.max(await changedAt(path), ...(await Promise.all(inside.map((name) => changedAt(join(path, name))))));
}

const changedAt = (path: string): Promise<number> =>
  stat(path).then(
    ({ mtimeMs }) => mtimeMs,
    () => 0,
  );
