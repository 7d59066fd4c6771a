import type { Choice } from "@signalbox/protocol/presence";
import type { UserRow } from "../model/rows.ts";
import type { Clock } from "../ports/clock.ts";
import { type Faults, reportFault } from "../ports/faults.ts";
import type { Activity, PresenceRegistry } from "../ports/presence-registry.ts";
import type { Store } from "../ports/store.ts";
import type { Lease } from "./lease.ts";
import type { Presence } from "./presence.ts";
import { firstOf, taskLoop } from "./task-loop.ts";

/** The most users of one call. */
const CHUNK = 500;
/** The most choices that go to the registry at the same time. */
const CHOICES_AT_ONCE = 50;

/** A choice, and its number among the user's choices. */
type Chosen = Pick<UserRow, "choice" | "choiceVersion">;
/** The choice of a user without one. */
const DEFAULT_CHOICE: Chosen = { choice: "online" satisfies Choice, choiceVersion: 0 };

/** A user with a session here, or with a departure that is not registered yet. */
export interface PresentUser {
  readonly userId: string;
  here: boolean;
  /** Undefined until the store has answered. */
  chosen: Chosen | undefined;
  /** The last activity, by this node's clock. */
  activeAt: number;
  /** The last report of activity to the registry. */
  reportedAt: number;
  /** The incarnation of this node under which the user may be registered; undefined for none. */
  enteredAs: string | undefined;
  /** True when that is certain. */
  entered: boolean;
  arrived: () => void;
  departed: (gone: boolean) => void;
}

export interface PresenceRegistrarDeps {
  readonly registry: PresenceRegistry;
  readonly faults: Faults;
  readonly store: Pick<Store, "users">;
  readonly clock: Clock;
  readonly presence: Pick<Presence, "announce">;
  readonly lease: Pick<Lease, "node" | "held">;
}

/**
 * Keeps the registry's entries for the users of this node. Sessions come and go; the registry follows in groups, one call at
 * a time, so that the newest state wins in any order of the answers. Work that fails waits for `proceed`. Without a lease no
 * user is entered: the departures that wait are bounded by the users that were here before.
 */
export class PresenceRegistrar {
  readonly #deps: PresenceRegistrarDeps;
  readonly #users = new Map<string, PresentUser>();
  /** Users without a known choice. */
  readonly #unknown = new Set<PresentUser>();
  /** Users with a registration that may not match their sessions. */
  readonly #unregistered = new Set<PresentUser>();
  /** Users with a newer choice than the one of their registration. */
  readonly #chose = new Set<PresentUser>();
  readonly #load: () => Promise<void>;
  readonly #register: () => Promise<void>;
  readonly #choices: () => Promise<void>;

  constructor(deps: PresenceRegistrarDeps) {
    this.#deps = deps;
    const waiting = (users: ReadonlySet<PresentUser>) => () => deps.lease.held && users.size > 0;
    const failed = (error: unknown) => void reportFault(deps.faults, "registration", error);
    const loading = () => this.#unknown.size > 0;
    this.#load = taskLoop(loading, () => this.#loadSome(), failed);
    this.#register = taskLoop(waiting(this.#unregistered), () => this.#registerSome(), failed);
    this.#choices = taskLoop(waiting(this.#chose), () => this.#sendChoices(), failed);
  }

  /** The user, if there is a session here. */
  find(userId: string): PresentUser | undefined {
    const user = this.#users.get(userId);
    return user?.here === true ? user : undefined;
  }

  /** See `LocalPresence.arrive`. */
  async arrive(userId: string): Promise<void> {
    const user = this.#users.get(userId) ?? newcomer(userId);
    if (user.here) return;
    this.#users.set(userId, user);
    user.here = true;
    user.departed(false);
    if (this.isRegistered(user)) return;
    if (user.chosen === undefined) this.#unknown.add(user);
    else this.#unregistered.add(user);
    const arrived = new Promise<void>((resolve) => (user.arrived = resolve));
    void this.proceed();
    await arrived;
  }

