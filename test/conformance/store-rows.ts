/** Rooms, messages and the rest as a `Store` takes them: the least that a rule would write, with nothing checked. */
import { randomUUID } from "node:crypto";
import {
  type MessageRow,
  NO_ROWS,
  type ReactionRow,
  type ReadSet,
  type ReceiptRow,
  type RoomRow,
  type Rows,
  type StoredEvent,
  type UserRow,
} from "@signalbox/core/model/rows";
import { uuidv7 } from "@signalbox/core/model/uuid";
import type { Store } from "@signalbox/core/ports/store";
import type { Connection } from "@signalbox/postgres/connection";
import type { EventType } from "@signalbox/protocol/down";
import { expect } from "vitest";

export const HOUR_MS = 3_600_000;

export const NEEDS: ReadSet = {
  rooms: [],
  members: [],
  messages: [],
  repeats: [],
  activeReactions: [],
  reactions: [],
  receipts: [],
  users: [],
  sections: [],
  names: [],
  matrix: [],
  writes: [],
  lastMessagesAtEvents: [],
  annotated: [],
};

export const NONE = NO_ROWS;

export const newRoom = (roomId: string, now: Date, members = 1): RoomRow => ({
  roomId,
  name: "Room",
  metadata: { z: 1, a: "é" },
  createdBy: "ada",
  createdAt: now,
  lastSeq: 1,
  lastMark: 1,
  memberCount: members,
  messageCount: 0,
  deletedAt: null,
  matrixRoomId: null,
});

export const newMessage = (roomId: string, seq: number, senderId: string, now: Date, place = 1): MessageRow => ({
  roomId,
  seq,
  ordinal: place,
  // As rules make it: lists are in the order of the times that ids hold.
  messageId: uuidv7(now.getTime()),
  senderId,
  content: `message ${seq}`,
  sentAt: now,
  clientMessageId: null,
  replyTo: null,
  mentions: null,
  textMentions: null,
  type: "m.text",
  file: null,
  threadRoot: null,
  eventId: null,
  editSeq: null,
  editedAt: null,
  deleteSeq: null,
  deletedAt: null,
  deletedBy: null,
});

export const newUser = (userId: string, fields: Partial<UserRow> = {}): UserRow => ({
  userId,
  name: null,
  revokedAt: null,
  choice: "online",
  choiceVersion: 0,
  activeAt: null,
  matrixUserId: null,
  ...fields,
});

/** The rows that a commit with these needs is given. */
export async function load(store: Store, needs: Partial<ReadSet>): Promise<Rows> {
  let given: Rows | undefined;
  await store.commit({ ...NEEDS, ...needs }, (rows) => {
    given = rows;
    return NONE;
  });
  return given!;
}

/** Resolves when `count` connections wait for a lock. Not by pg_stat_activity: inside a transaction that stays as it was first seen. */
export async function waiting(connection: Connection, count: number): Promise<void> {
  await expect.poll(async () => (await connection.sql`select from pg_locks where not granted`).length).toBe(count);
}

/** An event; its mark is its seq. */
export const newEvent = (roomId: string, seq: number, type: EventType, at: Date, userId = "ada"): StoredEvent => ({
  ...{ roomId, seq, mark: seq, prev: seq - 1, type, userId },
  ...{ subjectId: null, details: {}, at },
});

/** A room with its NEW_CHAT as event 1; its first member is the owner. */
export async function createRoom(
  store: Store,
  members: readonly string[] = ["ada"],
  roomId: string = randomUUID(),
): Promise<string> {
  await store.commit({ ...NEEDS, rooms: [roomId] }, (_, now) => ({
    ...NONE,
    rooms: [newRoom(roomId, now, members.length)],
    members: members.map((userId, place) => ({
      roomId,
      userId,
      role: place === 0 ? ("owner" as const) : ("member" as const),
      joinedAt: now,
      joinedSeq: 1,
      firstSeq: 1,
      leftSeq: null,
    })),
    events: [newEvent(roomId, 1, "NEW_CHAT", now)],
  }));
  return roomId;
}

