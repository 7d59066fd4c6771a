/** How often a session is pinged. CONTRACT section 4, "Heartbeat". */
export const HEARTBEAT_MS = 25_000;
/** How long its pong may take. */
const PONG_MS = 10_000;
const TICK_MS = 1000;
/** How often tokens are looked at: rounded up to the next look, an end is heard of within twice this. */
const LOOK_MS = TICK_MS / 2;
const SLOTS = HEARTBEAT_MS / TICK_MS;
const PONG_SLOTS = PONG_MS / TICK_MS;

export interface Beating {
  /** Sends a ping. */
  ping(): void;
  /** A pong arrived since the last ping. */
  alive(): boolean;
  /** No pong came in time. */
  lost(): void;
  /** Its token ends now. */
  expired(): void;
}

/**
 * Pings sessions and ends their tokens: one timer for all of them. A tick looks only at those whose turn it is, so an idle
 * session costs nothing in between.
 */
export class Heartbeat {
  readonly #slots: Set<Beating>[] = Array.from({ length: SLOTS }, () => new Set());
  /** By the look (since the epoch) at which they have ended. */
  readonly #expiries = new Map<number, Set<Beating>>();
  readonly #timer = setInterval(() => this.#tick(), LOOK_MS);
  #turn = 0;
  #half = false;
  #look = Math.floor(Date.now() / LOOK_MS);

  /** Pings `session` from now on; returns how to end that. */
  add(session: Beating): () => void {
    const slot = this.#slots[this.#turn];
    slot?.add(session);
    return () => slot?.delete(session);
  }

  /** Tells the session within a second after `at`; returns how to call that off. */
  expire(session: Beating, at: Date): () => void {
    // Never at a look that is over.
    const look = Math.max(Math.ceil(at.getTime() / LOOK_MS), this.#look + 1);
    const ending = this.#expiries.get(look) ?? new Set();
    this.#expiries.set(look, ending.add(session));
    return () => {
      ending.delete(session);
      if (ending.size === 0 && this.#expiries.get(look) === ending) this.#expiries.delete(look);
    };
  }

  close(): void {
    clearInterval(this.#timer);
  }

  #tick(): void {
    this.#endTokens();
    this.#half = !this.#half;
    if (this.#half) return;
    this.#turn = (this.#turn + 1) % SLOTS;
    for (const session of this.#slots[(this.#turn + SLOTS - PONG_SLOTS) % SLOTS] ?? [])
      if (!session.alive()) session.lost();
    for (const session of this.#slots[this.#turn] ?? []) session.ping();
  }

  #endTokens(): void {
    const now = Math.floor(Date.now() / LOOK_MS);
    while (this.#look < now) {
      const ending = this.#expiries.get(++this.#look) ?? [];
      this.#expiries.delete(this.#look);
      for (const session of ending) session.expired();
    }
  }
}
