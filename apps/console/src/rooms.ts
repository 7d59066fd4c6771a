/** The user's rooms in the list. Pure. */
import type { DurableEvent, RoomSummary } from "@signalbox/client";

export interface Room {
  id: string;
  name: string;
  unread: number;
  /** The seq of the last known event. */
  seq: number;
  /** The last message. */
  last: { messageId: string; senderId: string; text: string } | undefined;
  /** The time of the last message, by which the list is sorted. */
  at: string;
}

/** The most rooms in the list. Older ones appear with their next event. */
export const MAX_ROOMS = 500;

/** The list was loaded. Later events of a room win over the list. */
export function withList(rooms: readonly Room[], list: readonly RoomSummary[]): readonly Room[] {
  const known = new Map(rooms.map((room) => [room.id, room]));
  const fresh = list.map((summary) => {
    const room = known.get(summary.id);
    return room !== undefined && room.seq > summary.seq ? { ...room, name: summary.name } : roomOf(summary);
  });
  // Rooms that are missing in the list are newer than it: the end of a room always has an event.
  for (const { id } of fresh) known.delete(id);
  return sorted([...known.values(), ...fresh]).slice(0, MAX_ROOMS);
}

function roomOf({ id, name, unread_count, seq, last_message, created_at }: RoomSummary): Room {
  const shown = { id, name, unread: unread_count, seq };
  if (last_message === null) return { ...shown, last: undefined, at: created_at };
  const { messageId, senderId, content: text, timeStamp: at } = last_message;
  return { ...shown, last: { messageId, senderId, text }, at };
}

/** Applies a durable event of a room, which may be a new one. */
export function applyEvent(rooms: readonly Room[], event: DurableEvent, me: string): readonly Room[] {
  switch (event.type) {
    case "NEW_CHAT":
      return added(rooms, event.chatId, { name: event.message, seq: event.seq, at: event.timeStamp });
    case "USER_JOIN":
      // The name comes with the list, which is requested at once.
      if (event.message !== me) return advanced(rooms, event.chatId, event.seq);
      return added(rooms, event.chatId, { name: "…", seq: event.seq, at: new Date(0).toISOString() });
    case "USER_LEAVE":
      return event.senderId === me ? without(rooms, event.chatId) : advanced(rooms, event.chatId, event.seq);
    case "DELETE_CHAT":
      return without(rooms, event.chatId);
    case "SEND_MSG":
    case "REPLY":
      return changed(rooms, event.chatId, (room) => {
        if (event.seq <= room.seq) return room;
        const unread = event.senderId === me || event.deleted ? room.unread : room.unread + 1;
        const last = { messageId: event.messageId, senderId: event.senderId, text: event.message };
        return { ...room, seq: event.seq, unread, last, at: event.timeStamp };
      });
    case "EDIT_MSG":
    case "DELETE_MSG":
      return changed(rooms, event.chatId, ({ last, ...room }) => {
        const text = event.type === "EDIT_MSG" ? event.message : "";
        const reworded = last?.messageId === event.messageId ? { ...last, text } : last;
        return { ...room, seq: Math.max(room.seq, event.seq), last: reworded };
      });
    default:
      return advanced(rooms, event.chatId, event.seq);
  }
}

/** The server reported the number of unread messages. */
export const withUnread = (rooms: readonly Room[], chatId: string, unread: number): readonly Room[] =>
  rooms.map((room) => (room.id === chatId ? { ...room, unread } : room));

/** The server lost events of the room, and went on after this seq: the next list is newer than what is known. */
export const rewound = (rooms: readonly Room[], chatId: string, seq: number): readonly Room[] =>
  rooms.map((room) => (room.id === chatId ? { ...room, seq } : room));

/** The user is no longer in the room. */
export const without = (rooms: readonly Room[], chatId: string): readonly Room[] =>
  rooms.filter(({ id }) => id !== chatId);

function added(rooms: readonly Room[], id: string, fresh: Pick<Room, "name" | "seq" | "at">): readonly Room[] {
  const room = rooms.find((each) => each.id === id);
  if (room !== undefined) return advanced(rooms, id, fresh.seq);
  return sorted([{ id, unread: 0, last: undefined, ...fresh }, ...rooms]).slice(0, MAX_ROOMS);
}

const advanced = (rooms: readonly Room[], chatId: string, seq: number): readonly Room[] =>
  rooms.map((room) => (room.id === chatId && room.seq < seq ? { ...room, seq } : room));

const changed = (rooms: readonly Room[], chatId: string, change: (room: Room) => Room): readonly Room[] =>
  sorted(rooms.map((room) => (room.id === chatId ? change(room) : room)));

const sorted = (rooms: readonly Room[]): readonly Room[] =>
  rooms.toSorted((one, other) => (one.at === other.at ? 0 : one.at < other.at ? 1 : -1));
