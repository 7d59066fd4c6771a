/** An example as a child process, started by its script in `examples/package.json`. */
import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { vi } from "vitest";

const FOLDER = fileURLToPath(new URL("../../examples/", import.meta.url));
const { scripts } = JSON.parse(readFileSync(`${FOLDER}package.json`, "utf8")) as { scripts: Record<string, string> };
/** In milliseconds: reading the SDK's sources takes seconds on a busy machine. */
const PATIENCE_MS = 30_000;

export class Program {
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #exited: Promise<unknown>;
  #output = "";

  /** `script`: its name in `examples/package.json`. */
  constructor(script: string, args: readonly string[], env: Readonly<Record<string, string>>) {
    const [, ...own] = scripts[script]?.split(" ") ?? [];
    this.#child = spawn(process.execPath, [...own, ...args], { cwd: FOLDER, env: { PATH: process.env.PATH, ...env } });
    this.#exited = once(this.#child, "exit");
    for (const stream of [this.#child.stdout, this.#child.stderr])
      stream.setEncoding("utf8").on("data", (text: string) => {
        this.#output += text;
      });
  }

  /** How often it has printed this line. */
  count(line: string): number {
    return this.#output.split("\n").filter((each) => each === line).length;
  }

  /** Resolves with what it printed once that matches. */
  prints(pattern: RegExp): Promise<RegExpExecArray> {
    return vi.waitFor(
      () => {
        const match = pattern.exec(this.#output);
        if (match === null) throw new Error(`it printed:\n${this.#output}`);
        return match;
      },
      { timeout: PATIENCE_MS },
    );
  }

  types(line: string): void {
    this.#child.stdin.write(`${line}\n`);
  }

  /** Ends its input, and resolves with its exit code. */
  async leaves(): Promise<number | null> {
    this.#child.stdin.end();
    await this.#exited;
    return this.#child.exitCode;
  }

  /** Ends it. Resolves when it is gone. */
  async stop(): Promise<void> {
    this.#child.kill();
    await this.#exited;
  }
}
