import type { Clock } from "../ports/clock.ts";
import type { PubSub } from "../ports/pub-sub.ts";

const EVERY_MS = 1000;
/** Longer than a failover: that affects every node alike, and must not empty the balancer. */
const LATE_MS = 10_000;
/** Longer than one probe and its answer. */
const DOUBT_MS = 2_500;

/** Publishes to its own node: a node is ready when its delivery works from end to end, not when a socket is open. DESIGN 3.5. */
export class Probe {
  readonly #pubSub: PubSub;
  readonly #clock: Clock;
  readonly #nodeId: string;
  #receivedAt: number;
  #cancel: (() => void) | undefined;

  constructor(pubSub: PubSub, clock: Clock, nodeId: string) {
    this.#pubSub = pubSub;
    this.#clock = clock;
    this.#nodeId = nodeId;
    this.#receivedAt = clock.now();
  }

  async start(): Promise<void> {
    this.#tick();
    await this.#pubSub.subscribe([{ kind: "node", id: this.#nodeId }]);
  }

  received(): void {
    this.#receivedAt = this.#clock.now();
  }

  /**
   * True when publications go out but have not come back for too long. While none can go out, the server is at fault, not
   * this node.
   */
  failing(): boolean {
    return this.#pubSub.connected() && this.#clock.now() - this.#receivedAt > LATE_MS;
  }

  /** True while no publication comes back to this node: those of others do not come either, perhaps. */
  inDoubt(): boolean {
    return !this.#pubSub.connected() || this.#clock.now() - this.#receivedAt > DOUBT_MS;
  }

  stop(): void {
    this.#cancel?.();
    this.#pubSub.unsubscribe([{ kind: "node", id: this.#nodeId }]);
  }

  #tick(): void {
    // While nothing can be sent, the time without an answer does not count.
    if (!this.#pubSub.connected()) this.received();
    this.#pubSub.publish({ kind: "node", id: this.#nodeId }, "p");
    this.#cancel = this.#clock.after(EVERY_MS, () => this.#tick());
  }
}
