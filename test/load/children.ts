/** The processes of a load run: the main one calls, receivers and senders answer. */
import { type ChildProcess, fork } from "node:child_process";
import { fileURLToPath } from "node:url";

/** The calls of a child: each name takes one plain value and answers with one. */
export type Calls<C> = { readonly [K in keyof C]: (argument: never) => unknown };

interface Question {
  readonly id: number;
  readonly name: string;
  readonly argument: unknown;
}
interface Answer {
  readonly id: number;
  readonly value?: unknown;
  readonly problem?: string;
}
interface Waiting {
  readonly resolve: (value: unknown) => void;
  readonly reject: (reason: Error) => void;
}

export class Child<C extends Calls<C>> {
  readonly #process: ChildProcess;
  readonly #waiting = new Map<number, Waiting>();
  #asked = 0;

  /** Starts `file`, a module beside this one that calls `serve`, with the same loader as this process and more flags for Node. */
  constructor(file: string, flags: readonly string[] = []) {
    const execArgv = [...process.execArgv, ...flags];
    this.#process = fork(fileURLToPath(new URL(file, import.meta.url)), { execArgv });
    this.#process.on("message", (answer) => this.#answered(answer as Answer));
    this.#process.on("exit", (code, signal) => {
      for (const { reject } of this.#waiting.values()) reject(new Error(`${file} ended early (${signal ?? code})`));
      this.#waiting.clear();
    });
  }

  /** Makes a call in the child. Rejects when it throws there, or the child ends before the answer. */
  ask<K extends keyof C & string>(name: K, argument: Parameters<C[K]>[0]): Promise<Awaited<ReturnType<C[K]>>> {
    const id = this.#asked++;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve: resolve as (value: unknown) => void, reject });
      this.#process.send({ id, name, argument } satisfies Question, (error) => {
        if (error !== null) this.#answered({ id, problem: error.message });
      });
    });
  }

  /** Ends the process at once. Idempotent. */
  end(): void {
    this.#process.kill("SIGKILL");
  }

  #answered({ id, value, problem }: Answer): void {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (problem === undefined) waiting?.resolve(value);
    else waiting?.reject(new Error(problem));
  }
}

/** In a child: answers the calls of its parent process, and ends with it. */
export function serve<C extends Calls<C>>(calls: C): void {
  const answer = async ({ id, name, argument }: Question): Promise<Answer> => {
    try {
      return { id, value: await calls[name as keyof C](argument as never) };
    } catch (error) {
      return { id, problem: error instanceof Error ? error.message : String(error) };
    }
  };
  process.on("message", (question) => {
    void answer(question as Question).then((reply) => process.send?.(reply));
  });
  // Ctrl-C reaches the whole group: the main process ends its children itself, after its last output.
  process.on("SIGINT", () => {});
  process.on("disconnect", () => process.exit());
}
