import type { PresenceRegistry } from "./presence-registry.ts";
import type { PubSub } from "./pub-sub.ts";
import type { RateTokens } from "./rate-tokens.ts";
import type { Tickets } from "./tickets.ts";
import type { TypingStore } from "./typing-store.ts";

/** The volatile state that nodes share: five ports, opened and closed together. Code takes single ports, not this. */
export interface Engine {
  readonly pubSub: PubSub;
  readonly typing: TypingStore;
  readonly rateTokens: RateTokens;
  readonly tickets: Tickets;
  readonly presence: PresenceRegistry;
  /** Ends every connection and timer. Idempotent. */
  close(): Promise<void>;
}
