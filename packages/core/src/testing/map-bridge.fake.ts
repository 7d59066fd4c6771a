import { Problem } from "@signalbox/protocol/errors";
import type { MatrixWrite, MessageRow, RoomRow, Rows, UserRow } from "../model/rows.ts";
import type { Projection, ProjectionFilter, Statistics, Store } from "../ports/store.ts";
import type { MapRows } from "./map-rows.fake.ts";

/** What a `MapStore` answers about projections and bridged rooms: plain questions to its rows. */
export class MapBridge {
  readonly #rows: MapRows;
  readonly #write: (some: Partial<Rows>) => void;
  /** How far the rebuild of a room has come. */
  readonly #rebuilds = new Map<string, string>();

  constructor(rows: MapRows, write: (some: Partial<Rows>) => void) {
    this.#rows = rows;
    this.#write = write;
  }

  projections(userId: string, service: boolean, filter: ProjectionFilter, limit: number) {
    const found = visible(this.#rows, userId, service).filter((message) => passes(message, filter));
    return found.slice(0, limit).map(projectionOf);
  }

  projection(userId: string, service: boolean, id: string) {
    const found = visible(this.#rows, userId, service).find((row) => row.messageId === id || row.eventId === id);
    return found === undefined ? null : projectionOf(found);
  }

  bridge(rooms: Parameters<Store["bridge"]>[0], users: Parameters<Store["bridge"]>[1], now: Date) {
    return {
      rooms: new Map(
        rooms.map(({ matrixRoomId, roomId }) => [matrixRoomId, this.#bridgedRoom(matrixRoomId, roomId, now)]),
      ),
      users: new Map(users.map((user) => [user.matrixUserId, this.#bridgedUser(user)])),
    };
  }

  isMatrixUser(id: string): boolean {
    return [...this.#rows.users.values()].some(({ matrixUserId }) => matrixUserId === id);
  }

  messageIds(room: string | null, eventIds: readonly string[]): Map<string, string> {
    const found = [...this.#rows.messages.values()].filter(
      ({ roomId, eventId }) => eventId !== null && eventIds.includes(eventId) && (room === null || roomId === room),
    );
    return new Map(found.map(({ eventId, messageId }) => [eventId ?? "", messageId]));
  }

  noteWrite(write: MatrixWrite): void {
    this.#rows.writes.set(`${write.roomId} ${write.senderId} ${write.clientMessageId}`, write);
  }

  bridgedRooms(after: string | null, limit: number) {
    const rooms = [...this.#rows.rooms.values()].flatMap(({ roomId, matrixRoomId }) =>
      matrixRoomId === null || (after !== null && roomId <= after) ? [] : [{ roomId, matrixRoomId }],
    );
    return rooms.sort((a, b) => (a.roomId < b.roomId ? -1 : 1)).slice(0, limit);
  }

  rebuildAt(room: string): string | null {
    return this.#rebuilds.get(room) ?? null;
  }

  noteRebuild(room: string, token: string | null): void {
    if (token === null) this.#rebuilds.delete(room);
    else this.#rebuilds.set(room, token);
  }

  /** Throws `conflict` when a Matrix user is somebody else's already. */
  mapUser(userId: string, matrixUserId: string): void {
    const holder = userOfMatrix(this.#rows, matrixUserId);
    if (holder !== undefined && holder.userId !== userId)
      throw new Problem("conflict", "that Matrix user is somebody else here");
  }

  /** Throws `conflict` when a room is to be bridged that is so already. */
  mapRooms({ rooms }: Rows): void {
    for (const { roomId, matrixRoomId } of rooms) {
      const known = matrixRoomId === null ? undefined : roomOfMatrix(this.#rows, matrixRoomId);
      if (known !== undefined && known.roomId !== roomId)
        throw new Problem("conflict", "the Matrix room is bridged already");
    }
  }

  #bridgedRoom(matrixRoomId: string, roomId: string, now: Date): string {
    const known = roomOfMatrix(this.#rows, matrixRoomId);
    if (known === undefined) this.#write({ rooms: [emptyRoom(roomId, matrixRoomId, now)] });
    return known?.roomId ?? roomId;
  }

  #bridgedUser({ matrixUserId, userId, name }: Parameters<Store["bridge"]>[1][number]): string {
    const known = userOfMatrix(this.#rows, matrixUserId);
    if (known !== undefined && known.userId !== userId) return known.userId;
    const row = known ?? this.#rows.users.get(userId) ?? nobody(userId);
    const called = name ?? row.name;
    if (known === undefined || called !== row.name) this.#write({ users: [{ ...row, name: called, matrixUserId }] });
    return userId;
  }
}

/** A user before they do anything. */
export const nobody = (userId: string): UserRow => ({
  userId,
  name: null,
  revokedAt: null,
  choice: "online",
  choiceVersion: 0,
  activeAt: null,
  matrixUserId: null,
});

/** The messages that a user may see, newest first. */
function visible(rows: MapRows, userId: string, service: boolean): MessageRow[] {
  const rooms = service ? standing(rows) : rows.roomsOf(userId);
  return rooms.flatMap(({ roomId }) => rows.messagesOf(roomId)).sort((a, b) => (a.messageId < b.messageId ? 1 : -1));
}

const standing = (rows: MapRows): RoomRow[] => [...rows.rooms.values()].filter(({ deletedAt }) => deletedAt === null);

function passes(message: MessageRow, filter: ProjectionFilter): boolean {
  const { roomId, type, hasFile, senderId, threadRoot, from, until, words, after } = filter;
  const text = message.content.toLowerCase();
  return (
    (roomId === null || message.roomId === roomId) &&
    (type === null || message.type === type) &&
    (hasFile === null || (message.file !== null) === hasFile) &&
    (senderId === null || message.senderId === senderId) &&
    (threadRoot === null || message.threadRoot === threadRoot) &&
    (from === null || message.sentAt >= from) &&
    (until === null || message.sentAt < until) &&
    (words === null ||
      words
        .toLowerCase()
        .split(/\s+/)
        .every((word) => text.includes(word))) &&
    (after === null || message.messageId < after)
  );
}

function projectionOf({ mentions: _, textMentions: __, clientMessageId: ___, ...row }: MessageRow): Projection {
  return row;
}

export function statisticsOf(messages: readonly MessageRow[]): Statistics {
  const there = messages.filter(({ deleteSeq }) => deleteSeq === null);
  const byType = new Map<string, number>();
  for (const { type } of there) byType.set(type, (byType.get(type) ?? 0) + 1);
  const times = there.map(({ sentAt }) => sentAt.getTime()).sort((a, b) => a - b);
  const [firstAt, lastAt] = [times[0], times.at(-1)].map((ms) => (ms === undefined ? null : new Date(ms)));
  return {
    total: there.length,
    byType,
    attachments: there.filter(({ file }) => file !== null).length,
    threads: new Set(there.flatMap(({ threadRoot }) => threadRoot ?? [])).size,
    firstAt: firstAt ?? null,
    lastAt: lastAt ?? null,
  };
}

/** A room of Matrix before anything happened in it. */
const emptyRoom = (roomId: string, matrixRoomId: string, createdAt: Date): RoomRow => ({
  roomId,
  name: "",
  metadata: {},
  createdBy: "",
  createdAt,
  lastSeq: 0,
  memberCount: 0,
  messageCount: 0,
  deletedAt: null,
  matrixRoomId,
});

const roomOfMatrix = (rows: MapRows, matrixRoomId: string): RoomRow | undefined =>
  [...rows.rooms.values()].find((row) => row.matrixRoomId === matrixRoomId);

const userOfMatrix = (rows: MapRows, matrixUserId: string): UserRow | undefined =>
  [...rows.users.values()].find((row) => row.matrixUserId === matrixUserId);
