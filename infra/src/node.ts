import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

export type NodeKind = "api" | "gateway" | "standalone";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
/** The limit for a node to start serving, in milliseconds. */
const START_MS = 30_000;
/** Lines of a node's log that are kept, to show why it failed. */
const KEPT_LINES = 200;
/** Flags that run the sources, not the files of `npm run build`. */
const FROM_SOURCE = ["--conditions=development", "--import", "tsx"];

/**
 * The flags of a gateway in production: a young generation of 8 MiB instead of 16. A gateway's garbage is short-lived
 * strings, and memory of the young generation stays resident (DECISIONS 13).
 */
export const PRODUCTION_FLAGS = ["--max-semi-space-size=8"];

export interface NodeOptions {
  readonly kind: NodeKind;
  readonly env: Readonly<Record<string, string>>;
  /** Runs `dist` instead of the sources. */
  readonly built?: boolean;
  /** More flags for Node. */
  readonly flags?: readonly string[];
}

/** One node of Signalbox as a child process. It ends when this process exits. */
export class NodeProcess {
  readonly kind: NodeKind;
  readonly pid: number;
  /** The address that it listens on: `127.0.0.1:<port>`. */
  readonly address: string;
  readonly #child: ChildProcess;
  readonly #lines: string[];
  readonly #exited: Promise<unknown>;

  constructor(kind: NodeKind, child: ChildProcess, address: string, lines: string[]) {
    this.kind = kind;
    this.pid = child.pid ?? 0;
    this.address = address;
    this.#child = child;
    this.#lines = lines;
    this.#exited = child.exitCode === null ? once(child, "exit") : Promise.resolve();
  }

  get url(): string {
    return `http://${this.address}`;
  }

  get realtime(): string {
    return `ws://${this.address}/realtime`;
  }

  /** The last lines of its log. */
  log(): readonly string[] {
    return this.#lines;
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Sends SIGKILL; resolves once the process is gone. */
  async kill(): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#exited;
  }

  /**
   * Sends SIGTERM, as an orchestrator does. Resolves once the process is gone, to its exit code, or to null when a
   * signal ended it.
   */
  async stop(): Promise<number | null> {
    this.#child.kill("SIGTERM");
    await this.#exited;
    return this.#child.exitCode;
  }
}

/** Starts a node; resolves once it serves. Rejects with its log when it ends before that. */
export async function startNode({ kind, env, built = false, flags = [] }: NodeOptions): Promise<NodeProcess> {
  const main = built ? [`apps/${kind}/dist/main.js`] : [...FROM_SOURCE, `apps/${kind}/src/main.ts`];
  const child = spawn(process.execPath, [...flags, ...main], {
    cwd: ROOT,
    env: { PATH: process.env.PATH, HOST: "127.0.0.1", PORT: "0", ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const killChild = () => child.kill("SIGKILL");
  process.once("exit", killChild);
  child.once("exit", () => process.off("exit", killChild));
  const lines: string[] = [];
  const port = await servingPort(child, lines, kind);
  return new NodeProcess(kind, child, `127.0.0.1:${port}`, lines);
}

function servingPort(child: ChildProcess, lines: string[], kind: NodeKind): Promise<number> {
  return new Promise((resolve, reject) => {
    const failed = (why: string) => {
      clearTimeout(timer);
      reject(new Error(`the ${kind} node ${why}:\n${lines.join("\n")}`));
    };
    const timer = setTimeout(() => {
      child.kill("SIGKILL");
      failed("did not start in time");
    }, START_MS);
    child.once("exit", (code, signal) => failed(`ended with ${code ?? signal}`));
    for (const stream of [child.stdout, child.stderr])
      eachLine(stream, (line) => {
        lines.push(line);
        if (lines.length > KEPT_LINES) lines.shift();
        const port = portOf(line);
        if (port === undefined) return;
        clearTimeout(timer);
        resolve(port);
      });
  });
}

/** The port in the log line of a node that serves; undefined for any other line. */
function portOf(line: string): number | undefined {
  if (!line.includes('"msg":"serving"')) return undefined;
  return (JSON.parse(line) as { address: { port: number } }).address.port;
}

function eachLine(stream: NodeJS.ReadableStream | null, take: (line: string) => void): void {
  let rest = "";
  stream?.setEncoding("utf8").on("data", (chunk: string) => {
    const parts = (rest + chunk).split("\n");
    rest = parts.pop() ?? "";
    for (const line of parts) take(line);
  });
}
