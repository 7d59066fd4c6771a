import { createHash } from "node:crypto";
import type { Tickets } from "@signalbox/core/ports/tickets";
import type { Commands } from "./commands.ts";
import { ticketKey } from "./keys.ts";

/** Tickets that all nodes share, under a hash of their text. */
export class RedisTickets implements Tickets {
  private readonly commands: Commands;

  constructor(commands: Commands) {
    this.commands = commands;
  }

  async put(ticket: string, content: string, ttlMs: number): Promise<void> {
    const key = keyOf(ticket);
    await this.commands.send(key, (redis) => redis.set(key, content, "PX", Math.ceil(ttlMs)));
  }

  take(ticket: string): Promise<string | null> {
    const key = keyOf(ticket);
    return this.commands.send(key, (redis) => redis.getdel(key));
  }
}

const keyOf = (ticket: string): string => ticketKey(createHash("sha256").update(ticket).digest("base64url"));
