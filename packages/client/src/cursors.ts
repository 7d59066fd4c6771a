/** Where each room's events have been taken in to. PROTOCOL.md section 2. */
import type { Reset } from "./events.ts";

/** Rooms that one RESUME names, so that the frame stays below 256 KiB. */
const NAMED = 4000;

/** What cursors look at in a durable event, also in one of a type that is not known yet. */
export interface Sequenced {
  readonly type: string;
  readonly chatId: string;
  readonly seq: number;
  readonly recipientId?: string;
  readonly senderId?: string;
  readonly message?: string;
}

/** A READY, compared with what is known. */
export interface Comparison {
  /** What RESUME names: rooms and the seqs from which they go on. */
  readonly behind: Record<string, number>;
  /** Rooms that appeared meanwhile: they go on from READY, and what was before was not heard. */
  readonly missed: readonly Reset[];
}

export interface Cursors {
  /** Takes in the rooms of a READY. `again`: their user is that of the last READY; otherwise nothing of before holds. */
  ready(rooms: Readonly<Record<string, number>>, again: boolean): Comparison;
  /** `next`: it is new, and counts as taken in. `seen`: it was there before. `ahead`: something between is missing; it is not taken in. */
  take(event: Sequenced): "next" | "seen" | "ahead";
  /** Goes on where a RESET says. */
  reset(reset: Reset): void;
}

export function createCursors(): Cursors {
  const seqs = new Map<string, number>();
  /**
   * Rooms that the user left. Where is kept until the next READY: they may be back by then, and what happened since their return would
   * otherwise be lost with a connection that broke between the two.
   */
  const left = new Set<string>();

  function forget(chatId: string): void {
    seqs.delete(chatId);
    left.delete(chatId);
  }

  return {
    ready(rooms, again) {
      if (!again) for (const chatId of [...seqs.keys()]) forget(chatId);
      const behind: Record<string, number> = {};
      const missed: Reset[] = [];
      let named = 0;
      for (const [chatId, seq] of Object.entries(rooms)) {
        const last = seqs.get(chatId);
        if (last === seq) continue;
        if (last !== undefined && named++ < NAMED) {
          behind[chatId] = last;
          continue;
        }
        seqs.set(chatId, seq);
        left.delete(chatId);
        if (again) missed.push({ type: "RESET", chatId, reason: "too_old", seq });
      }
      for (const [chatId, last] of [...seqs]) {
        if (chatId in rooms) continue;
        if (left.has(chatId)) forget(chatId);
        else if (named++ < NAMED) behind[chatId] = last;
      }
      return { behind, missed };
    },

    take(event) {
      const { type, chatId, seq } = event;
      const last = seqs.get(chatId);
      if (last !== undefined && seq <= last) return "seen";
      if (last !== undefined && seq > last + 1 && !left.has(chatId) && !begins(event)) return "ahead";
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

/** Whether somebody who was out of a room is in it from this event on. */
const begins = ({ type, message, recipientId }: Sequenced): boolean =>
  type === "NEW_CHAT" || (type === "USER_JOIN" && message === recipientId);
