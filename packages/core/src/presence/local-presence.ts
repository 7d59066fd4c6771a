import type { UserRow } from "../model/rows.ts";
import type { Clock } from "../ports/clock.ts";
import type { Engine } from "../ports/engine.ts";
import type { Store } from "../ports/store.ts";
import { Lease } from "./lease.ts";
import type { Presence } from "./presence.ts";
import { activityOf, type Local, PresenceRegistrar } from "./registrar.ts";

/** Users whose activity one call is about. */
const CHUNK = 500;
/** How often the engine hears that somebody goes on doing something. Whoever is idle was not heard of for much longer. */
const ACTIVE_MS = 10_000;

export interface LocalPresenceDeps {
  readonly engine: Pick<Engine, "presence">;
  readonly store: Pick<Store, "users">;
  readonly clock: Clock;
  readonly presence: Pick<Presence, "announce">;
  /** `NODE_LEASE_MS`. */
  readonly leaseMs: number;
  /** `PRESENCE_GRACE_MS`. */
  readonly graceMs: number;
  /**
   * What was told of presence may be stale: called after a loss, and again, `settled`, when every node has had the time to
   * register anew: whoever is unknown then is offline.
   */
  readonly stale: (settled: boolean) => void;
}

/**
 * A gateway's part in who is here: its lease, the users with a session on it, and what they do. Three times in a lease there
 * is a beat, which renews it and does whatever time has brought; a session that does nothing costs nothing. DESIGN 4.
 */
export class LocalPresence {
  readonly #deps: LocalPresenceDeps;
  readonly #lease: Lease;
  readonly #registrar: PresenceRegistrar;
  /** Who did something that the registry may not have heard of. */
  readonly #active = new Set<Local>();
  #callOffDoubt: (() => void) | undefined;
  #closed = false;

  constructor(deps: LocalPresenceDeps) {
    const { engine, clock, leaseMs, graceMs } = deps;
    this.#deps = deps;
    this.#lease = new Lease({
      registry: engine.presence,
      clock,
      leaseMs,
      graceMs,
      renewed: () => this.#renewed(),
      lost: () => void this.#lost(),
    });
    this.#registrar = new PresenceRegistrar({ ...deps, lease: this.#lease });
  }

  /** Opens this node's lease. Resolves when it is open, or the engine is away: it is opened then when that is back. */
  async start(): Promise<void> {
    await this.#lease.start();
  }

  /**
   * The user's first session here. Resolves when they are registered and that is announced, or when they are gone again. Never
   * rejects; but it waits while the store or the engine is away: the caller bounds that.
   */
  async arrive(userId: string): Promise<void> {
    if (this.#closed) return;
    const arrived = this.#registrar.arrive(userId);
    // Before they are entered: coming here is something that they do.
    this.active(userId);
    await arrived;
  }

  /** Their last session here is closed. Resolves with whether they have none elsewhere: false also when that cannot be known. */
  async depart(userId: string): Promise<boolean> {
    const local = this.#registrar.find(userId);
    if (local !== undefined) this.#active.delete(local);
    return this.#registrar.depart(userId);
  }

  /** One of their sessions here did something. */
  active(userId: string): void {
    const local = this.#registrar.find(userId);
    if (local === undefined) return;
    local.activeAt = this.#deps.clock.now();
    this.#active.add(local);
  }

  /** Whether a user who is here chose to appear offline. While that is not known, they may have. */
  appearsOffline(userId: string): boolean {
    const local = this.#registrar.find(userId);
    return local !== undefined && (local.chosen?.choice ?? "appear_offline") === "appear_offline";
  }

  /** The store says what a user chose. What is newer than what is known here is brought to the registry: perhaps nobody else did. */
  chosen(user: UserRow): void {
    this.#registrar.chosen(user);
  }

  /** The engine was away, and may have lost the newest of what it was told, as a failover does: tells it again who is here. */
  async recover(): Promise<void> {
    await this.#registrar.enterAnew();
  }

  /** Registers the departure of whoever is still here, and ends the lease. Never rejects. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#callOffDoubt?.();
    await this.#lease.stop();
    this.#active.clear();
    // Users who could not be taken out have their grace when the others take over a lease that has run out.
    if (await this.#registrar.empty()) await this.#lease.end();
  }

  async #renewed(): Promise<void> {
    void this.#registrar.proceed();
    // Neither waits for the other to have worked; what failed comes again with the next beat.
    await Promise.allSettled([this.#settle(), this.#flush()]);
  }

  async #settle(): Promise<void> {
    const { engine, presence } = this.#deps;
    await presence.announce(await engine.presence.settle());
  }

  /** Nobody is registered under the new incarnation, and perhaps nobody at all. */
  async #lost(): Promise<void> {
    const { clock, stale: doubt, leaseMs, graceMs } = this.#deps;
    await this.#registrar.enterAnew();
    if (this.#closed) return;
    this.#callOffDoubt?.();
    this.#callOffDoubt = clock.after(leaseMs + graceMs, () => doubt(true));
    doubt(false);
  }

  /** Brings what users did: at once when they had done nothing for a while, then now and then, and always the last of it. */
  async #flush(): Promise<void> {
    const { engine, clock, presence } = this.#deps;
    const now = clock.now();
    const due = this.#due(now);
    for (let at = 0; at < due.length; at += CHUNK) {
      const some = due.slice(at, at + CHUNK);
      void presence.announce(await engine.presence.touch(some.map((local) => activityOf(local, now))));
      for (const local of some) local.heardAt = now;
    }
  }

  #due(now: number): Local[] {
    const due: Local[] = [];
    for (const local of this.#active) {
      if (local.activeAt <= local.heardAt) this.#active.delete(local);
      else if (now - local.heardAt >= ACTIVE_MS && this.#registrar.isSettled(local)) due.push(local);
    }
    return due;
  }
}
