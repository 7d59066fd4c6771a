/** The list of the person's rooms: asked for whenever something happened that events alone do not tell. */
import type { RoomSummary, Rooms } from "@signalbox/client";
import { ROOMS_MAX } from "./rooms.ts";

export interface Listing {
  /** Asks for it. While an answer is on its way, that one is passed over, and it is asked for once more. */
  ask(): void;
  /** An answer that is on its way, if there is one, does not hold any more. */
  outdate(): void;
}

export interface ListingEvents {
  listed(rooms: readonly RoomSummary[]): void;
  failed(error: unknown): void;
}

export function createListing(rooms: Pick<Rooms, "list">, events: ListingEvents): Listing {
  /** `fresh`: nothing has happened since it was asked for. */
  let asked: { fresh: boolean } | undefined;

  const answer = async () => {
    do {
      asked = { fresh: true };
      const list = await all(rooms);
      if (asked.fresh) events.listed(list);
    } while (!asked.fresh);
  };

  const outdate = () => {
    if (asked !== undefined) asked.fresh = false;
  };

  return {
    outdate,
    ask() {
      if (asked !== undefined) return outdate();
      asked = { fresh: true };
      answer()
        .catch((error: unknown) => events.failed(error))
        .finally(() => {
          asked = undefined;
        });
    },
  };
}

async function all(rooms: Pick<Rooms, "list">): Promise<RoomSummary[]> {
  const found: RoomSummary[] = [];
  let cursor: string | null = null;
  do {
    const page: Awaited<ReturnType<Rooms["list"]>> = await rooms.list(
      cursor === null ? { limit: 100 } : { limit: 100, cursor },
    );
    found.push(...page.data);
    cursor = page.next_cursor;
  } while (cursor !== null && found.length < ROOMS_MAX);
  return found;
}
