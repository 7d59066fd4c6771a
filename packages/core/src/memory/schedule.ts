import { addTo, removeFrom } from "../model/groups.ts";

const SLOT_MS = 1000;

const slotOf = (at: number): number => Math.floor(at / SLOT_MS);

/** Moments by id, in slots of a second, so that the cost of `due` grows with what is due, not with what waits. */
export class Schedule {
  private readonly moments = new Map<string, number>();
  private readonly slots = new Map<number, Set<string>>();

  /** Sets the moment of `id` to `at`, in milliseconds. */
  set(id: string, at: number): void {
    if (this.moments.get(id) === at) return;
    this.delete(id);
    this.moments.set(id, at);
    addTo(this.slots, slotOf(at), id);
  }

  /** Sets the moment of `id` to `at`, unless it has an earlier one. */
  setEarlier(id: string, at: number): void {
    this.set(id, Math.min(at, this.moments.get(id) ?? at));
  }

  delete(id: string): void {
    const at = this.moments.get(id);
    if (at === undefined) return;
    this.moments.delete(id);
    removeFrom(this.slots, slotOf(at), id);
  }

  /** Removes and returns the ids with a moment up to `now`. */
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
