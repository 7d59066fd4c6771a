/** Runs a command with all that it starts, ends all of it, and finds what outlived that. */
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { setTimeout as pause } from "node:timers/promises";
import { promisify, stripVTControlCharacters } from "node:util";

/** A node takes up to 20 s to stop. */
const END_MS = 25_000;
/** A process in a group of its own, as Postgres is, may outlive the command by this. */
const ASIDE_MS = 2_000;
const POLL_MS = 100;
/** Characters of output that are kept for a failure's report, and lines of it that are shown. */
const KEPT = 131_072;
const SHOWN_LINES = 60;

/** The folder and the environment that a command runs in. */
export interface Place {
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
}

interface Process {
  readonly pid: number;
  readonly parent: number;
  readonly group: number;
  /** The name of its program. */
  readonly name: string;
}

/** A running command in a process group of its own, as a terminal runs it. */
export class Command {
  readonly #child: ChildProcess;
  /** Resolves when it ended: with undefined after success, else with a few words. */
  readonly ended: Promise<string | undefined>;
  #output = "";

  /** Starts `words`: a program, found on the PATH of `place`, and its arguments. */
  constructor(words: readonly string[], { cwd, env }: Place) {
    const [program = "", ...args] = words;
    this.#child = spawn(program, args, { cwd, env, detached: true, stdio: ["ignore", "pipe", "pipe"] });
    for (const stream of [this.#child.stdout, this.#child.stderr])
      stream?.setEncoding("utf8").on("data", (text: string) => {
        this.#output = (this.#output + text).slice(-KEPT);
      });
    this.ended = new Promise((resolve) => {
      this.#child.once("error", (error) => resolve(`could not run: ${error.message}`));
      this.#child.once("close", (code, signal) => resolve(code === 0 ? undefined : `ended with ${code ?? signal}`));
    });
  }

  /** Its last output, without colours. */
  get output(): string {
    return stripVTControlCharacters(this.#output);
  }

  /** The last lines that it printed, without the tokens among them. */
  get tail(): string {
    const lines = this.output.trimEnd().split("\n").slice(-SHOWN_LINES);
    return lines.join("\n").replace(/\beyJ[\w.-]+/g, "…");
  }

  /** Resolves when it ended with 0. Rejects when it failed, or with the reason of `signal`. */
  async succeeds(signal: AbortSignal): Promise<void> {
    const why = await Promise.race([this.ended, aborted(signal)]);
    if (why !== undefined) throw new Error(why);
  }

  /**
   * Interrupts it and its children, as Ctrl-C does. Kills those that still run after 25 s, and descendants in groups of
   * their own that still run 2 s after all others. Resolves to the names of the killed.
   */
  async end(): Promise<string[]> {
    const { pid } = this.#child;
    if (pid === undefined) return [];
    const family = familyOf(pid, await processes());
    const inGroup = ({ group }: Process) => group === pid;
    const descends = (each: Process) => family.some((one) => one.pid === each.pid && one.name === each.name);
    send(-pid, "SIGINT");
    await remaining(inGroup, END_MS);
    const left = await remaining((each) => inGroup(each) || descends(each), ASIDE_MS);
    for (const each of left) send(each.pid, "SIGKILL");
    return left.map(({ name }) => name);
  }
}

/** Rejects with the reason of `signal` once it aborts. */
const aborted = (signal: AbortSignal): Promise<never> =>
  new Promise((_, reject) => {
    const stop = () => reject(signal.reason as Error);
    if (signal.aborted) stop();
    else signal.addEventListener("abort", stop, { once: true });
  });

function send(to: number, signal: NodeJS.Signals): void {
  try {
    process.kill(to, signal);
  } catch (error) {
    // It ended by itself meanwhile.
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}

/** Resolves once no process matches, or after `ms` to those that still do. */
async function remaining(matches: (each: Process) => boolean, ms: number): Promise<Process[]> {
  for (const until = performance.now() + ms; ; await pause(POLL_MS)) {
    const left = (await processes()).filter(matches);
    if (left.length === 0 || performance.now() > until) return left;
  }
}

/** The process `root` and its descendants, in any group. */
function familyOf(root: number, all: readonly Process[]): Process[] {
  const family = all.filter(({ pid }) => pid === root);
  for (const member of family) family.push(...all.filter(({ parent }) => parent === member.pid));
  return family;
}

/** The processes of this machine, without those that ended and wait for their parent to notice. */
async function processes(): Promise<Process[]> {
  const columns = ["pid", "ppid", "pgid", "stat", "comm"].flatMap((column) => ["-o", `${column}=`]);
  const { stdout } = await promisify(execFile)("ps", ["-A", ...columns], { maxBuffer: 2 ** 24 });
  return stdout.split("\n").flatMap((line) => {
    const [, pid, parent, group, state = "", name = ""] = /^\s*(\d+)\s+(\d+)\s+(\d+)\s+(\S+)\s+(.*)$/.exec(line) ?? [];
    if (pid === undefined || state.startsWith("Z")) return [];
    return [{ pid: Number(pid), parent: Number(parent), group: Number(group), name }];
  });
}
