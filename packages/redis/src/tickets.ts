import { createHash } from "node:crypto";
import type { Commands } from "./commands.ts";
import { ticketKey } from "./keys.ts";

/** Tickets that are spent once. All methods reject as those of `Commands`. */
export class Tickets {
  private readonly commands: Commands;

  constructor(commands: Commands) {
    this.commands = commands;
  }

  /** As `Engine.putTicket`. */
  async put(ticket: string, content: string, ttlMs: number): Promise<void> {
    const key = keyOf(ticket);
    await this.commands.send(key, (redis) => redis.set(key, content, "PX", Math.ceil(ttlMs)));
  }

  /** As `Engine.takeTicket`. */
  take(ticket: string): Promise<string | null> {
    const key = keyOf(ticket);
    return this.commands.send(key, (redis) => redis.getdel(key));
  }
}

const keyOf = (ticket: string): string => ticketKey(createHash("sha256").update(ticket).digest("base64url"));
