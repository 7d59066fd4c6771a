import type { MessageRow } from "@signalbox/core/model/rows";
import type { Sql } from "./connection.ts";

// Statistics of a room are kept by whatever writes its messages: by the difference between the rows that a commit was given and
// those that it decided, so that the cost is the commit's and not the room's. Only messages that are not deleted count.

/** What the row of a room keeps: how much there is more of it, and the least and greatest message id of what was written. */
export interface Counters {
  readonly standing: number;
  readonly files: number;
  readonly firstId: string | null;
  readonly lastId: string | null;
}

/** What a commit changes in one room. */
export interface CounterChanges extends Counters {
  /** How many messages more by type, and by the root of their thread. */
  readonly types: ReadonlyMap<string, number>;
  readonly threads: ReadonlyMap<string, number>;
  /** Messages that are deleted by it. */
  readonly deleted: readonly string[];
}

export const NO_CHANGE: Counters = { standing: 0, files: 0, firstId: null, lastId: null };
/** The type that most messages have: what has no other type is of this one, and is not counted by itself. */
export const TEXT = "m.text";

/** What changes from the messages `before` to those `after`, by room. A message that is not among those before is new. */
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
    if (old) count.take(old);
    count.add(message);
    if (old?.deleteSeq === null && message.deleteSeq !== null) count.deleted.push(message.messageId);
  }
  return rooms;
}

class ChangeCounter implements CounterChanges {
  standing = 0;
  files = 0;
  firstId: string | null = null;
  lastId: string | null = null;
  readonly types = new Map<string, number>();
  readonly threads = new Map<string, number>();
  readonly deleted: string[] = [];

  add(message: MessageRow): void {
    if (message.deleteSeq !== null) return;
    this.#count(message, 1);
    // As text they compare as their bytes do.
    const { messageId } = message;
    if (this.firstId === null || messageId < this.firstId) this.firstId = messageId;
    if (this.lastId === null || messageId > this.lastId) this.lastId = messageId;
  }

  take(message: MessageRow): void {
    if (message.deleteSeq === null) this.#count(message, -1);
  }

  #count({ type, file, threadRoot }: MessageRow, by: 1 | -1): void {
    this.standing += by;
    if (file !== null) this.files += by;
    if (type !== TEXT) this.types.set(type, (this.types.get(type) ?? 0) + by);
    if (threadRoot !== null) this.threads.set(threadRoot, (this.threads.get(threadRoot) ?? 0) + by);
  }
}

/** The statements that keep what the rows of rooms do not; none for a commit that only sends texts. They follow the messages. */
export function putCounters(sql: Sql, rooms: ReadonlyMap<string, CounterChanges>) {
  const all = [...rooms];
  const types = all.flatMap(([roomId, tally]) => changed(tally.types).map(([type, more]) => ({ roomId, type, more })));
  const threads = all.flatMap(([roomId, tally]) =>
    changed(tally.threads).map(([root, more]) => ({ roomId, root, more })),
  );
  const deleted = all.filter(([, tally]) => tally.deleted.length > 0);
  return [
    types.length > 0 && putTypes(sql, types),
    threads.length > 0 && putThreads(sql, threads),
    deleted.length > 0 && moveEnds(sql, deleted),
  ].filter((statement) => statement !== false);
}

const changed = (counts: ReadonlyMap<string, number>) => [...counts].filter(([, more]) => more !== 0);

const putTypes = (sql: Sql, types: readonly { roomId: string; type: string; more: number }[]) =>
  sql`
  insert into message_types as t (room_id, type, messages)
  select * from json_to_recordset(${JSON.stringify(types)}::text::json) as n("roomId" uuid, type text, more bigint)
  on conflict (room_id, type) do update set messages = t.messages + excluded.messages`.execute();

/** A thread is one while it has replies: the room counts those that begin or end by this. */
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

/** Where the first or the last message of a room is deleted, the next one that stands takes its place. */
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
