/** The Lua scripts of typing and of rates, each with a typed method. All methods reject as those of `Commands`. */
import type { Grant } from "@signalbox/core/memory/token-buckets";
import type { Typist } from "@signalbox/core/ports/engine";
import { type Commands, load } from "./commands.ts";
import { tokensKey, typingKeys } from "./keys.ts";

const takeTokens = load("take_tokens");
const startTyping = load("start_typing");
const stopTyping = load("stop_typing");
const listTyping = load("list_typing");

export class Scripts {
  private readonly commands: Commands;

  constructor(commands: Commands) {
    this.commands = commands;
  }

  /** As `Engine.takeTokens`, from the bucket that all nodes share. */
  async takeTokens(userId: string, count: number, rate: number, burst: number): Promise<Grant> {
    const reply = await this.commands.run(takeTokens, [tokensKey(userId)], [count, rate, burst]);
    const [granted, retryAfterMs] = reply as [granted: number, retryAfterMs: number];
    return { granted, retryAfterMs };
  }

  async startTyping(room: string, userId: string, ttlMs: number): Promise<void> {
    await this.commands.run(startTyping, typingKeys(room), [userId, Math.ceil(ttlMs)]);
  }

  async stopTyping(room: string, userIds: readonly string[]): Promise<void> {
    await this.commands.run(stopTyping, typingKeys(room), userIds);
  }

  /** Who types in a room now, first who started first. */
  async listTyping(room: string): Promise<readonly Typist[]> {
    const reply = (await this.commands.run(listTyping, typingKeys(room), [])) as (string | number)[];
    const typists: Typist[] = [];
    for (let index = 0; index < reply.length; index += 3) {
      const [userId, startedAt, remainingMs] = reply.slice(index, index + 3);
      typists.push({ userId: String(userId), startedAt: Number(startedAt), remainingMs: Number(remainingMs) });
    }
    return typists.sort((a, b) => a.startedAt - b.startedAt);
  }
}
