/** The Lua scripts of `lua/`, each with a typed method. All reject when the server is away, or did not answer in time. */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import type { Grant } from "@signalbox/core/memory/buckets";
import type { Typist } from "@signalbox/core/ports";
import { ANSWER_MS, isMoved, within } from "./connection.ts";
import { tokensKey, typingKeys } from "./keys.ts";
import type { Topology } from "./topology.ts";

type Argument = string | number;

interface Script {
  readonly text: string;
  readonly sha: string;
}

function load(name: string): Script {
  const text = readFileSync(new URL(`../lua/${name}.lua`, import.meta.url), "utf8");
  return { text, sha: createHash("sha1").update(text).digest("hex") };
}

const takeTokens = load("take_tokens");
const startTyping = load("start_typing");
const stopTyping = load("stop_typing");
const listTyping = load("list_typing");

/** How many scripts may be on their way to Redis at a time. */
const MOST_RUNNING = 10_000;

export class Scripts {
  private readonly topology: Topology;
  private running = 0;

  constructor(topology: Topology) {
    this.topology = topology;
  }

  /** As `Engine.takeTokens`, from the bucket that all nodes share. */
  async takeTokens(userId: string, count: number, rate: number, burst: number): Promise<Grant> {
    const reply = await this.run(takeTokens, [tokensKey(userId)], [count, rate, burst]);
    const [granted, retryAfterMs] = reply as [granted: number, retryAfterMs: number];
    return { granted, retryAfterMs };
  }

  async startTyping(room: string, userId: string, ttlMs: number): Promise<void> {
    await this.run(startTyping, typingKeys(room), [userId, Math.ceil(ttlMs)]);
  }

  async stopTyping(room: string, userId: string): Promise<void> {
    await this.run(stopTyping, typingKeys(room), [userId]);
  }

  /** Who types in a room now, first who started first. */
  async listTyping(room: string): Promise<readonly Typist[]> {
    const reply = (await this.run(listTyping, typingKeys(room), [])) as (string | number)[];
    const typists: Typist[] = [];
    for (let index = 0; index < reply.length; index += 3) {
      const [userId, startedAt, remainingMs] = reply.slice(index, index + 3);
      typists.push({ userId: String(userId), startedAt: Number(startedAt), remainingMs: Number(remainingMs) });
    }
    return typists.sort((a, b) => a.startedAt - b.startedAt);
  }

  /** Runs a script where its keys are; once more when they have just gone elsewhere. */
  private run(script: Script, keys: readonly string[], args: readonly Argument[]): Promise<unknown> {
    if (this.running >= MOST_RUNNING) return Promise.reject(new Error("Too many scripts wait for Redis"));
    this.running++;
    const attempt = () => this.evaluate(script, keys, args);
    const reply = attempt()
      .catch(async (error: unknown) => {
        if (!isMoved(error)) throw error;
        await this.topology.refresh();
        return attempt();
      })
      .finally(() => {
        this.running--;
      });
    return within(ANSWER_MS, reply);
  }

  private async evaluate({ text, sha }: Script, keys: readonly string[], args: readonly Argument[]): Promise<unknown> {
    const commands = this.topology.owner(keys[0] ?? "")?.commands;
    if (!commands?.up) throw new Error("Redis is away");
    try {
      return await commands.batched.evalsha(sha, keys.length, ...keys, ...args);
    } catch (error) {
      if (!(error instanceof Error && error.message.startsWith("NOSCRIPT"))) throw error;
      return commands.batched.eval(text, keys.length, ...keys, ...args);
    }
  }
}
