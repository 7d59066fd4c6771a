import type { Clock } from "../ports/clock.ts";
import { type Faults, reportFault } from "../ports/faults.ts";
import type { ExpiredNode, PresenceRegistry } from "../ports/presence-registry.ts";

/** The pause after a failed renewal. */
const RETRY_MS = 250;

export interface LeaseDeps {
  readonly registry: Pick<PresenceRegistry, "open" | "renew" | "claim" | "endNode" | "close">;
  readonly clock: Clock;
  readonly faults: Faults;
  readonly leaseMs: number;
  readonly graceMs: number;
  /** Called after a renewal, unless an earlier call is still under way. */
  readonly renewed: () => Promise<void>;
  /** Called when the lease was lost and is held again under another id. */
  readonly lost: () => void;
}

/**
 * This node's lease: renewed three times in its length, and opened under another id after a loss. It takes over expired leases
 * of other nodes, but only after renewing its own for one whole lease without a failure or a pause. DESIGN 4.
 */
export class Lease {
  /** This incarnation's id. */
  node: string = crypto.randomUUID();
  /** True while the lease is open and its last renewal worked. */
  held = false;
  readonly #deps: LeaseDeps;
  readonly #everyMs: number;
  #open = false;
  /** True once the lease has been open. */
  #openedBefore = false;
  #stopped = false;
  #renewedAt = Number.NEGATIVE_INFINITY;
  /** The start of the present row of renewals without a failure or a pause; undefined after a failure. */
  #steadySince: number | undefined;
  #cancel: (() => void) | undefined;
  #renewing: Promise<void> | undefined;
  #followUp: Promise<void> | undefined;

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
    await this.#followUp;
  }

  /** Ends the lease, once it is stopped: at the orderly end of a node that has no users left. */
  async end(): Promise<void> {
    // After a failure the lease expires, and another node takes it over, without any users.
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
      const steady = this.#isSteady();
      this.#followUp ??= this.#run(steady ? expired : []).finally(() => (this.#followUp = undefined));
    } catch (error) {
      this.#failed(error);
      this.held = false;
      this.#steadySince = undefined;
    }
  }

  /** Renews the lease. A lease that is gone is lost under this id: other nodes take over its users. */
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
    if (this.#openedBefore) lost();
    this.#openedBefore = true;
  }

  /** Called after each renewal. True when this node may take over the leases that its answer lists as expired. */
  #isSteady(): boolean {
    const now = this.#deps.clock.now();
    // A pause of this node says nothing about other nodes: the machine or the engine may have paused.
    const paused = now - this.#renewedAt > this.#deps.leaseMs;
    if (paused) this.#steadySince = now;
    this.#steadySince ??= now;
    this.#renewedAt = now;
    return now - this.#steadySince >= this.#deps.leaseMs;
  }

  async #run(expired: readonly ExpiredNode[]): Promise<void> {
    // Work that fails is done after the next renewal.
    await this.#takeOver(expired).catch((error: unknown) => this.#failed(error));
    await this.#deps.renewed().catch((error: unknown) => this.#failed(error));
  }

  /**
   * Keeps users of an expired node online for a grace, counted from one interval after its last renewal: it may have lived
   * until then.
   */
  async #takeOver(expired: readonly ExpiredNode[]): Promise<void> {
    const { registry, leaseMs, graceMs } = this.#deps;
    for (const { node, forMs } of expired)
      if (await registry.claim(node, leaseMs))
        await registry.endNode(node, Math.max(0, Math.round(this.#everyMs + graceMs - leaseMs - forMs)));
  }

  #failed(error: unknown): void {
    reportFault(this.#deps.faults, "lease", error);
  }
}
