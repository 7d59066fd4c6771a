import { randomUUID } from "node:crypto";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { type Config, ConfigError, type NodeKind, readConfig } from "./config.ts";
import { createLog, type Log } from "./log.ts";

/** Longer than this a stop does not take, in milliseconds: an orchestrator kills after 30 s. */
const STOP_MS = 20_000;

/** What of the process a node touches; tests hand in their own. */
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
  /** Adds what ends with the process. What was added last ends first: a door is closed before what stands behind it. */
  onStop(name: string, end: () => void | Promise<void>): void;
}

/**
 * Runs a node until it is told to stop: reads its config, calls `start`, and on SIGTERM or SIGINT ends what that opened, for
 * at most 20 s. A second signal cuts this short. A start that fails ends what it had opened and exits 1; so does, without
 * further ado, an error that nobody caught. Work that has an end resolves with its exit code, and then all of it ends.
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
      log.fatal({ err, errorId: randomUUID(), event }, "an error that nobody caught");
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

/** On SIGUSR2 the node collects garbage and gives free memory back: what it holds can then be read off its resident memory. */
function collectOnDemand(host: NodeProcess): void {
  host.on("SIGUSR2", () => {
    setFlagsFromString("--expose-gc");
    // Of the flavours, only the last resort gives back what a burst once took.
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
        // The others still have to be ended.
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
