import type { Store } from "@signalbox/core/ports/store";
import { Problem } from "@signalbox/protocol/errors";
import { isObject } from "@signalbox/protocol/text";
import type { Homeserver } from "./homeserver.ts";
import { roomIdOf } from "./ids.ts";
import type { Ingest } from "./ingest.ts";

/** Events of one page. */
const PAGE = 100;
/** Rooms that the store is asked for at once. */
const ROOMS = 100;
/** Members who are asked to read a room for us, where the bridge itself may not. */
const READERS = 20;

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
  /** Events read since this began, or went on. */
  readonly events: number;
  /** The time that they have reached, as its server gave it; null before the first. */
  readonly reached: Date | null;
}

export interface RebuildOptions {
  /** Whom to read as where the bridge itself may not; without it, one of the members. A Matrix user id. */
  readonly as?: string | undefined;
  /** Told after each page. */
  readonly onProgress?: (progress: Progress) => void;
}

/**
 * Reads history from the homeserver, from a room's beginning, through the mapping that pushed events take: what is there already
 * stays as it is, what is missing comes back with the same ids. Goes on where an earlier run stopped; may run while the system does.
 * Rejects with `unavailable`.
 */
export interface Rebuild {
  /** `room`: its id in Matrix ("!…") or here. Rejects with `not_found` for one that is not bridged, `forbidden` when nobody may read it for us. */
  room(room: string, options?: RebuildOptions): Promise<Progress>;
  /** Every room that is bridged, and every other that the reader is in, one after the other. Resolves with those that nobody may read for us. */
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
        const { events, end } = await homeserver.messages(reader, matrixRoomId, from, PAGE);
        await ingest.project(events);
        const reached = timeOf(events.at(-1)) ?? progress.reached;
        progress = { matrixRoomId, events: progress.events + events.length, reached };
        onProgress?.(progress);
        // A page may be empty, of what its reader may not see, and still lead on.
        const done = end === null || end === from;
        await store.saveRebuildCursor(roomId, done ? null : end);
        if (done) return progress;
        from = end;
      }
    },
    async all(options = {}) {
      const done = new Set<string>();
      const unread: string[] = [];
      const once = async (matrixRoomId: string) => {
        if (done.has(matrixRoomId)) return;
        done.add(matrixRoomId);
        await rebuild.room(matrixRoomId, options).catch((problem: unknown) => {
          if (!(problem instanceof Problem) || problem.code === "unavailable") throw problem;
          unread.push(matrixRoomId);
        });
      };
      for await (const { matrixRoomId } of bridgedRooms(deps.store)) await once(matrixRoomId);
      for (const matrixRoomId of await deps.homeserver.joinedRooms(options.as ?? null)) await once(matrixRoomId);
      return unread;
    },
  };
  return rebuild;
}

async function* bridgedRooms(store: RebuildDeps["store"]) {
  let after: string | null = null;
  do {
    const rooms: Awaited<ReturnType<Store["bridgedRooms"]>> = await store.bridgedRooms(after, ROOMS);
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
  if (matrixRoomId === null) throw new Problem("not_found", "no such room of Matrix");
  return { roomId: room, matrixRoomId };
}

/** Who may read the room's history: the bridge itself (null), or somebody whom it may act as. */
async function readerOf(
  { store }: RebuildDeps,
  roomId: string,
  read: (reader: string | null) => Promise<unknown>,
  as: string | undefined,
): Promise<string | null> {
  const reads = (reader: string | null) =>
    read(reader).then(
      () => true,
      (problem: unknown) => {
        if (problem instanceof Problem && problem.code === "forbidden") return false;
        throw problem;
      },
    );
  if (as !== undefined) return as;
  if (await reads(null)) return null;
  const members = (await store.membersOf([roomId])).get(roomId) ?? [];
  const users = await store.users(members.slice(0, READERS));
  for (const { matrixUserId } of users.values())
    if (matrixUserId !== null && (await reads(matrixUserId))) return matrixUserId;
  throw new Problem("forbidden", "nobody whom the bridge may act as can read the room");
}

function timeOf(event: unknown): Date | null {
  const time = isObject(event) ? event.origin_server_ts : undefined;
  return typeof time === "number" && Math.abs(time) <= 8.64e15 ? new Date(time) : null;
}
