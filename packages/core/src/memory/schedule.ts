const SLOT_MS = 1000;

const slotOf = (at: number): number => Math.floor(at / SLOT_MS);

/** Who must be looked at when: in slots of a second, so that looking costs what is due, not what waits. */
export class Schedule {
  private readonly moments = new Map<string, number>();
  private readonly slots = new Map<number, Set<string>>();

  /** Notes `at`, in milliseconds, in place of what was noted for `id`. */
  set(id: string, at: number): void {
    if (this.moments.get(id) === at) return;
    this.delete(id);
    this.moments.set(id, at);
    const slot = this.slots.get(slotOf(at));
    if (slot === undefined) this.slots.set(slotOf(at), new Set([id]));
    else slot.add(id);
  }

  /** Notes `at`, unless an earlier moment is noted. */
  setEarlier(id: string, at: number): void {
    this.set(id, Math.min(at, this.moments.get(id) ?? at));
  }

  delete(id: string): void {
    const at = this.moments.get(id);
    if (at === undefined) return;
    this.moments.delete(id);
    const slot = this.slots.get(slotOf(at));
    slot?.delete(id);
    if (slot?.size === 0) this.slots.delete(slotOf(at));
  }

  /** Takes out those whose time has come. */
  due(now: number): readonly string[] {
    const passed = [...this.slots].filter(([slot]) => slot <= slotOf(now));
    const due = passed.flatMap(([, ids]) => [...ids].filter((id) => (this.moments.get(id) ?? now) <= now));
    for (const id of due) this.delete(id);
    return due;
  }

  clear(): void {
    this.moments.clear();
    this.slots.clear();
  }
}
