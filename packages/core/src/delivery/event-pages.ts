import { addTo, removeFrom } from "../model/groups.ts";
import type { EventRow } from "../model/rows.ts";
import type { Store } from "../ports/store.ts";

/** The events of one page. Pages begin at multiples of it, so that sessions with different cursors read the same ones. */
export const PAGE = 128;
/** The bytes of events that the cache keeps, at most. */
const KEPT_BYTES = 32 * 1024 * 1024;

interface Page {
  readonly events: readonly EventRow[];
  readonly bytes: number;
}

/**
 * Reads ranges of rooms' events, once for all sessions of this node: a reconnect storm costs one read per page, not one per
 * session (DESIGN 3.6). `forget` drops a room's pages when a text in them was taken back; the least recently used pages go
 * first.
 */
export class EventPageCache {
  readonly #store: Pick<Store, "events">;
  readonly #kept = new Map<string, Page>();
  readonly #reading = new Map<string, Promise<readonly EventRow[]>>();
  /** The keys of each room's kept pages. */
  readonly #ofRoom = new Map<string, Set<string>>();
  #bytes = 0;

  constructor(store: Pick<Store, "events">) {
    this.#store = store;
  }

  /**
   * Events of `room` above `after`, in order: one or more, up to a page's end, if there are any. The first is not
   * `after + 1` when the events between are no longer kept. Rejects with `unavailable`.
   */
  async read(room: string, after: number): Promise<readonly EventRow[]> {
    const start = after - (after % PAGE);
    const key = `${room} ${start}`;
    const kept = this.#kept.get(key);
    if (kept !== undefined && (kept.events.at(-1)?.seq ?? 0) > after) {
      this.#keep(key, kept.events);
      return above(kept.events, after);
    }
    const reading = this.#reading.get(key);
    if (reading !== undefined) {
      const events = above(await reading, after);
      if (events.length > 0) return events;
      // That read may be older than the events of this request.
    }
    return above(await this.#fetch(room, start, key), after);
  }

  /** Drops the pages of a room: its events read otherwise now. A read under way is for those that wait for it alone. */
  forget(room: string): void {
    for (const key of [...(this.#ofRoom.get(room) ?? [])]) this.#drop(key);
    for (const key of this.#reading.keys()) if (roomOf(key) === room) this.#reading.delete(key);
  }

  /** Drops every page: the store may be another one. */
  clear(): void {
    for (const key of [...this.#kept.keys()]) this.#drop(key);
    this.#reading.clear();
  }

  #fetch(room: string, start: number, key: string): Promise<readonly EventRow[]> {
    const reading = this.#reading.get(key);
    if (reading !== undefined) return reading;
    const read = this.#store
      .events(room, start, PAGE)
      .then((events) => {
        if (this.#reading.get(key) === read) this.#keep(key, events);
        return events;
      })
      .finally(() => {
        if (this.#reading.get(key) === read) this.#reading.delete(key);
      });
    this.#reading.set(key, read);
    return read;
  }

  #keep(key: string, events: readonly EventRow[]): void {
    this.#drop(key);
    const bytes = events.reduce((sum, event) => sum + event.body.length, 0);
    this.#kept.set(key, { events, bytes });
    addTo(this.#ofRoom, roomOf(key), key);
    this.#bytes += bytes;
    for (const oldest of this.#kept.keys()) {
      if (this.#bytes <= KEPT_BYTES) break;
      this.#drop(oldest);
    }
  }

  #drop(key: string): void {
    this.#bytes -= this.#kept.get(key)?.bytes ?? 0;
    this.#kept.delete(key);
    removeFrom(this.#ofRoom, roomOf(key), key);
  }
}

const roomOf = (key: string): string => key.slice(0, key.indexOf(" "));

function above(events: readonly EventRow[], after: number): readonly EventRow[] {
  const first = events.findIndex((event) => event.seq > after);
  return first === -1 ? [] : events.slice(first);
}
