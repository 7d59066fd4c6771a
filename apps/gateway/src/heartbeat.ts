/** How often a session is pinged. CONTRACT section 4, "Heartbeat". */
export const HEARTBEAT_MS = 25_000;
/** How long its pong may take. */
const PONG_MS = 10_000;
/** How often a stream is sent a comment. CONTRACT section 5, "SSE". */
export const COMMENT_MS = 15_000;
const TICK_MS = 1000;
/** How often tokens are looked at: rounded up to the next look, an end is heard of within twice this. */
const LOOK_MS = TICK_MS / 2;
const PONG_SLOTS = PONG_MS / TICK_MS;

export interface HeartbeatTarget {
  /** Sends a ping, or whatever else shows that the other end is there. */
  ping(): void;
  /** Whether it is there, asked 10 s after a ping: for a socket, whether a pong came. */
  alive(): boolean;
  /** It is not. */
  lost(): void;
  /** Its token ends now. */
  expired(): void;
}

/** Sessions that are pinged with the same period: a slot for each tick of it. */
class Ring {
  readonly #slots: Set<HeartbeatTarget>[];
  #turn = 0;

  constructor(periodMs: number) {
    this.#slots = Array.from({ length: periodMs / TICK_MS }, () => new Set());
  }

  add(session: HeartbeatTarget): () => void {
    const slot = this.#slots[this.#turn];
    slot?.add(session);
    return () => slot?.delete(session);
  }

  tick(): void {
    const { length } = this.#slots;
    this.#turn = (this.#turn + 1) % length;
    for (const session of this.#slots[(this.#turn + length - PONG_SLOTS) % length] ?? [])
      if (!session.alive()) session.lost();
    for (const session of this.#slots[this.#turn] ?? []) session.ping();
  }
}

/**
 * Pings sessions and ends their tokens: one timer for all of them. A tick looks only at those whose turn it is, so an idle
 * session costs nothing in between.
 */
export class Heartbeat {
  readonly #rings = { [HEARTBEAT_MS]: new Ring(HEARTBEAT_MS), [COMMENT_MS]: new Ring(COMMENT_MS) };
  /** By the look (since the epoch) at which they have ended. */
  readonly #expiries = new Map<number, Set<HeartbeatTarget>>();
  readonly #timer = setInterval(() => this.#tick(), LOOK_MS);
  #half = false;
  #look = Math.floor(Date.now() / LOOK_MS);

  /** Pings `session` once in this time from now on; returns how to end that. */
  add(session: HeartbeatTarget, everyMs: typeof HEARTBEAT_MS | typeof COMMENT_MS = HEARTBEAT_MS): () => void {
    return this.#rings[everyMs].add(session);
  }

  /** Tells the session within a second after `at`; returns how to call that off. */
  expire(session: HeartbeatTarget, at: Date): () => void {
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
    for (const ring of Object.values(this.#rings)) ring.tick();
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
