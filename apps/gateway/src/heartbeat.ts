import type { CloseReason } from "@signalbox/protocol/close";

/** Period of the pings of a socket. CONTRACT section 4, "Heartbeat". */
export const HEARTBEAT_MS = 25_000;
/** Time that its pong may take. */
const PONG_MS = 10_000;
/** Period of the comments of a stream. CONTRACT section 5, "SSE". */
export const COMMENT_MS = 15_000;
const TICK_MS = 1000;
/** Period of the checks for expired tokens. An expiry is rounded up to the next check: a session is told within twice this. */
const CHECK_MS = TICK_MS / 2;
const PONG_SLOTS = PONG_MS / TICK_MS;

export type PingPeriod = typeof HEARTBEAT_MS | typeof COMMENT_MS;

export interface HeartbeatTarget {
  /** Sends a ping, or anything else that shows that the peer is there. */
  ping(): void;
  /** False when the peer is gone, asked 10 s after a ping. */
  alive(): boolean;
  /** Called with `heartbeat` when the peer is gone, with `unauthenticated` when the token has expired. */
  close(reason: CloseReason): void;
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
      if (!session.alive()) session.close("heartbeat");
    for (const session of this.#slots[this.#turn] ?? []) session.ping();
  }
}

/**
 * Pings sessions and ends those with an expired token: one timer for all of them. A tick visits only the sessions of its
 * slot, so an idle session costs nothing in between.
 */
export class Heartbeat {
  readonly #rings = { [HEARTBEAT_MS]: new Ring(HEARTBEAT_MS), [COMMENT_MS]: new Ring(COMMENT_MS) };
  /** By the number of the check (since the epoch) that closes them. */
  readonly #expiries = new Map<number, Set<HeartbeatTarget>>();
  readonly #timer = setInterval(() => this.#tick(), CHECK_MS);
  #half = false;
  #check = Math.floor(Date.now() / CHECK_MS);

  /** Pings `session` with this period from now on; returns the function that ends that. */
  add(session: HeartbeatTarget, periodMs: PingPeriod = HEARTBEAT_MS): () => void {
    return this.#rings[periodMs].add(session);
  }

  /** Closes the session within a second after `at`; returns the function that calls that off. */
  expire(session: HeartbeatTarget, at: Date): () => void {
    // Never at a check that is over.
    const check = Math.max(Math.ceil(at.getTime() / CHECK_MS), this.#check + 1);
    const ending = this.#expiries.get(check) ?? new Set();
    this.#expiries.set(check, ending.add(session));
    return () => {
      ending.delete(session);
      if (ending.size === 0 && this.#expiries.get(check) === ending) this.#expiries.delete(check);
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
    const now = Math.floor(Date.now() / CHECK_MS);
    while (this.#check < now) {
      const ending = this.#expiries.get(++this.#check) ?? [];
      this.#expiries.delete(this.#check);
      for (const session of ending) session.close("unauthenticated");
    }
  }
}
