import type { TypingStore, Typist } from "@signalbox/core/ports/typing-store";
import { type Commands, load } from "./commands.ts";
import { typingKeys } from "./keys.ts";

const startTyping = load("start_typing");
const stopTyping = load("stop_typing");
const listTyping = load("list_typing");

/** Typists by room, in entries that expire by Redis' clock. */
export class RedisTyping implements TypingStore {
  private readonly commands: Commands;

  constructor(commands: Commands) {
    this.commands = commands;
  }

  start(room: string, userId: string, ttlMs: number): void {
    // Best effort: `Commands` logs a failure.
    this.commands.run(startTyping, typingKeys(room), [userId, Math.ceil(ttlMs)]).catch(() => undefined);
  }

  stop(room: string, ...userIds: readonly string[]): void {
    // Best effort, as above.
    this.commands.run(stopTyping, typingKeys(room), userIds).catch(() => undefined);
  }

  async list(rooms: readonly string[]): Promise<ReadonlyMap<string, readonly Typist[]>> {
    const lists = await Promise.all(rooms.map(async (room) => [room, await this.typistsOf(room)] as const));
    return new Map(lists.filter(([, list]) => list.length > 0));
  }

  /** The typists of a room, in the order of their starts. */
  private async typistsOf(room: string): Promise<readonly Typist[]> {
    const reply = (await this.commands.run(listTyping, typingKeys(room), [])) as (string | number)[];
    const typists: Typist[] = [];
    for (let index = 0; index < reply.length; index += 3) {
      const [userId, startedAt, remainingMs] = reply.slice(index, index + 3);
      typists.push({ userId: String(userId), startedAt: Number(startedAt), remainingMs: Number(remainingMs) });
    }
    return typists.sort((a, b) => a.startedAt - b.startedAt);
  }
}
