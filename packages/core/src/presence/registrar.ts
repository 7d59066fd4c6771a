import type { Choice } from "@signalbox/protocol/presence";
import type { UserRow } from "../model/rows.ts";
import type { Clock } from "../ports/clock.ts";
import type { Engine } from "../ports/engine.ts";
import type { Activity } from "../ports/presence-registry.ts";
import type { Store } from "../ports/store.ts";
import type { Lease } from "./lease.ts";
import type { Presence } from "./presence.ts";
import { firstOf, untilDone } from "./task-loop.ts";

/** Users that one call is about. */
const CHUNK = 500;
/** Choices that are brought to the registry at once. */
const CHOICES_AT_ONCE = 50;

/** What a user chose, and the how many-th choice that is. */
type Chosen = Pick<UserRow, "choice" | "choiceVersion">;
/** Of whoever never chose. */
const STANDARD: Chosen = { choice: "online" satisfies Choice, choiceVersion: 0 };

/** A user with a session here, or whose departure is not registered yet. */
export interface Local {
  readonly userId: string;
  here: boolean;
  /** Undefined until the store was heard. */
  chosen: Chosen | undefined;
  /** When they last did something, by this node's clock. */
  activeAt: number;
  /** When the registry was last told of that. */
  heardAt: number;
  /** Under which incarnation of this node they may be registered. */
  enteredAs: string | undefined;
  /** Whether that is certain. */
  entered: boolean;
  arrived: () => void;
  departed: (gone: boolean) => void;
}

export interface PresenceRegistrarDeps {
  readonly engine: Pick<Engine, "presence">;
  readonly store: Pick<Store, "users">;
  readonly clock: Clock;
  readonly presence: Pick<Presence, "announce">;
  readonly lease: Pick<Lease, "node" | "held">;
}

/**
 * The users with a session on this node, and what the registry knows of them. Users are wished in and out as sessions come and
 * go; the registry is brought to what is wished, in groups, one at a time, so that the newest wish wins whatever the order of
 * answers. What fails stays to be done until `proceed`. While the lease is not held nobody is entered: what waits to be taken
 * out again is bounded by who was here before.
 */
export class PresenceRegistrar {
  readonly #deps: PresenceRegistrarDeps;
  readonly #users = new Map<string, Local>();
  /** Whose choice is not known yet. */
  readonly #unknown = new Set<Local>();
  /** Who may not be registered as wished. */
  readonly #unsettled = new Set<Local>();
  /** Whose choice is newer than the one that they were entered with. */
  readonly #chose = new Set<Local>();
  readonly #load: () => Promise<void>;
  readonly #settle: () => Promise<void>;
  readonly #bring: () => Promise<void>;

