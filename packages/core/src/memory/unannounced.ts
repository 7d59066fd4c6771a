import type { PresenceChange } from "../ports/presence-registry.ts";

/** After so long, in milliseconds, whoever was to tell a change is taken for dead. */
const TAKEN_MS = 2_000;

interface Untold {
  readonly change: PresenceChange;
  /** When somebody was last given it to tell. */
  readonly givenAt: number;
}

/** The newest change of each user that is not known to be told. */
export class UnannouncedChanges {
  /** In the order in which they were given. */
  private readonly untold = new Map<string, Untold>();

  /** Gives a change to the caller to tell: the same, but for others too when an earlier one that they were not told was. */
  give(change: PresenceChange, now: number): PresenceChange {
    const earlier = this.untold.get(change.userId)?.change;
    const given = earlier?.toOthers ? { ...change, toOthers: true } : change;
    this.untold.delete(change.userId);
    this.untold.set(change.userId, { change: given, givenAt: now });
    return given;
  }

  /** Gives the caller what somebody else should have told by now. */
  takeOver(now: number): readonly PresenceChange[] {
    const late: PresenceChange[] = [];
    for (const { change, givenAt } of this.untold.values()) {
      if (now - givenAt < TAKEN_MS) break;
      late.push(change);
    }
    for (const change of late) this.give(change, now);
    return late;
  }

  /** As `Registry.told`. */
  announced({ userId, version }: PresenceChange): void {
    const untold = this.untold.get(userId);
    if (untold !== undefined && untold.change.version <= version) this.untold.delete(userId);
  }

  get size(): number {
    return this.untold.size;
  }

  clear(): void {
    this.untold.clear();
  }
}
