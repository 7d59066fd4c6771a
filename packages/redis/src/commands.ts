/** Sends commands and scripts to the servers of their keys. */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { Problem } from "@signalbox/protocol/errors";
import type { Redis } from "ioredis";
import { ANSWER_MS, isMoved, type Log, within } from "./connection.ts";
import type { Topology } from "./topology.ts";

/** A Lua script. A server that has run its text once knows it by its hash. */
export interface Script {
  readonly text: string;
  readonly sha: string;
}

/** Loads `lua/<name>.lua`, behind the files `before` that it depends on. */
export function load(name: string, ...before: readonly string[]): Script {
  const text = [...before, name]
    .map((file) => readFileSync(new URL(`../lua/${file}.lua`, import.meta.url), "utf8"))
    .join("\n");
  return { text, sha: createHash("sha1").update(text).digest("hex") };
}

/** Commands under way at a time, at most. */
const MOST_RUNNING = 10_000;

/**
 * Sends commands. Every method rejects with `unavailable` when the server is away, refuses the command, or does not answer within
 * `ANSWER_MS`, and when too many commands are under way; `log` gets the reason.
 */
export class Commands {
  private readonly topology: Topology;
  private readonly log: Log;
  private running = 0;

  constructor(topology: Topology, log: Log) {
    this.topology = topology;
    this.log = log;
  }

  /** Sends a command to the server of `key`, and once more when the key has just moved to another. */
  async send<T>(key: string, command: (redis: Redis) => Promise<T>): Promise<T> {
    try {
      return await within(ANSWER_MS, this.follow(key, command));
    } catch (error) {
      this.log("A Redis command failed", error instanceof Error ? error : undefined);
      throw new Problem("unavailable", "Redis cannot be reached at the moment");
    }
  }

  /** Runs a script on the server of its keys, which all lie in one slot. */
  run(script: Script, keys: readonly [string, ...string[]], args: readonly (string | number)[]): Promise<unknown> {
    return this.send(keys[0], async (redis) => {
      try {
        return await redis.evalsha(script.sha, keys.length, ...keys, ...args);
      } catch (error) {
        if (!(error instanceof Error && error.message.startsWith("NOSCRIPT"))) throw error;
        return redis.eval(script.text, keys.length, ...keys, ...args);
      }
    });
  }

  /** An identity of the server of a key, to compare; undefined while no server is known to have it. */
  serverOf(key: string): unknown {
    return this.topology.owner(key);
  }

  private async follow<T>(key: string, command: (redis: Redis) => Promise<T>): Promise<T> {
    if (this.running >= MOST_RUNNING) throw new Error("Too many commands wait for Redis");
    this.running++;
    try {
      return await this.attempt(key, command);
    } catch (error) {
      if (!isMoved(error)) throw error;
      await this.topology.refresh();
      return await this.attempt(key, command);
    } finally {
      this.running--;
    }
  }

  private async attempt<T>(key: string, command: (redis: Redis) => Promise<T>): Promise<T> {
    const commands = this.topology.owner(key)?.commands;
    if (!commands?.up) throw new Error("Redis is away");
    return command(commands.batched);
  }
}