  constructor(deps: PresenceRegistrarDeps) {
    this.#deps = deps;
    const some = (of: ReadonlySet<Local>) => () => deps.lease.held && of.size > 0;
    this.#load = untilDone(
      () => this.#unknown.size > 0,
      () => this.#loadSome(),
    );
    this.#settle = untilDone(some(this.#unsettled), () => this.#settleSome());
    this.#bring = untilDone(some(this.#chose), () => this.#bringSome());
  }

  /** A user who has a session here. */
  find(userId: string): Local | undefined {
    const local = this.#users.get(userId);
    return local?.here === true ? local : undefined;
  }

  /** See `Attendance.arrive`. */
  async arrive(userId: string): Promise<void> {
    const local = this.#users.get(userId) ?? newcomer(userId);
    if (local.here) return;
    this.#users.set(userId, local);
    local.here = true;
    local.departed(false);
    if (this.isSettled(local)) return;
    if (local.chosen === undefined) this.#unknown.add(local);
    else this.#unsettled.add(local);
    const arrived = new Promise<void>((resolve) => (local.arrived = resolve));
    void this.proceed();
    await arrived;
  }

  /** See `Attendance.depart`. */
  async depart(userId: string): Promise<boolean> {
    const local = this.find(userId);
    if (local === undefined) return false;
    local.here = false;
    local.arrived();
    this.#unknown.delete(local);
    this.#chose.delete(local);
    this.#unsettled.add(local);
    if (this.#conclude(local)) return false;
    const departed = new Promise<boolean>((resolve) => (local.departed = resolve));
    void this.proceed();
    return departed;
  }

  /** See `Attendance.chosen`. */
  chosen({ userId, choice, choiceVersion }: UserRow): void {
    const local = this.#users.get(userId);
    if (local === undefined || choiceVersion <= (local.chosen?.choiceVersion ?? -1)) return;
    this.#know(local, { choice, choiceVersion });
    // Whoever is not entered yet is entered with it.
    if (!local.here || local.enteredAs !== this.#deps.lease.node) return;
    this.#chose.add(local);
    void this.#bring();
  }

  /** Whether the registry knows what is wished of them. Under another incarnation it knows nothing. */
  isSettled({ here, entered, enteredAs }: Local): boolean {
    const known = enteredAs === this.#deps.lease.node;
    return here ? known && entered : !known;
  }

  /** Does what is to be done. Resolves when nothing is left but what has to wait: for the store or the engine, or for the lease. */
  async proceed(): Promise<void> {
    await Promise.all([this.#load(), this.#settle(), this.#bring()]);
  }

  /** What the registry was told may be lost: registers everybody again. Resolves as `proceed`. */
  async enterAnew(): Promise<void> {
    for (const local of this.#users.values()) {
      if (local.chosen === undefined) continue;
      local.entered = false;
      this.#unsettled.add(local);
    }
    await this.proceed();
  }

  /** Takes everybody out. Resolves with whether the registry knows it. */
  async empty(): Promise<boolean> {
    for (const userId of [...this.#users.keys()]) void this.depart(userId);
    await this.#settle();
    const left = [...this.#users.values()];
    for (const local of left) local.departed(false);
    return left.length === 0;
  }

  #know(local: Local, chosen: Chosen): void {
    local.chosen = chosen;
    if (!this.#unknown.delete(local)) return;
    this.#unsettled.add(local);
    void this.#settle();
  }

  async #loadSome(): Promise<void> {
    const some = firstOf(this.#unknown, CHUNK);
    const rows = await this.#deps.store.users(some.map(({ userId }) => userId));
    for (const local of some) {
      const { choice, choiceVersion } = rows.get(local.userId) ?? STANDARD;
      // They may be gone, or have chosen, meanwhile.
      if (this.#unknown.has(local)) this.#know(local, { choice, choiceVersion });
    }
  }

  async #settleSome(): Promise<void> {
    // The lease may be lost, and held again, while this is under way: what is registered here is registered there.
    const { node } = this.#deps.lease;
    const some = firstOf(this.#unsettled, CHUNK);
    const changing = some.filter((local) => !this.isSettled(local));
    const arriving = changing.filter(({ here }) => here);
    const departing = changing.filter(({ here }) => !here);
    if (arriving.length > 0) await this.#enter(node, arriving);
    if (departing.length > 0) await this.#leave(node, departing);
    for (const local of some) this.#conclude(local);
  }

  async #enter(node: string, locals: readonly Local[]): Promise<void> {
    const { engine, clock, presence } = this.#deps;
    const now = clock.now();
    const arrivals = locals.map((local) => {
      local.enteredAs = node;
      local.entered = false;
      local.heardAt = now;
      return { ...(local.chosen ?? STANDARD), ...activityOf(local, now) };
    });
    const changes = await engine.presence.enter(node, arrivals);
    for (const local of locals) local.entered = true;
    const arrived = locals.map((local) => local.arrived);
    void presence.announce(changes).then(() => {
      for (const resolve of arrived) resolve();
    });
  }

  async #leave(node: string, locals: readonly Local[]): Promise<void> {
    const { engine, clock, presence } = this.#deps;
    const now = clock.now();
    for (const local of locals) local.entered = false;
    const departures = locals.map((local) => activityOf(local, now));
    const { changes, gone } = await engine.presence.leave(node, departures);
    const nowhere = new Set(gone);
    for (const local of locals) {
      local.enteredAs = undefined;
      local.departed(!local.here && nowhere.has(local.userId));
    }
    void presence.announce(changes);
  }

  /** Whether nothing is left to be done for them. */
  #conclude(local: Local): boolean {
    if (!this.isSettled(local)) return false;
    this.#unsettled.delete(local);
    if (local.here) return true;
    local.departed(false);
    this.#users.delete(local.userId);
    return true;
  }

  async #bringSome(): Promise<void> {
    const { engine, presence } = this.#deps;
    const bringing = firstOf(this.#chose, CHOICES_AT_ONCE).map(async (local) => {
      const { userId, chosen = STANDARD } = local;
      const { changes } = await engine.presence.choose({ userId, ...chosen });
      // They may have chosen again meanwhile.
      if (chosen === local.chosen) this.#chose.delete(local);
      void presence.announce(changes);
    });
    await Promise.all(bringing);
  }
}

const newcomer = (userId: string): Local => ({
  userId,
  here: false,
  chosen: undefined,
  activeAt: 0,
  heardAt: Number.NEGATIVE_INFINITY,
  enteredAs: undefined,
  entered: false,
  arrived: () => undefined,
  departed: () => undefined,
});

/** How long ago they last did something. */
export const activityOf = ({ userId, activeAt }: Local, now: number): Activity => ({
  userId,
  idleForMs: Math.round(now - activeAt),
});