/** Changes one room: `more` gets its row, the next seq and the clock, and says what is written beside the room and the event. */
export async function change(
  store: Store,
  roomId: string,
  needs: Partial<ReadSet>,
  more: (seq: number, rows: Rows, now: Date) => Partial<Rows>,
): Promise<number> {
  let next = 0;
  await store.commit({ ...NEEDS, rooms: [roomId], ...needs }, (rows, now) => {
    const room = rows.rooms.find((row) => row.roomId === roomId)!;
    next = room.lastSeq + 1;
    return {
      ...NONE,
      rooms: [{ ...room, lastSeq: next, lastMark: next }],
      events: [{ ...newEvent(roomId, next, "ROOM_STATE", now), details: { changed: [String(next)] } }],
      ...more(next, rows, now),
    };
  });
  return next;
}

/** A message with its event. */
export async function send(
  store: Store,
  roomId: string,
  senderId = "ada",
  fields: Partial<MessageRow> = {},
): Promise<MessageRow> {
  let sent: MessageRow | undefined;
  await change(store, roomId, {}, (seq, { rooms }, now) => {
    const room = rooms.find((row) => row.roomId === roomId)!;
    const messageCount = room.messageCount + 1;
    sent = { ...newMessage(roomId, seq, senderId, now, messageCount), ...fields };
    return {
      rooms: [{ ...room, lastSeq: seq, lastMark: seq, messageCount }],
      messages: [sent],
      events: [{ ...newEvent(roomId, seq, "SEND_MSG", now, senderId), subjectId: sent.messageId }],
    };
  });
  return sent!;
}

/** Puts another row in a message's place. */
export async function revise(store: Store, message: MessageRow, fields: Partial<MessageRow>): Promise<MessageRow> {
  const { roomId, messageId } = message;
  let revised = message;
  await change(store, roomId, { messages: [{ roomId, messageId }] }, (seq, _, now) => {
    revised = { ...message, editSeq: seq, editedAt: now, ...fields };
    return { messages: [revised] };
  });
  return revised;
}

export async function remove(store: Store, message: MessageRow): Promise<MessageRow> {
  const { roomId, messageId, senderId: deletedBy } = message;
  let removed = message;
  await change(store, roomId, { messages: [{ roomId, messageId }] }, (deleteSeq, _, deletedAt) => {
    const cleared = { content: "", type: "m.text", file: null, threadRoot: null, textMentions: null };
    removed = { ...message, ...cleared, deleteSeq, deletedAt, deletedBy };
    return { messages: [removed] };
  });
  return removed;
}

export async function react(
  store: Store,
  message: MessageRow,
  senderId: string,
  reaction: string,
): Promise<ReactionRow> {
  const { roomId, messageId } = message;
  let made: ReactionRow | undefined;
  await change(store, roomId, {}, (seq, _, now) => {
    made = {
      roomId,
      messageId,
      reactionId: randomUUID(),
      senderId,
      reaction,
      seq,
      sentAt: now,
      removedSeq: null,
      eventId: null,
    };
    return { reactions: [made] };
  });
  return made!;
}

/** A receipt, stamped with the room's seq as it is: reading is no event. */
export async function read(
  store: Store,
  message: MessageRow,
  userId: string,
  hidden = false,
  fields: Partial<ReceiptRow> = {},
): Promise<ReceiptRow> {
  const { roomId, messageId, seq: messageSeq, ordinal: messagePlace } = message;
  let made: ReceiptRow | undefined;
  await store.commit({ ...NEEDS, rooms: [roomId] }, ({ rooms }, now) => {
    const stampSeq = rooms[0]!.lastSeq;
    made = {
      roomId,
      userId,
      hidden,
      private: false,
      messageId,
      eventId: message.eventId,
      messageSeq,
      messageOrdinal: messagePlace,
      readAt: now,
      stampSeq,
      ...fields,
    };
    return { ...NONE, receipts: [made] };
  });
  return made!;
}

/** Removes a member. */
export async function leave(store: Store, roomId: string, userId: string): Promise<void> {
  await change(store, roomId, { members: [{ roomId, userId }] }, (seq, { members }) => ({
    members: members.map((member) => ({ ...member, leftSeq: seq })),
  }));
}

export async function deleteRoom(store: Store, roomId: string): Promise<void> {
  await change(store, roomId, {}, (seq, { rooms }, now) => ({
    rooms: [{ ...rooms[0]!, lastSeq: seq, lastMark: seq, deletedAt: now }],
  }));
}
