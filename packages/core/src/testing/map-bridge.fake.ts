import type { MatrixWrite, RoomRow, Rows, UserRow } from "../model/rows.ts";
import type { Store } from "../ports/store.ts";
import type { MapRows } from "./map-rows.fake.ts";

type Bridging = Parameters<Store["bridge"]>;

/** The answers of a `MapStore` about bridged rooms and their events, and how far rebuilds have come. */
export class MapBridge {
  readonly #rows: MapRows;
  readonly #write: (some: Partial<Rows>) => void;
  /** The token to go on with, by room. */
  readonly #rebuilds = new Map<string, string>();

  constructor(rows: MapRows, write: (some: Partial<Rows>) => void) {
    this.#rows = rows;
    this.#write = write;
  }

  bridge(rooms: Bridging[0], users: Bridging[1], now: Date): Awaited<ReturnType<Store["bridge"]>> {
    for (const room of rooms) this.#bridgeRoom(room, now);
    for (const user of users) this.#bridgeUser(user);
    const roomIds = rooms.flatMap(({ matrixRoomId }) => this.#roomOf(matrixRoomId) ?? []);
    const userIds = users.flatMap(({ matrixUserId }) => this.#userOf(matrixUserId) ?? []);
    return {
      rooms: new Map(roomIds.map(({ roomId, matrixRoomId }) => [matrixRoomId ?? "", roomId])),
      users: new Map(userIds.map(({ userId, matrixUserId }) => [matrixUserId ?? "", userId])),
    };
  }

  isMatrixUser(id: string): boolean {
    return this.#userOf(id) !== undefined;
  }

  messageIds(room: string | null, eventIds: readonly string[]): Map<string, string> {
    const found = [...this.#rows.messages.values()].filter(
      ({ roomId, eventId }) => eventId !== null && eventIds.includes(eventId) && (room === null || roomId === room),
    );
    return new Map(found.map(({ eventId, messageId }) => [eventId ?? "", messageId]));
  }

  recordPendingWrite(write: MatrixWrite, now: Date): void {
    const key = `${write.roomId} ${write.senderId} ${write.clientMessageId}`;
    this.#rows.writes.set(key, write);
    this.#rows.writeTimes.set(key, now.getTime());
  }

  /** Forgets pending writes from before `time`, in milliseconds. */
  forgetWrites(time: number): void {
    for (const [key, at] of this.#rows.writeTimes) {
      if (at >= time) continue;
      this.#rows.writes.delete(key);
      this.#rows.writeTimes.delete(key);
    }
  }

  bridgedRooms(after: string | null, limit: number) {
    const rooms = [...this.#rows.rooms.values()].flatMap(({ roomId, matrixRoomId, deletedAt }) =>
      matrixRoomId === null || deletedAt !== null || (after !== null && roomId <= after)
        ? []
        : [{ roomId, matrixRoomId }],
    );
    return rooms.sort((a, b) => (a.roomId < b.roomId ? -1 : 1)).slice(0, limit);
  }

  rebuildCursor(room: string): string | null {
    return this.#rebuilds.get(room) ?? null;
  }

  saveRebuildCursor(room: string, token: string | null): void {
    if (token === null) this.#rebuilds.delete(room);
    else this.#rebuilds.set(room, token);
  }

  #bridgeRoom({ matrixRoomId, roomId }: Bridging[0][number], now: Date): void {
    if (this.#roomOf(matrixRoomId) === undefined) this.#write({ rooms: [emptyRoom(roomId, matrixRoomId, now)] });
  }

  /** Names the user under the given id, unless that one is another user in Matrix, or the Matrix user another one here. */
  #bridgeUser({ matrixUserId, userId, name }: Bridging[1][number]): void {
    const row = this.#userOf(matrixUserId) ?? this.#rows.userOf(userId);
    if (row.userId !== userId || (row.matrixUserId ?? matrixUserId) !== matrixUserId) return;
    if (row.matrixUserId === null || (name !== null && name !== row.name))
      this.#write({ users: [{ ...row, name: name ?? row.name, matrixUserId }] });
  }

  #roomOf(matrixRoomId: string): RoomRow | undefined {
    return [...this.#rows.rooms.values()].find((row) => row.matrixRoomId === matrixRoomId);
  }

  #userOf(matrixUserId: string): UserRow | undefined {
    return [...this.#rows.users.values()].find((row) => row.matrixUserId === matrixUserId);
  }
}

/** A room of Matrix before anything happened in it. */
const emptyRoom = (roomId: string, matrixRoomId: string, createdAt: Date): RoomRow => ({
  roomId,
  name: "",
  metadata: {},
  createdBy: "",
  createdAt,
  lastSeq: 0,
  lastMark: 0,
  memberCount: 0,
  messageCount: 0,
  deletedAt: null,
  matrixRoomId,
});