  /** See `LocalPresence.depart`. */
  async depart(userId: string): Promise<boolean> {
    const user = this.find(userId);
    if (user === undefined) return false;
    user.here = false;
    user.arrived();
    this.#unknown.delete(user);
    this.#chose.delete(user);
    this.#unregistered.add(user);
    if (this.#conclude(user)) return false;
    const departed = new Promise<boolean>((resolve) => (user.departed = resolve));
    void this.proceed();
    return departed;
  }

  /** See `LocalPresence.chosen`. */
  chosen({ userId, choice, choiceVersion }: UserRow): void {
    const user = this.#users.get(userId);
    if (user === undefined || choiceVersion <= (user.chosen?.choiceVersion ?? -1)) return;
    this.#setChoice(user, { choice, choiceVersion });
    // A user that is not entered yet will be entered with it.
    if (!user.here || user.enteredAs !== this.#deps.lease.node) return;
    this.#chose.add(user);
    void this.#choices();
  }

  /** True when the registry matches the user's sessions here. An entry of another incarnation does not count. */
  isRegistered({ here, entered, enteredAs }: PresentUser): boolean {
    const known = enteredAs === this.#deps.lease.node;
    return here ? known && entered : !known;
  }

  /** Does the waiting work. Resolves when the rest waits for the store, the engine or the lease. */
  async proceed(): Promise<void> {
    await Promise.all([this.#load(), this.#register(), this.#choices()]);
  }

  /** Registers every user again: the registry may have lost them. Resolves as `proceed`. */
  async enterAnew(): Promise<void> {
    for (const user of this.#users.values()) {
      if (user.chosen === undefined) continue;
      user.entered = false;
      this.#unregistered.add(user);
    }
    await this.proceed();
  }

  /** Removes every user. Resolves with true when the registry has taken that. */
  async empty(): Promise<boolean> {
    for (const userId of [...this.#users.keys()]) void this.depart(userId);
    await this.#register();
    const left = [...this.#users.values()];
    for (const user of left) user.departed(false);
    return left.length === 0;
  }

  #setChoice(user: PresentUser, chosen: Chosen): void {
    user.chosen = chosen;
    if (!this.#unknown.delete(user)) return;
    this.#unregistered.add(user);
    void this.#register();
  }

  async #loadSome(): Promise<void> {
    const some = firstOf(this.#unknown, CHUNK);
    const rows = await this.#deps.store.users(some.map(({ userId }) => userId));
    for (const user of some) {
      const { choice, choiceVersion } = rows.get(user.userId) ?? DEFAULT_CHOICE;
      // The user may have left, or chosen, meanwhile.
      if (this.#unknown.has(user)) this.#setChoice(user, { choice, choiceVersion });
    }
  }

  async #registerSome(): Promise<void> {
    // The lease may be lost and held again meanwhile: these users are registered under this incarnation.
    const { node } = this.#deps.lease;
    const some = firstOf(this.#unregistered, CHUNK);
    const changing = some.filter((user) => !this.isRegistered(user));
    const arriving = changing.filter(({ here }) => here);
    const departing = changing.filter(({ here }) => !here);
    if (arriving.length > 0) await this.#enter(node, arriving);
    if (departing.length > 0) await this.#leave(node, departing);
    for (const user of some) this.#conclude(user);
  }

  async #enter(node: string, users: readonly PresentUser[]): Promise<void> {
    const { registry, clock, presence } = this.#deps;
    const now = clock.now();
    const arrivals = users.map((user) => {
      user.enteredAs = node;
      user.entered = false;
      user.reportedAt = now;
      return { ...(user.chosen ?? DEFAULT_CHOICE), ...activityOf(user, now) };
    });
    const changes = await registry.enter(node, arrivals);
    for (const user of users) user.entered = true;
    const arrived = users.map((user) => user.arrived);
    void presence.announce(changes).then(() => {
      for (const resolve of arrived) resolve();
    });
  }

  async #leave(node: string, users: readonly PresentUser[]): Promise<void> {
    const { registry, clock, presence } = this.#deps;
    const now = clock.now();
    for (const user of users) user.entered = false;
    const departures = users.map((user) => activityOf(user, now));
    const { changes, gone } = await registry.leave(node, departures);
    const withoutSession = new Set(gone);
    for (const user of users) {
      user.enteredAs = undefined;
      user.departed(!user.here && withoutSession.has(user.userId));
    }
    void presence.announce(changes);
  }

  /** Ends the work on a registered user, and forgets a departed one. False while work is left. */
  #conclude(user: PresentUser): boolean {
    if (!this.isRegistered(user)) return false;
    this.#unregistered.delete(user);
    if (user.here) return true;
    user.departed(false);
    this.#users.delete(user.userId);
    return true;
  }

  async #sendChoices(): Promise<void> {
    const { registry, presence } = this.#deps;
    const sending = firstOf(this.#chose, CHOICES_AT_ONCE).map(async (user) => {
      const { userId, chosen = DEFAULT_CHOICE } = user;
      const { changes } = await registry.choose({ userId, ...chosen });
      // The user may have chosen again meanwhile.
      if (chosen === user.chosen) this.#chose.delete(user);
      void presence.announce(changes);
    });
    await Promise.all(sending);
  }
}

const newcomer = (userId: string): PresentUser => ({
  userId,
  here: false,
  chosen: undefined,
  activeAt: 0,
  reportedAt: Number.NEGATIVE_INFINITY,
  enteredAs: undefined,
  entered: false,
  arrived: () => undefined,
  departed: () => undefined,
});

/** The last activity of the user, as the registry takes it. */
export const activityOf = ({ userId, activeAt }: PresentUser, now: number): Activity => ({
  userId,
  idleForMs: Math.round(now - activeAt),
});
