import { chunksOf } from "../model/groups.ts";
import type { UserRow } from "../model/rows.ts";
import type { Clock } from "../ports/clock.ts";
import { type Faults, reportFault } from "../ports/faults.ts";
import type { PresenceRegistry } from "../ports/presence-registry.ts";
import type { Store } from "../ports/store.ts";
import { Lease } from "./lease.ts";
import type { Presence } from "./presence.ts";
import { activityOf, PresenceRegistrar, type PresentUser } from "./registrar.ts";

/** The most users of one activity report. */
const CHUNK = 500;
/** The shortest time between two reports of a user's activity. Idleness takes much longer. */
const ACTIVE_MS = 10_000;

export interface LocalPresenceDeps {
  readonly registry: PresenceRegistry;
  readonly store: Pick<Store, "users">;
  readonly clock: Clock;
  readonly faults: Faults;
  readonly presence: Pick<Presence, "announce">;
  /** `NODE_LEASE_MS`. */
  readonly leaseMs: number;
  /** `PRESENCE_GRACE_MS`. */
  readonly graceMs: number;
  /**
   * Called when the presence that sessions have may be stale: after a loss, and again, `final`, when every node has had the
   * time to register its users: an unknown user is offline then.
   */
  readonly stale: (final: boolean) => void;
}

/**
 * A gateway's part in presence: its lease, the users with a session on it, and their activity. Three times in its length the
 * lease is renewed, and waiting work is done; an idle session costs nothing. DESIGN 4.
 */
export class LocalPresence {
  readonly #deps: LocalPresenceDeps;
  readonly #lease: Lease;
  readonly #registrar: PresenceRegistrar;
  /** Users with activity that the registry may not know. */
  readonly #active = new Set<PresentUser>();
  #cancelFinal: (() => void) | undefined;
  #closed = false;

  constructor(deps: LocalPresenceDeps) {
    const { registry, clock, faults, leaseMs, graceMs } = deps;
    this.#deps = deps;
    this.#lease = new Lease({
      registry,
      clock,
      faults,
      leaseMs,
      graceMs,
      renewed: () => this.#renewed(),
      lost: () => void this.#lost(),
    });
    this.#registrar = new PresenceRegistrar({ ...deps, lease: this.#lease });
  }

  /** Opens this node's lease. Resolves when it is open, or the engine is away: then it is opened at the engine's return. */
  async start(): Promise<void> {
    await this.#lease.start();
  }

  /**
   * Takes the user's first session here. Resolves when the user is registered and that is announced, or gone again. Never
   * rejects; but it waits while the store or the engine is away: the caller bounds that.
   */
  async arrive(userId: string): Promise<void> {
    if (this.#closed) return;
    const arrived = this.#registrar.arrive(userId);
    // Before the registration: an arrival is activity.
    this.active(userId);
    await arrived;
  }

  /**
   * Takes the end of the user's last session here. Resolves with true when no other node has one; with false also when that
   * is unknown.
   */
  async depart(userId: string): Promise<boolean> {
    const user = this.#registrar.find(userId);
    if (user !== undefined) this.#active.delete(user);
    return this.#registrar.depart(userId);
  }

  /** A session of the user did something. */
  active(userId: string): void {
    const user = this.#registrar.find(userId);
    if (user === undefined) return;
    user.activeAt = this.#deps.clock.now();
    this.#active.add(user);
  }

  /** True for a user with a session here that chose to appear offline, and while the choice is unknown. */
  appearsOffline(userId: string): boolean {
    const user = this.#registrar.find(userId);
    return user !== undefined && (user.chosen?.choice ?? "appear_offline") === "appear_offline";
  }

  /** Takes a user's choice from the store. A newer one than the known one goes to the registry: perhaps no other node sent it. */
  chosen(user: UserRow): void {
    this.#registrar.chosen(user);
  }

  /** Registers the users of this node again: the engine was away, and may have lost its newest state, as in a failover. */
  async recover(): Promise<void> {
    await this.#registrar.enterAnew();
  }

  /** Registers the departure of all users, and ends the lease. Never rejects. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#cancelFinal?.();
    await this.#lease.stop();
    this.#active.clear();
    // Users that could not be removed have their grace when another node takes over the expired lease.
    if (await this.#registrar.empty()) await this.#lease.end();
  }

  async #renewed(): Promise<void> {
    void this.#registrar.proceed();
    const failed = (error: unknown) => void reportFault(this.#deps.faults, "registration", error);
    // A failure of one does not stop the other; failed work is done after the next renewal.
    await Promise.all([this.#settle().catch(failed), this.#flush().catch(failed)]);
  }

  async #settle(): Promise<void> {
    const { registry, presence } = this.#deps;
    await presence.announce(await registry.settle());
  }

  /** Registers all users under the new incarnation: the registry may have lost the users of all nodes. */
  async #lost(): Promise<void> {
    const { clock, stale, leaseMs, graceMs } = this.#deps;
    await this.#registrar.enterAnew();
    if (this.#closed) return;
    this.#cancelFinal?.();
    this.#cancelFinal = clock.after(leaseMs + graceMs, () => stale(true));
    stale(false);
  }

  /** Reports activity: at once after a pause, then every `ACTIVE_MS`, and always the last one. */
  async #flush(): Promise<void> {
    const { registry, clock, presence } = this.#deps;
    const now = clock.now();
    const due = this.#due(now);
    for (const chunk of chunksOf(due, CHUNK)) {
      void presence.announce(await registry.touch(chunk.map((user) => activityOf(user, now))));
      for (const user of chunk) user.reportedAt = now;
    }
  }

  #due(now: number): PresentUser[] {
    const due: PresentUser[] = [];
    for (const user of this.#active) {
      if (user.activeAt <= user.reportedAt) this.#active.delete(user);
      else if (now - user.reportedAt >= ACTIVE_MS && this.#registrar.isRegistered(user)) due.push(user);
    }
    return due;
  }
}
