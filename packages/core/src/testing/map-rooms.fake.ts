import { Problem } from "@signalbox/protocol/errors";
import { originalOf } from "../model/event-bodies.ts";
import { mentioned } from "../model/message-content.ts";
import type { MessageRow, RoomRow } from "../model/rows.ts";
import type { Counts, HistoryMessage, RoomState, RoomStateMember, RoomSummary, Statistics } from "../ports/store.ts";
import { type MapRows, pair, receiptKey } from "./map-rows.fake.ts";

/** The answers of a `MapStore` about rooms as one user sees them, and that user's mutes and snoozes. */
export class MapRooms {
  readonly #rows: MapRows;
  /** The end of each mute, by room and user. */
  readonly #mutes = new Map<string, Date>();
  /** The end of each snooze, by room and user and then by message. */
  readonly #snoozes = new Map<string, Map<string, Date>>();

  constructor(rows: MapRows) {
    this.#rows = rows;
  }

  /** The room, if it is not deleted and the user may see it. */
  visible(roomId: string, userId: string, service: boolean): RoomRow | undefined {
    const room = this.#rows.rooms.get(roomId);
    const may = service || this.#rows.member(roomId, userId) !== undefined;
    return may && room?.deletedAt === null ? room : undefined;
  }

  state(room: string, userId: string, service: boolean): RoomState | null {
    const row = this.visible(room, userId, service);
    if (row === undefined) return null;
    const snoozes = [...(this.#snoozes.get(pair({ roomId: room, userId })) ?? [])];
    return {
      ...this.#counts(room, userId),
      room: row,
      members: this.#members(room, userId),
      sections: this.#rows.sectionsOf(room),
      lastReadId: this.#rows.read(room, userId)?.messageId ?? null,
      markerId: this.#rows.markers.get(pair({ roomId: room, userId }))?.messageId ?? null,
      snoozed: snoozes.filter(([, end]) => isAhead(end)).map(([messageId]) => messageId),
    };
  }

  counts(asked: readonly { readonly roomId: string; readonly userId: string }[]): Counts[] {
    const known = asked.filter(({ roomId }) => this.#rows.rooms.has(roomId));
    return known.map(({ roomId, userId }) => this.#counts(roomId, userId));
  }

  mute(roomId: string, userId: string, until: Date | null): boolean {
    if (this.visible(roomId, userId, false) === undefined) return false;
    if (until === null) this.#mutes.delete(pair({ roomId, userId }));
    else this.#mutes.set(pair({ roomId, userId }), until);
    return true;
  }

  snooze(roomId: string, userId: string, messageId: string, until: Date | null): boolean {
    const known = this.#rows.messages.has(`${roomId} ${messageId}`);
    if (!known || this.visible(roomId, userId, false) === undefined) return false;
    const ours = this.#snoozes.get(pair({ roomId, userId })) ?? new Map<string, Date>();
    if (until === null) ours.delete(messageId);
    else ours.set(messageId, until);
    this.#snoozes.set(pair({ roomId, userId }), ours);
    return true;
  }

  history(room: string, limit: number, before: string | null): HistoryMessage[] {
    const from = before === null ? undefined : this.#rows.messages.get(`${room} ${before}`);
    if (before !== null && from === undefined) throw new Problem("not_found", "there is no such message here");
    const older = this.#rows.messagesOf(room).filter(({ seq }) => seq < (from?.seq ?? Number.POSITIVE_INFINITY));
    const page = older.reverse().slice(0, limit);
    return page.map((row) => this.#printed(row));
  }

  page(userId: string, limit: number, before: string | null): RoomSummary[] {
    const rooms = this.#rows.roomsOf(userId).filter(({ roomId }) => before === null || roomId < before);
    const page = rooms.sort((a, b) => (a.roomId < b.roomId ? 1 : -1)).slice(0, limit);
    return page.map((room) => ({
      ...room,
      role: this.#rows.member(room.roomId, userId)?.role ?? "member",
      unread: this.#counts(room.roomId, userId).unread,
      lastMessage: this.#rows.messagesOf(room.roomId).at(-1) ?? null,
    }));
  }

  statistics(room: string, userId: string, service: boolean): Statistics | null {
    if (this.visible(room, userId, service) === undefined) return null;
    const messages = this.#rows.messagesOf(room).filter(({ deleteSeq }) => deleteSeq === null);
    const byType = new Map<string, number>();
    for (const { type } of messages) byType.set(type, (byType.get(type) ?? 0) + 1);
    const times = messages.map(({ sentAt }) => sentAt).sort((a, b) => a.getTime() - b.getTime());
    return {
      total: messages.length,
      byType,
      attachments: messages.filter(({ file }) => file !== null).length,
      threads: new Set(messages.flatMap(({ threadRoot }) => threadRoot ?? [])).size,
      firstAt: times[0] ?? null,
      lastAt: times.at(-1) ?? null,
    };
  }

  #counts(roomId: string, userId: string): Counts {
    const read = this.#rows.read(roomId, userId)?.messageSeq ?? 0;
    const unread = this.#rows
      .messagesOf(roomId)
      .filter(({ seq, senderId, deleteSeq }) => seq > read && senderId !== userId && deleteSeq === null);
    const until = this.#mutes.get(pair({ roomId, userId }));
    return {
      roomId,
      userId,
      unread: unread.length,
      mentions: unread.filter((message) => mentioned(message).includes(userId)).length,
      mutedUntil: until !== undefined && isAhead(until) ? until : null,
    };
  }

  /** A room's members as `asking` sees them, by the time of joining. */
  #members(roomId: string, asking: string): RoomStateMember[] {
    const members = this.#rows
      .membersOf(roomId)
      .sort((a, b) => a.joinedAt.getTime() - b.joinedAt.getTime() || (a.userId < b.userId ? -1 : 1));
    return members.map(({ userId, role, joinedAt }) => {
      const { name, activeAt } = this.#rows.userOf(userId);
      return {
        userId,
        name,
        role,
        joinedAt: joinedAt.toISOString(),
        activeAt,
        read: this.#read(roomId, userId, asking),
      };
    });
  }

  #read(roomId: string, userId: string, asking: string): RoomStateMember["read"] {
    const shown = receiptKey({ roomId, userId, hidden: false, private: false });
    const row = userId === asking ? this.#rows.read(roomId, userId) : this.#rows.receipts.get(shown);
    if (row === undefined) return null;
    return { messageId: row.messageId, eventId: row.eventId, readAt: row.readAt.toISOString() };
  }

  #printed(row: MessageRow): HistoryMessage {
    const original = row.replyTo === null ? undefined : this.#rows.messages.get(`${row.roomId} ${row.replyTo}`);
    const reactions = [...this.#rows.reactions.values()].filter(
      ({ messageId, removedSeq }) => messageId === row.messageId && removedSeq === null,
    );
    return { ...row, original: original === undefined ? null : originalOf(original), reactions };
  }
}

/** True while a time that a user named is still to come: users mean the world's clock, not this store's. */
const isAhead = (time: Date): boolean => time.getTime() > Date.now();
