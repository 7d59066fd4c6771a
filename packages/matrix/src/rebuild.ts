import type { Store } from "@signalbox/core/ports/store";
import { Problem } from "@signalbox/protocol/errors";
import { isObject } from "@signalbox/protocol/text";
import type { Homeserver } from "./homeserver.ts";
import { roomIdOf } from "./ids.ts";
import type { Ingest } from "./ingest.ts";

/** Events of one page. */
const PAGE_SIZE = 100;
/** Rooms that are read from the store at a time. */
const ROOMS_AT_ONCE = 100;
/** Members to try as readers of a room that the bridge itself may not read, at most. */
const MOST_READERS = 20;

export interface RebuildDeps {
  readonly store: Pick<
    Store,
    "bridge" | "bridgedRooms" | "membersOf" | "saveRebuildCursor" | "rebuildCursor" | "roomState" | "users"
  >;
  readonly ingest: Pick<Ingest, "project">;
  readonly homeserver: Pick<Homeserver, "joinedRooms" | "messages">;
}

export interface Progress {
  readonly matrixRoomId: string;
  /** Events read since this run began. */
  readonly events: number;
  /** The time of the last event, as its server gave it; null before the first. */
  readonly reached: Date | null;
}

export interface RebuildOptions {
  /** The Matrix user to read rooms as; by default the bridge itself, or a member where the bridge may not. */
  readonly as?: string | undefined;
  /** Called after each page. */
  readonly onProgress?: (progress: Progress) => void;
}

/**
 * Ingests rooms again from the homeserver's history, by the mapping of pushed events: known events stay unchanged,
 * missing ones come back with the same ids. It goes on where an earlier run stopped, and may run while nodes run.
 * Rejects with `unavailable`.
 */
export interface Rebuild {
  /**
   * Rebuilds a room, by its Matrix id ("!…") or local id. Rejects with `not_found` for one that is not bridged,
   * `forbidden` without a reader.
   */
  room(room: string, options?: RebuildOptions): Promise<Progress>;
  /**
   * Rebuilds every bridged room, and every other room of the reader, one after the other. Resolves to the Matrix ids of
   * rooms without a reader.
   */
  all(options?: RebuildOptions): Promise<readonly string[]>;
}

export function createRebuild(deps: RebuildDeps): Rebuild {
  const rebuild: Rebuild = {
    async room(room, { as, onProgress } = {}) {
      const { store, ingest, homeserver } = deps;
      const { roomId, matrixRoomId } = await idsOf(store, room);
      let from = await store.rebuildCursor(roomId);
      const reader = await readerOf(deps, roomId, (reader) => homeserver.messages(reader, matrixRoomId, from, 1), as);
      let progress: Progress = { matrixRoomId, events: 0, reached: null };
      for (;;) {
        const { events, end } = await homeserver.messages(reader, matrixRoomId, from, PAGE_SIZE);
        await ingest.project(events);
        const reached = timeOf(events.at(-1)) ?? progress.reached;
        progress = { matrixRoomId, events: progress.events + events.length, reached };
        onProgress?.(progress);
        // A page may be empty, because its reader may not see its events, and still have a next one.
        const done = end === null || end === from;
        await store.saveRebuildCursor(roomId, done ? null : end);
        if (done) return progress;
        from = end;
      }
    },
    async all(options = {}) {
      const done = new Set<string>();
      const unreadable: string[] = [];
      const once = async (matrixRoomId: string) => {
        if (done.has(matrixRoomId)) return;
        done.add(matrixRoomId);
        await rebuild.room(matrixRoomId, options).catch((problem: unknown) => {
          if (!(problem instanceof Problem) || problem.code === "unavailable") throw problem;
          unreadable.push(matrixRoomId);
        });
      };
      for await (const { matrixRoomId } of bridgedRooms(deps.store)) await once(matrixRoomId);
      for (const matrixRoomId of await deps.homeserver.joinedRooms(options.as ?? null)) await once(matrixRoomId);
      return unreadable;
    },
  };
  return rebuild;
}

async function* bridgedRooms(store: RebuildDeps["store"]) {
  let after: string | null = null;
  do {
    const rooms: Awaited<ReturnType<Store["bridgedRooms"]>> = await store.bridgedRooms(after, ROOMS_AT_ONCE);
    yield* rooms;
    after = rooms.at(-1)?.roomId ?? null;
  } while (after !== null);
}

async function idsOf(store: RebuildDeps["store"], room: string) {
  if (room.startsWith("!")) {
    const { rooms } = await store.bridge([{ matrixRoomId: room, roomId: roomIdOf(room) }], []);
    return { roomId: rooms.get(room) ?? roomIdOf(room), matrixRoomId: room };
  }
  const matrixRoomId = (await store.roomState(room, "", true))?.room.matrixRoomId ?? null;
  if (matrixRoomId === null) throw new Problem("not_found", "there is no such bridged room");
  return { roomId: room, matrixRoomId };
}

/** The Matrix user to read the room's history as: `as`, the bridge itself (null), or a member. */
async function readerOf(
  { store }: RebuildDeps,
  roomId: string,
  read: (reader: string | null) => Promise<unknown>,
  as: string | undefined,
): Promise<string | null> {
  const mayRead = (reader: string | null) =>
    read(reader).then(
      () => true,
      (problem: unknown) => {
        if (problem instanceof Problem && problem.code === "forbidden") return false;
        throw problem;
      },
    );
  if (as !== undefined) return as;
  if (await mayRead(null)) return null;
  const members = (await store.membersOf([roomId])).get(roomId) ?? [];
  const users = await store.users(members.slice(0, MOST_READERS));
  for (const { matrixUserId } of users.values())
    if (matrixUserId !== null && (await mayRead(matrixUserId))) return matrixUserId;
  throw new Problem("forbidden", "no user that the bridge may act as can read the room");
}

function timeOf(event: unknown): Date | null {
  const time = isObject(event) ? event.origin_server_ts : undefined;
  return typeof time === "number" && Math.abs(time) <= 8.64e15 ? new Date(time) : null;
}
