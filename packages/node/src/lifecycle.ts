import { randomUUID } from "node:crypto";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { type Config, ConfigError, type NodeKind, readConfig } from "./config.ts";
import { createLog, type Log } from "./log.ts";

/** The longest time for a stop, in milliseconds: an orchestrator kills after 30 s. */
const STOP_MS = 20_000;

/** The parts of the process that a node uses; tests hand in their own. */
export interface NodeProcess {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly stderr: { write(line: string): unknown };
  on(
    event: "SIGTERM" | "SIGINT" | "SIGUSR2" | "unhandledRejection" | "uncaughtException",
    listener: (reason: unknown) => void,
  ): unknown;
  exit(code: number): void;
}

export interface Launch {
  readonly config: Config;
  readonly log: Log;
  /** Adds a step of the stop. The last one added runs first, so that a server closes before the store behind it. */
  onStop(name: string, end: () => void | Promise<void>): void;
}

/**
 * Runs a node until SIGTERM or SIGINT: reads its config, calls `start`, and then runs the steps of the stop, for at most
 * 20 s. A second signal cuts this short. A failed start runs the steps that it had added and exits 1; an uncaught error
 * exits 1 at once. Work with an end resolves with its exit code, which starts the stop.
 */
export async function launch(
  kind: NodeKind,
  start: (node: Launch) => Promise<number | undefined>,
  host: NodeProcess = process,
): Promise<void> {
  const config = configOrExit(kind, host);
  if (config === undefined) return;
  const log = createLog(config);
  const stop = createStop(log, host);
  for (const event of ["unhandledRejection", "uncaughtException"] as const)
    host.on(event, (err) => {
      log.fatal({ err, errorId: randomUUID(), event }, "an uncaught error");
      host.exit(1);
    });
  for (const signal of ["SIGTERM", "SIGINT"] as const) host.on(signal, () => void stop.begin(signal, 0));
  collectOnDemand(host);
  try {
    const code = await start({ config, log, onStop: stop.add });
    if (code !== undefined) await stop.begin("done", code);
  } catch (error) {
    if (error instanceof ConfigError) host.stderr.write(`${error.message}\n`);
    else {
      log.fatal({ err: error }, "the node could not start");
      host.stderr.write(`the node could not start: ${error instanceof Error ? error.message : String(error)}\n`);
    }
    await stop.begin("failed start", 1);
  }
}

/** On SIGUSR2 the node collects garbage and gives free memory back: its resident memory then shows the memory in use. */
function collectOnDemand(host: NodeProcess): void {
  host.on("SIGUSR2", () => {
    setFlagsFromString("--expose-gc");
    // Only this flavour gives back the memory of an earlier burst.
    runInNewContext("gc")({ type: "major", execution: "sync", flavor: "last-resort" });
  });
}

function configOrExit(kind: NodeKind, host: NodeProcess): Config | undefined {
  try {
    return readConfig(host.env, kind);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    host.stderr.write(`${error.message}\n`);
    host.exit(1);
    return undefined;
  }
}

function createStop(log: Log, host: NodeProcess) {
  const steps: { readonly name: string; end(): void | Promise<void> }[] = [];
  let stopping = false;

  const endAll = async (): Promise<void> => {
    for (let step = steps.pop(); step !== undefined; step = steps.pop()) {
      const { name } = step;
      try {
        await step.end();
        log.debug({ step: name }, "ended");
      } catch (err) {
        // The other steps still have to run.
        log.error({ err, step: name }, "could not be ended in order");
      }
    }
  };

  return {
    add(name: string, end: () => void | Promise<void>): void {
      steps.push({ name, end });
    },
    async begin(reason: string, code: number): Promise<void> {
      if (stopping) return host.exit(1);
      stopping = true;
      log.info({ reason }, "stopping");
      const limit = setTimeout(() => {
        log.error("the stop took too long");
        host.exit(1);
      }, STOP_MS);
      await endAll();
      clearTimeout(limit);
      host.exit(code);
    },
  };
}
