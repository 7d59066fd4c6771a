import { type Clock, systemClock } from "../ports/clock.ts";
import type { Engine } from "../ports/engine.ts";
import { DEFAULT_TIMING, type PresenceTiming } from "../ports/presence-registry.ts";
import { MemoryPresence } from "./presence-registry.ts";
import { MemoryPubSub } from "./pub-sub.ts";
import { MemoryTickets } from "./tickets.ts";
import { TokenBuckets } from "./token-buckets.ts";
import { MemoryTyping } from "./typing.ts";

/** The engine of a single process: nothing is lost, nothing leaves the process, and it is always available. */
export function createMemoryEngine(clock: Clock = systemClock, timing: PresenceTiming = DEFAULT_TIMING): Engine {
  const pubSub = new MemoryPubSub();
  const typing = new MemoryTyping(clock);
  const rateTokens = new TokenBuckets(clock);
  const tickets = new MemoryTickets(clock);
  const presence = new MemoryPresence(clock, timing);
  return {
    pubSub,
    typing,
    rateTokens,
    tickets,
    presence,
    async close() {
      for (const part of [pubSub, typing, rateTokens, tickets]) part.close();
      presence.clear();
    },
  };
}
