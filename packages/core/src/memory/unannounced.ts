import type { PresenceChange } from "../ports/presence-registry.ts";

/** The time after which a change goes to another caller, in milliseconds: the first one is taken for dead. */
const RETRY_MS = 2_000;

interface Unannounced {
  readonly change: PresenceChange;
  /** When a caller last received it, in milliseconds since the epoch. */
  readonly givenAt: number;
}

/** The newest change of each user that no caller has announced yet. */
export class UnannouncedChanges {
  /** In the order of `givenAt`. */
  private readonly waiting = new Map<string, Unannounced>();

  /** Keeps a change that the caller will announce, and returns it: for others too when an earlier unannounced one was. */
  give(change: PresenceChange, now: number): PresenceChange {
    const earlier = this.waiting.get(change.userId)?.change;
    const given = earlier?.toOthers ? { ...change, toOthers: true } : change;
    this.waiting.delete(change.userId);
    this.waiting.set(change.userId, { change: given, givenAt: now });
    return given;
  }

  /** Returns the changes that their callers should have announced by now, for this caller to announce. */
  takeOver(now: number): readonly PresenceChange[] {
    const late: PresenceChange[] = [];
    for (const { change, givenAt } of this.waiting.values()) {
      if (now - givenAt < RETRY_MS) break;
      late.push(change);
    }
    for (const change of late) this.give(change, now);
    return late;
  }

  /** As `PresenceRegistry.announced`. */
  announced({ userId, version }: PresenceChange): void {
    const kept = this.waiting.get(userId);
    if (kept !== undefined && kept.change.version <= version) this.waiting.delete(userId);
  }

  get size(): number {
    return this.waiting.size;
  }

  clear(): void {
    this.waiting.clear();
  }
}
