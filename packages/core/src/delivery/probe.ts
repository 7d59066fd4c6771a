import type { Clock } from "../ports/clock.ts";
import type { Engine } from "../ports/engine.ts";

const EVERY_MS = 1000;
/** Longer than a failover takes: that hits every node alike, and must not empty the balancer. */
const LATE_MS = 10_000;

/** Publishes to itself: a node is ready when its own delivery works from end to end, not when a socket is open. DESIGN 3.5. */
export class Probe {
  readonly #engine: Engine;
  readonly #clock: Clock;
  readonly #nodeId: string;
  #receivedAt: number;
  #callOff: (() => void) | undefined;

  constructor(engine: Engine, clock: Clock, nodeId: string) {
    this.#engine = engine;
    this.#clock = clock;
    this.#nodeId = nodeId;
    this.#receivedAt = clock.now();
  }

  async start(): Promise<void> {
    this.#tick();
    await this.#engine.pubSub.subscribe([{ kind: "node", id: this.#nodeId }]);
  }

  received(): void {
    this.#receivedAt = this.#clock.now();
  }

  /** Publications go out, and have not come back for too long. Publications that cannot go out condemn nobody: that is the engine's fault, and everybody's. */
  failing(): boolean {
    return this.#engine.pubSub.connected() && this.#clock.now() - this.#receivedAt > LATE_MS;
  }

  stop(): void {
    this.#callOff?.();
    this.#engine.pubSub.unsubscribe([{ kind: "node", id: this.#nodeId }]);
  }

  #tick(): void {
    // While nothing can be sent, the time without an answer does not count.
    if (!this.#engine.pubSub.connected()) this.received();
    this.#engine.pubSub.publish({ kind: "node", id: this.#nodeId }, "p");
    this.#callOff = this.#clock.after(EVERY_MS, () => this.#tick());
  }
}
