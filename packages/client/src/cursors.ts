/** The last seq that was received of each room. PROTOCOL.md section 2. */
import type { Reset } from "./events.ts";

/** The most rooms in one RESUME, so that the frame stays below 256 KiB. */
const MAX_ROOMS = 4000;

/** The fields of a durable event that cursors read, also of a type that this version does not know. */
export interface Sequenced {
  readonly type: string;
  readonly chatId: string;
  readonly seq: number;
  readonly recipientId?: string;
  readonly senderId?: string;
  readonly message?: string;
}

/** The next steps after a READY. */
export interface ResumePlan {
  /** For RESUME: the rooms with missed events, and the last seq that was received of each. */
  readonly cursors: Record<string, number>;
  /** For rooms that appeared meanwhile: they go on from READY's seq, and their earlier events were not received. */
  readonly resets: readonly Reset[];
}

export interface Cursors {
  /** Takes the rooms of a READY. `isSameUser` is false when the last READY was of another user: then all earlier cursors are dropped. */
  ready(rooms: Readonly<Record<string, number>>, isSameUser: boolean): ResumePlan;
  /** `next`: the event is new, and moves the cursor. `seen`: it was received before. `ahead`: events before it are missing; the cursor stays. */
  take(event: Sequenced): "next" | "seen" | "ahead";
  /** Moves the cursor to the seq of a RESET. */
  reset(reset: Reset): void;
}

export function createCursors(): Cursors {
  const seqs = new Map<string, number>();
  /**
   * Rooms that the user left. Their cursors are kept until the next READY: if the user returned, and the connection broke before the
   * event of that arrived, the events since the return would be lost otherwise.
   */
  const left = new Set<string>();

  function forget(chatId: string): void {
    seqs.delete(chatId);
    left.delete(chatId);
  }

  return {
    ready(rooms, isSameUser) {
      if (!isSameUser) for (const chatId of [...seqs.keys()]) forget(chatId);
      const cursors: Record<string, number> = {};
      const resets: Reset[] = [];
      let count = 0;
      for (const [chatId, seq] of Object.entries(rooms)) {
        const last = seqs.get(chatId);
        if (last === seq) continue;
        if (last !== undefined && count++ < MAX_ROOMS) {
          cursors[chatId] = last;
          continue;
        }
        seqs.set(chatId, seq);
        left.delete(chatId);
        if (isSameUser) resets.push({ type: "RESET", chatId, reason: "too_old", seq });
      }
      for (const [chatId, last] of [...seqs]) {
        if (chatId in rooms) continue;
        if (left.has(chatId)) forget(chatId);
        else if (count++ < MAX_ROOMS) cursors[chatId] = last;
      }
      return { cursors, resets };
    },

    take(event) {
      const { type, chatId, seq } = event;
      const last = seqs.get(chatId);
      if (last !== undefined && seq <= last) return "seen";
      if (last !== undefined && seq > last + 1 && !left.has(chatId) && !isArrival(event)) return "ahead";
      forget(chatId);
      if (type !== "DELETE_CHAT") seqs.set(chatId, seq);
      if (type === "USER_LEAVE" && event.senderId === event.recipientId) left.add(chatId);
      return "next";
    },

    reset({ chatId, reason, seq }) {
      forget(chatId);
      if (reason === "too_old") seqs.set(chatId, seq);
    },
  };
}

/** True for the event with which the user enters a room, or returns to it. */
const isArrival = ({ type, message, recipientId }: Sequenced): boolean =>
  type === "NEW_CHAT" || (type === "USER_JOIN" && message === recipientId);
