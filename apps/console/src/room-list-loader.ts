/** Loads the list of the user's rooms, for changes that are not in events. */
import type { RoomSummary, Rooms } from "@signalbox/client";
import { MAX_ROOMS } from "./rooms.ts";

export interface RoomListLoader {
  /** Loads the list. A request under way is dropped, and followed by another one. */
  reload(): void;
  /** Drops the answer of a request under way, if there is one, and requests the list again. */
  invalidate(): void;
}

export interface RoomListEvents {
  loaded(rooms: readonly RoomSummary[]): void;
  failed(error: unknown): void;
}

export function createRoomListLoader(rooms: Pick<Rooms, "list">, events: RoomListEvents): RoomListLoader {
  /** `isValid`: the answer is still wanted. */
  let request: { isValid: boolean } | undefined;

  const load = async () => {
    do {
      request = { isValid: true };
      const list = await allPages(rooms);
      if (request.isValid) events.loaded(list);
    } while (!request.isValid);
  };

  const invalidate = () => {
    if (request !== undefined) request.isValid = false;
  };

  return {
    invalidate,
    reload() {
      if (request !== undefined) return invalidate();
      request = { isValid: true };
      load()
        .catch((error: unknown) => events.failed(error))
        .finally(() => {
          request = undefined;
        });
    },
  };
}

async function allPages(rooms: Pick<Rooms, "list">): Promise<RoomSummary[]> {
  const found: RoomSummary[] = [];
  let cursor: string | null = null;
  do {
    const page: Awaited<ReturnType<Rooms["list"]>> = await rooms.list(
      cursor === null ? { limit: 100 } : { limit: 100, cursor },
    );
    found.push(...page.data);
    cursor = page.next_cursor;
  } while (cursor !== null && found.length < MAX_ROOMS);
  return found;
}
