import { Problem } from "@signalbox/protocol/errors";
import type { Rows } from "../model/rows.ts";
import type { MapRows } from "./map-rows.fake.ts";

/**
 * Refuses rows that break a rule of the store, before any is written. Throws `conflict` for a room or a user of Matrix that is
 * taken, and `internal` for what a rule of core should never write: a second message of one event or of one client id, a
 * second reaction of a kind, another event under a known seq.
 */
export function refuse(known: MapRows, rows: Rows): void {
  unique(known.rooms.values(), rows.rooms, {
    key: ({ roomId }) => roomId,
    once: ({ matrixRoomId }) => matrixRoomId,
    problem: () => new Problem("conflict", "this Matrix room is bridged already"),
  });
  unique(known.users.values(), rows.users, {
    key: ({ userId }) => userId,
    once: ({ matrixUserId }) => matrixUserId,
    problem: () => new Problem("conflict", "this Matrix user is mapped to another user"),
  });
  const message = {
    key: ({ roomId, messageId }: Rows["messages"][number]) => `${roomId} ${messageId}`,
    problem: wrong,
  };
  unique(known.messages.values(), rows.messages, {
    ...message,
    once: ({ roomId, eventId }) => (eventId === null ? null : JSON.stringify([roomId, eventId])),
  });
  unique(known.messages.values(), rows.messages, {
    ...message,
    once: ({ roomId, senderId, clientMessageId }) =>
      clientMessageId === null ? null : JSON.stringify([roomId, senderId, clientMessageId]),
  });
  unique(known.reactions.values(), rows.reactions, {
    key: ({ reactionId }) => reactionId,
    once: ({ roomId, messageId, senderId, reaction, removedSeq }) =>
      removedSeq === null ? JSON.stringify([roomId, messageId, senderId, reaction]) : null,
    problem: wrong,
  });
  if (rows.events.some(({ roomId, seq }) => known.events.has(`${roomId} ${seq}`))) throw wrong();
}

const wrong = () => new Problem("internal", "the store refused a row");

interface Unique<Row> {
  /** The key under which a row replaces another. */
  readonly key: (row: Row) => string;
  /** The value that no two rows share; null for none. */
  readonly once: (row: Row) => string | null;
  readonly problem: () => Problem;
}

/** Throws when two of the known rows and those that replace or follow them would share what only one may have. */
function unique<Row>(known: Iterable<Row>, written: readonly Row[], { key, once, problem }: Unique<Row>): void {
  if (written.every((row) => once(row) === null)) return;
  const last = new Map([...known, ...written].map((row) => [key(row), row]));
  const seen = new Set<string>();
  for (const row of last.values()) {
    const value = once(row);
    if (value === null) continue;
    if (seen.has(value)) throw problem();
    seen.add(value);
  }
}
