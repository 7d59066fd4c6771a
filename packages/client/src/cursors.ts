/** The last event that was received of each room. PROTOCOL.md section 2. */
import type { Reset } from "./events.ts";

/** The most rooms in one RESUME, so that the frame stays below 256 KiB. */
const MAX_ROOMS = 3900;

/** `<seq>-<mark>`, or a bare seq: of an event without a mark, or of a server before there were marks. */
export type Cursor = string | number;

/** The fields of a durable event that cursors read, also of a type that this version does not know. */
export interface Sequenced {
  readonly type: string;
  readonly chatId: string;
  readonly seq: number;
  readonly mark?: string | undefined;
  readonly recipientId?: string;
  readonly senderId?: string;
  readonly message?: string;
}

/** The next steps after a READY. */
export interface ResumePlan {
  /** For RESUME: the rooms that READY has at another event, and the cursor of each. */
  readonly cursors: Record<string, Cursor>;
  /** For rooms that appeared meanwhile: they go on from READY's cursor, and their earlier events were not received. */
  readonly resets: readonly Reset[];
}

export interface Cursors {
  /** Takes the rooms of a READY. `isSameUser` is false when the last READY was of another user: then all earlier cursors are dropped. */
  ready(rooms: Readonly<Record<string, Cursor>>, isSameUser: boolean): ResumePlan;
  /** `next`: the event is new, and moves the cursor. `seen`: it was received before. `ahead`: events before it are missing; the cursor stays. */
  take(event: Sequenced): "next" | "seen" | "ahead";
  /** Moves the cursor to that of a RESET. */
  reset(reset: Reset): void;
}

/** The number before the mark. */
const seqOf = (cursor: Cursor): number => Number.parseInt(`${cursor}`, 10);

export function createCursors(): Cursors {
  const known = new Map<string, Cursor>();
  /**
   * Rooms that the user left. Their cursors are kept until the next READY: if the user returned, and the connection broke before the
   * event of that arrived, the events since the return would be lost otherwise.
   */
  const left = new Set<string>();

  function forget(chatId: string): void {
    known.delete(chatId);
    left.delete(chatId);
  }

  return {
    ready(rooms, isSameUser) {
      if (!isSameUser) for (const chatId of [...known.keys()]) forget(chatId);
      // A server before there were marks names bare seqs, and takes no others.
      const isBare = Object.values(rooms).some((cursor) => typeof cursor === "number");
      const own = <C extends Cursor | undefined>(cursor: C) =>
        isBare && cursor !== undefined ? seqOf(cursor) : cursor;
      const cursors: Record<string, Cursor> = {};
      const resets: Reset[] = [];
      let count = 0;
      for (const [chatId, cursor] of Object.entries(rooms)) {
        const last = own(known.get(chatId));
        if (last === cursor) continue;
        if (last !== undefined && count++ < MAX_ROOMS) {
          cursors[chatId] = last;
          continue;
        }
        known.set(chatId, cursor);
        left.delete(chatId);
        if (isSameUser)
          resets.push({ type: "RESET", chatId, reason: "too_old", seq: seqOf(cursor), cursor: `${cursor}` });
      }
      for (const [chatId, last] of [...known]) {
        if (chatId in rooms) continue;
        if (left.has(chatId)) forget(chatId);
        else if (count++ < MAX_ROOMS) cursors[chatId] = own(last);
      }
      return { cursors, resets };
    },

    take(event) {
      const { type, chatId, seq, mark } = event;
      const cursor = known.get(chatId);
      const last = cursor === undefined ? undefined : seqOf(cursor);
      if (last !== undefined && seq <= last) return "seen";
      if (last !== undefined && seq > last + 1 && !left.has(chatId) && !isArrival(event)) return "ahead";
      forget(chatId);
      if (type !== "DELETE_CHAT") known.set(chatId, mark === undefined ? seq : `${seq}-${mark}`);
      if (type === "USER_LEAVE" && event.senderId === event.recipientId) left.add(chatId);
      return "next";
    },

    // A server before there were marks sends no cursor.
    reset({ chatId, reason, seq, cursor = `${seq}` }) {
      forget(chatId);
      if (reason !== "not_member") known.set(chatId, cursor);
    },
  };
}

/** True for an event that may follow any other: the user enters a room, or returns to it, or the room is deleted. */
const isArrival = ({ type, message, recipientId }: Sequenced): boolean =>
  type === "NEW_CHAT" || type === "DELETE_CHAT" || (type === "USER_JOIN" && message === recipientId);
