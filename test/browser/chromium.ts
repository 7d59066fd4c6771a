/** Finds the browser of the tests; on Debian and Ubuntu, as root, installs the distribution's. */
import { execFile } from "node:child_process";
import { delimiter, join } from "node:path";
import { promisify } from "node:util";
import { type Browser, chromium } from "playwright-core";

const run = promisify(execFile);
const NAMES = ["chromium", "chromium-browser", "google-chrome"];
const INSTALL =
  "The browser tests need a Chromium: install one (apt install chromium, brew install --cask chromium) or set CHROMIUM_BIN to its path.";
/** Containers rarely permit a browser's sandbox, and these windows load only this repository's pages. */
const FLAGS = ["--no-sandbox", "--no-first-run", "--disable-background-networking"];

/** A browser without a screen. The caller closes it. */
export const openBrowser = async (): Promise<Browser> =>
  chromium.launch({ executablePath: await findChromium(), args: FLAGS });

/** The browser named by CHROMIUM_BIN, else the first on the PATH, else a new one. Throws one sentence with the way to get one. */
async function findChromium(): Promise<string> {
  const named = process.env.CHROMIUM_BIN;
  if (named !== undefined && named !== "") {
    if (await starts(named)) return named;
    throw new Error(`CHROMIUM_BIN does not lead to a Chromium: ${named}`);
  }
  const found = await onPath();
  if (found !== undefined) return found;
  await install();
  const installed = await onPath();
  if (installed !== undefined) return installed;
  throw new Error(INSTALL);
}

async function onPath(): Promise<string | undefined> {
  for (const folder of (process.env.PATH ?? "").split(delimiter))
    for (const name of NAMES) if (await starts(join(folder, name))) return join(folder, name);
  return undefined;
}

/** True for a browser: Ubuntu has a script of this name that only prints where to get one. */
const starts = (path: string): Promise<boolean> =>
  run(path, ["--version"]).then(
    ({ stdout }) => /^(Chromium|Google Chrome) \d/.test(stdout),
    () => false,
  );

/** Adds packages, and never removes one. */
async function install(): Promise<void> {
  if (process.getuid?.() !== 0) throw new Error(INSTALL);
  process.stderr.write("No Chromium found: installing the distribution's …\n");
  const apt = (...command: string[]) =>
    run("apt-get", ["-qq", "-o", "DPkg::Lock::Timeout=300", ...command], {
      env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" },
    });
  try {
    await apt("update");
    await apt("install", "--yes", "--no-install-recommends", "--no-remove", "chromium");
  } catch (cause) {
    throw new Error(INSTALL, { cause });
  }
  process.stderr.write("Chromium is installed.\n");
}
