import type { Clock } from "../ports/clock.ts";
import { type Faults, reportFault } from "../ports/faults.ts";
import type { ExpiredNode, PresenceRegistry } from "../ports/presence-registry.ts";

/** The pause before a renewal that failed is tried again. */
const RETRY_MS = 250;

export interface LeaseDeps {
  readonly registry: Pick<PresenceRegistry, "open" | "renew" | "claim" | "endNode" | "close">;
  readonly clock: Clock;
  readonly faults: Faults;
  readonly leaseMs: number;
  readonly graceMs: number;
  /** The lease was renewed: called each time, but not again before the last call has settled. */
  readonly renewed: () => Promise<void>;
  /** The lease was lost, and is held again under another id. */
  readonly lost: () => void;
}

/**
 * This node's lease: renewed three times in its length, and opened anew under another id when it is lost. Expired leases of
 * other nodes are judged here, only by a node that renewed its own for one whole lease without a failure or a pause. DESIGN 4.
 */
export class Lease {
  /** This incarnation's id. */
  node: string = crypto.randomUUID();
  /** Whether the lease is open, and the last renewal worked. */
  held = false;
  readonly #deps: LeaseDeps;
  readonly #everyMs: number;
  #open = false;
  /** Whether the lease was open before. */
  #again = false;
  #stopped = false;
  #renewedAt = Number.NEGATIVE_INFINITY;
  /** The time since which renewals work; undefined while they do not. */
  #soundSince: number | undefined;
  #cancel: (() => void) | undefined;
  #renewing: Promise<void> | undefined;
  #errands: Promise<void> | undefined;

  constructor(deps: LeaseDeps) {
    this.#deps = deps;
    this.#everyMs = Math.floor(deps.leaseMs / 3);
  }

  /** Opens the lease, and renews it from then on. Resolves when it is open, or the engine is away. */
  async start(): Promise<void> {
    await this.#beat();
  }

  /** Ends renewal. Resolves when nothing is under way. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#cancel?.();
    await this.#renewing;
    await this.#errands;
  }

  /** Ends the lease, once it is stopped: at the orderly end of a node that has no users left. */
  async end(): Promise<void> {
    // When this fails the lease runs out, and another node takes over its users, which are none.
    if (this.#open) await this.#deps.registry.close(this.node).catch((error: unknown) => this.#failed(error));
    this.held = false;
  }

  async #beat(): Promise<void> {
    const { clock } = this.#deps;
    const began = clock.now();
    this.#renewing = this.#renew();
    await this.#renewing;
    if (this.#stopped) return;
    const wait = this.held ? Math.max(0, began + this.#everyMs - clock.now()) : RETRY_MS;
    this.#cancel = clock.after(wait, () => void this.#beat());
  }

  async #renew(): Promise<void> {
    try {
      const expired = this.#open ? await this.#prolong() : [];
      if (!this.#open) await this.#begin();
      this.held = true;
      const judges = this.#judges();
      this.#errands ??= this.#run(judges ? expired : []).finally(() => (this.#errands = undefined));
    } catch (error) {
      this.#failed(error);
      this.held = false;
      this.#soundSince = undefined;
    }
  }

  /** Renews the lease. One that is gone was lost under this id: other nodes take over its users. */
  async #prolong(): Promise<readonly ExpiredNode[]> {
    const { registry, leaseMs } = this.#deps;
    const { held, expired } = await registry.renew(this.node, leaseMs);
    if (held) return expired;
    this.#open = false;
    this.held = false;
    this.node = crypto.randomUUID();
    return [];
  }

  async #begin(): Promise<void> {
    const { registry, leaseMs, lost } = this.#deps;
    await registry.open(this.node, leaseMs);
    this.#open = true;
    this.held = true;
    if (this.#again) lost();
    this.#again = true;
  }

  /** Called after each renewal: whether its answer may judge other nodes. */
  #judges(): boolean {
    const now = this.#deps.clock.now();
    // After a pause of this node nothing is known of others: the machine, or the engine, may have stood still.
    const paused = now - this.#renewedAt > this.#deps.leaseMs;
    if (paused) this.#soundSince = now;
    this.#soundSince ??= now;
    this.#renewedAt = now;
    return now - this.#soundSince >= this.#deps.leaseMs;
  }

  async #run(judged: readonly ExpiredNode[]): Promise<void> {
    // An errand that fails comes again with the next renewal.
    await this.#takeOver(judged).catch((error: unknown) => this.#failed(error));
    await this.#deps.renewed().catch((error: unknown) => this.#failed(error));
  }

  /** Users of a dead node count for a grace from one interval after its last renewal on: so long it may have lived. */
  async #takeOver(judged: readonly ExpiredNode[]): Promise<void> {
    const { registry, leaseMs, graceMs } = this.#deps;
    for (const { node, forMs } of judged)
      if (await registry.claim(node, leaseMs))
        await registry.endNode(node, Math.max(0, Math.round(this.#everyMs + graceMs - leaseMs - forMs)));
  }

  #failed(error: unknown): void {
    reportFault(this.#deps.faults, "lease", error);
  }
}
