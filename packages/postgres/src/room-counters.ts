import type { MessageRow } from "@signalbox/core/model/rows";
import type { Sql } from "./connection.ts";

// Counters behind the statistics of a room, without deleted messages. Each commit adds the difference between the
// messages that it read and those that it writes, so that the cost follows the commit and not the room.

/** The changes of the counters in the row of a room; `firstId` and `lastId` are the least and greatest message id written. */
export interface Counters {
  readonly messages: number;
  readonly files: number;
  readonly firstId: string | null;
  readonly lastId: string | null;
}

/** The changes of all counters of one room by a commit. */
export interface CounterChanges extends Counters {
  /** More or fewer messages by type; `TEXT` is left out. */
  readonly types: ReadonlyMap<string, number>;
  /** More or fewer messages by the root of their thread. */
  readonly threads: ReadonlyMap<string, number>;
  /** The ids of messages that the commit deletes. */
  readonly deleted: readonly string[];
}

export const NO_CHANGE: Counters = { messages: 0, files: 0, firstId: null, lastId: null };
/** The type of most messages. It has no counter: its number is the total less all other types. */
export const TEXT = "m.text";

/**
 * The counter changes by room, from the messages that a commit read to those that it writes. A message that is not in
 * `before` is new.
 */
export function countChanges(
  before: readonly MessageRow[],
  after: readonly MessageRow[],
): ReadonlyMap<string, CounterChanges> {
  const known = new Map(before.map((message) => [message.messageId, message]));
  const rooms = new Map<string, ChangeCounter>();
  for (const message of after) {
    const count = rooms.get(message.roomId) ?? new ChangeCounter();
    rooms.set(message.roomId, count);
    const old = known.get(message.messageId);
    if (old) count.remove(old);
    count.add(message);
    if (old?.deleteSeq === null && message.deleteSeq !== null) count.deleted.push(message.messageId);
  }
  return rooms;
}

class ChangeCounter implements CounterChanges {
  messages = 0;
  files = 0;
  firstId: string | null = null;
  lastId: string | null = null;
  readonly types = new Map<string, number>();
  readonly threads = new Map<string, number>();
  readonly deleted: string[] = [];

  add(message: MessageRow): void {
    if (message.deleteSeq !== null) return;
    this.#count(message, 1);
    // Ids compare as text in the order of their bytes.
    const { messageId } = message;
    if (this.firstId === null || messageId < this.firstId) this.firstId = messageId;
    if (this.lastId === null || messageId > this.lastId) this.lastId = messageId;
  }

  remove(message: MessageRow): void {
    if (message.deleteSeq === null) this.#count(message, -1);
  }

  #count({ type, file, threadRoot }: MessageRow, by: 1 | -1): void {
    this.messages += by;
    if (file !== null) this.files += by;
    if (type !== TEXT) this.types.set(type, (this.types.get(type) ?? 0) + by);
    if (threadRoot !== null) this.threads.set(threadRoot, (this.threads.get(threadRoot) ?? 0) + by);
  }
}

/**
 * The statements for counters outside the rows of rooms, to run after the messages; none for a commit that only sends
 * plain texts.
 */
export function putCounters(sql: Sql, rooms: ReadonlyMap<string, CounterChanges>) {
  const all = [...rooms];
  const types = all.flatMap(([roomId, changes]) =>
    nonZero(changes.types).map(([type, more]) => ({ roomId, type, more })),
  );
  const threads = all.flatMap(([roomId, changes]) =>
    nonZero(changes.threads).map(([root, more]) => ({ roomId, root, more })),
  );
  const deleted = all.filter(([, changes]) => changes.deleted.length > 0);
  return [
    types.length > 0 && putTypes(sql, types),
    threads.length > 0 && putThreads(sql, threads),
    deleted.length > 0 && moveEnds(sql, deleted),
  ].filter((statement) => statement !== false);
}

const nonZero = (counts: ReadonlyMap<string, number>) => [...counts].filter(([, more]) => more !== 0);

const putTypes = (sql: Sql, types: readonly { roomId: string; type: string; more: number }[]) =>
  sql`
  insert into message_types as t (room_id, type, messages)
  select * from json_to_recordset(${JSON.stringify(types)}::text::json) as n("roomId" uuid, type text, more bigint)
  on conflict (room_id, type) do update set messages = t.messages + excluded.messages`.execute();

/** Updates replies by thread, and the room's number of threads with at least one reply. */
const putThreads = (sql: Sql, threads: readonly { roomId: string; root: string; more: number }[]) =>
  sql`
  with n as materialized (
    select * from json_to_recordset(${JSON.stringify(threads)}::text::json) as n("roomId" uuid, root text, more bigint)
  ), put as (
    insert into threads as t (room_id, root, replies) select * from n
    on conflict (room_id, root) do update set replies = t.replies + excluded.replies returning room_id, root, replies
  ), begun as (
    select room_id, sum((replies > 0)::int - (replies > more)::int) as threads
    from put join n on "roomId" = room_id and n.root = put.root group by room_id
  )
  update rooms r set thread_count = thread_count + threads from begun b
  where r.room_id = b.room_id and threads <> 0`.execute();

/** Replaces a deleted first or last message of a room by the next one that is not deleted. */
function moveEnds(sql: Sql, rooms: readonly (readonly [string, CounterChanges])[]) {
  const ids = rooms.flatMap(([, { deleted }]) => deleted);
  return sql`
    update rooms r set
      first_id = (
        select message_id from messages
        where room_id = r.room_id and message_id >= r.first_id and delete_seq is null order by message_id limit 1),
      last_id = (
        select message_id from messages
        where room_id = r.room_id and message_id <= r.last_id and delete_seq is null order by message_id desc limit 1)
    where r.room_id = any(${rooms.map(([roomId]) => roomId)}::uuid[])
      and (r.first_id = any(${ids}::uuid[]) or r.last_id = any(${ids}::uuid[]))`.execute();
}
