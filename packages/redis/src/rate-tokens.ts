import type { Grant, RateTokens } from "@signalbox/core/ports/rate-tokens";
import { type Commands, load } from "./commands.ts";
import { tokensKey } from "./keys.ts";

const takeTokens = load("take_tokens");

/** Token buckets that all nodes share. */
export class RedisRateTokens implements RateTokens {
  private readonly commands: Commands;

  constructor(commands: Commands) {
    this.commands = commands;
  }

  async take(userId: string, count: number, rate: number, burst: number): Promise<Grant> {
    const reply = await this.commands.run(takeTokens, [tokensKey(userId)], [count, rate, burst]);
    const [granted, retryAfterMs] = reply as [granted: number, retryAfterMs: number];
    return { granted, retryAfterMs };
  }
}
