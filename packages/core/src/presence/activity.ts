import type { Clock } from "../ports/clock.ts";
import type { PresenceChange, PresenceRegistry } from "../ports/presence-registry.ts";
import { firstOf, untilDone } from "./task-loop.ts";

/** How often the engine hears of one user. */
const EVERY_MS = 10_000;
/** Users of whom it is remembered when that was, and users who may wait. */
const REMEMBERED = 50_000;
/** Users whom one call is about. */
const CHUNK = 500;

/** What users do on this node, brought to the engine at most once in `EVERY_MS` each, many of them in one call. */
export class ActivityReporter {
  readonly #registry: Pick<PresenceRegistry, "touch">;
  readonly #clock: Clock;
  readonly #announce: (changes: readonly PresenceChange[]) => Promise<void>;
  /** When each user was last brought; those of the last `EVERY_MS` are in one of the two. */
  #recent = new Map<string, number>();
  #before = new Map<string, number>();
  #turnedAt = 0;
  readonly #waiting = new Map<string, number>();
  readonly #bring = untilDone(
    () => this.#waiting.size > 0,
    () => this.#bringSome(),
  );

  constructor(
    registry: Pick<PresenceRegistry, "touch">,
    clock: Clock,
    announce: (changes: readonly PresenceChange[]) => Promise<void>,
  ) {
    this.#registry = registry;
    this.#clock = clock;
    this.#announce = announce;
  }

  add(userId: string): void {
    const now = this.#clock.now();
    const last = this.#recent.get(userId) ?? this.#before.get(userId) ?? Number.NEGATIVE_INFINITY;
    if (now - last < EVERY_MS || this.#waiting.size >= REMEMBERED) return;
    if (now - this.#turnedAt >= EVERY_MS || this.#recent.size >= REMEMBERED) this.#turn(now);
    this.#recent.set(userId, now);
    this.#waiting.set(userId, now);
    void this.#bring();
  }

  #turn(now: number): void {
    this.#turnedAt = now;
    this.#before = this.#recent;
    this.#recent = new Map();
  }

  async #bringSome(): Promise<void> {
    const some = firstOf(this.#waiting, CHUNK);
    for (const [userId] of some) this.#waiting.delete(userId);
    const now = this.#clock.now();
    try {
      const activities = some.map(([userId, at]) => ({ userId, idleForMs: Math.round(now - at) }));
      void this.#announce(await this.#registry.touch(activities));
    } catch {
      // The next thing that they do is brought at once.
      for (const [userId] of some) {
        this.#recent.delete(userId);
        this.#before.delete(userId);
      }
    }
  }
}
