import type { Clock } from "../ports/clock.ts";
import { type Faults, reportFault } from "../ports/faults.ts";
import type { PresenceChange, PresenceRegistry } from "../ports/presence-registry.ts";
import { firstOf, taskLoop } from "./task-loop.ts";

/** The shortest time between two reports of one user. */
const EVERY_MS = 10_000;
/** The most users with a remembered report, and the most that wait. */
const REMEMBERED = 50_000;
/** The most users of one call. */
const CHUNK = 500;

export interface ActivityReporterDeps {
  readonly registry: Pick<PresenceRegistry, "touch">;
  readonly clock: Clock;
  readonly faults: Faults;
  readonly announce: (changes: readonly PresenceChange[]) => Promise<void>;
}

/** Reports the activity of users to the registry, at most once in `EVERY_MS` each, many of them in one call. */
export class ActivityReporter {
  readonly #deps: ActivityReporterDeps;
  /** The time of each user's last report; those of the last `EVERY_MS` are in one of the two maps. */
  #recent = new Map<string, number>();
  #before = new Map<string, number>();
  #turnedAt = 0;
  readonly #waiting = new Map<string, number>();
  readonly #report: () => Promise<void>;

  constructor(deps: ActivityReporterDeps) {
    this.#deps = deps;
    this.#report = taskLoop(
      () => this.#waiting.size > 0,
      () => this.#reportSome(),
      (error) => void reportFault(deps.faults, "activity", error),
    );
  }

  add(userId: string): void {
    const now = this.#deps.clock.now();
    const last = this.#recent.get(userId) ?? this.#before.get(userId) ?? Number.NEGATIVE_INFINITY;
    if (now - last < EVERY_MS || this.#waiting.size >= REMEMBERED) return;
    if (now - this.#turnedAt >= EVERY_MS || this.#recent.size >= REMEMBERED) this.#turn(now);
    this.#recent.set(userId, now);
    this.#waiting.set(userId, now);
    void this.#report();
  }

  #turn(now: number): void {
    this.#turnedAt = now;
    this.#before = this.#recent;
    this.#recent = new Map();
  }

  async #reportSome(): Promise<void> {
    const { registry, clock, announce } = this.#deps;
    const some = firstOf(this.#waiting, CHUNK);
    for (const [userId] of some) this.#waiting.delete(userId);
    const now = clock.now();
    try {
      void announce(await registry.touch(some.map(([userId, at]) => ({ userId, idleForMs: Math.round(now - at) }))));
    } catch (error) {
      // The next activity is reported at once.
      for (const [userId] of some) {
        this.#recent.delete(userId);
        this.#before.delete(userId);
      }
      throw error;
    }
  }
}
