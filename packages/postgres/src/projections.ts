import type { Projection, ProjectionFilter } from "@signalbox/core/ports/store";
import { isMatrixEventId } from "@signalbox/protocol/ids";
import type postgres from "postgres";
import { projectionColumns } from "./columns.ts";
import type { Sql } from "./connection.ts";
import { isVisible } from "./reads.ts";
import { TEXT } from "./room-counters.ts";
import { findsWords, hasWords } from "./search.ts";

type Fragment = postgres.PendingQuery<postgres.Row[]>;

/** The query of a list. */
interface Query {
  readonly userId: string;
  readonly service: boolean;
  readonly filter: ProjectionFilter;
}

/** The newest messages that are searched one by one (10 µs each), before the index is searched. */
const WINDOW = 1_000;
/** Up to so many hits in all rooms are compared with the user's rooms; with more, each of these rooms is searched. */
const FEW = 5_000;
/** The last time that fits into the 48 bits of an id, in milliseconds since the epoch. */
const LAST_MS = 2 ** 48 - 1;

/** A page of projections, newest first. Each statement sees one snapshot, with the user's memberships. */
export async function projections(
  sql: Sql,
  userId: string,
  service: boolean,
  filter: ProjectionFilter,
  limit: number,
): Promise<readonly Projection[]> {
  const query = { userId, service, filter };
  const { words } = filter;
  if (words === null) return page(sql, newest(sql, query, limit), limit);
  // A frequent word fills a page from the newest messages, a rare one has few hits in the index: each way is slow where
  // the other is fast.
  const recent = await page(sql, newest(sql, query, WINDOW), limit, hasWords(sql, words));
  return recent.length === limit ? recent : page(sql, found(sql, query, words, limit), limit);
}

/** One message, by its own id or its Matrix event id. */
export async function projection(
  sql: Sql,
  userId: string,
  service: boolean,
  messageId: string,
): Promise<Projection | null> {
  const hasId = isMatrixEventId(messageId) ? sql`m.event_id = ${messageId}` : sql`m.message_id = ${messageId}`;
  const [row] = await sql<Projection[]>`
    select ${projectionColumns(sql)} from messages m
    cross join lateral (select from rooms r where r.room_id = m.room_id and ${isVisible(sql, userId, service)} offset 0) r
    where ${hasId} limit 1`;
  return row ?? null;
}

/** The messages of keys, which are sorted, as far as they match `wanted`. It reads no more than a page needs. */
const page = (sql: Sql, keys: Fragment, limit: number, wanted: Fragment = sql`true`) =>
  sql<Projection[]>`
    select m.* from (${keys}) k cross join lateral (
      select ${projectionColumns(sql)} from messages m
      where m.room_id = k.room_id and m.message_id = k.message_id and ${wanted} offset 0
    ) m order by k.message_id desc limit ${limit}`.execute();

/**
 * The keys of the newest messages that match the filter, without its words. Of each room only the newest message is read; more is
 * read only of the rooms with the newest of these.
 */
function newest(sql: Sql, { userId, service, filter }: Query, limit: number): Fragment {
  const inRoom = sql`from messages m where m.room_id = s.room_id and ${passes(sql, filter)} order by m.message_id desc`;
  if (everywhere(service, filter))
    return sql`
      select m.room_id, m.message_id from messages m
      where ${passes(sql, filter)} and ${inActiveRoom(sql)} order by m.message_id desc limit ${limit}`;
  return sql`
    select m.* from (
      select s.room_id from (${scope(sql, userId, service, filter.roomId)}) s
      cross join lateral (select m.message_id ${inRoom} limit 1) m order by m.message_id desc limit ${limit}
    ) s cross join lateral (select m.room_id, m.message_id ${inRoom} limit ${limit}) m
    order by m.message_id desc limit ${limit}`;
}

/** The keys of the newest messages that match the filter with its words, by the index of words. */
function found(sql: Sql, { userId, service, filter }: Query, words: string, limit: number): Fragment {
  // Materialised and "is true", so that the planner uses the index of words, never another one or the order of the list.
  const hits = (finds: Fragment, most = sql``) => sql`
    hits as materialized (
      select m.room_id, m.message_id from messages m where ${finds} and (${passes(sql, filter)}) is true ${most}
    )`;
  const rooms = scope(sql, userId, service, filter.roomId);
  const inEach = (some: Fragment) => sql`
    select m.* from (${rooms}) s cross join lateral (
      with ${hits(findsWords(sql, words, sql`s.room_id`))}
      select * from hits h where h.room_id = s.room_id order by h.message_id desc limit ${limit}
    ) m where ${some}`;
  const last = sql`order by message_id desc limit ${limit}`;
  if (filter.roomId !== null) return sql`${inEach(sql`true`)} ${last}`;
  if (service) return sql`with ${hits(findsWords(sql, words))} select * from hits m where ${inActiveRoom(sql)} ${last}`;
  return sql`
    with ${hits(findsWords(sql, words), sql`limit ${FEW + 1}`)}, few as materialized (
      select count(*) <= ${FEW} as are from hits
    )
    select h.* from hits h cross join lateral (${rooms} and r.room_id = h.room_id offset 0) s where (select are from few)
    union all (${inEach(sql`not (select are from few)`)})
    ${last}`;
}

/** True for all rooms of the store: a service may see any. */
const everywhere = (service: boolean, { roomId }: ProjectionFilter): boolean => service && roomId === null;

const inActiveRoom = (sql: Sql) =>
  sql`exists (select from rooms r where r.room_id = m.room_id and r.deleted_at is null offset 0)`;

/** The rooms of a list. */
const scope = (sql: Sql, userId: string, service: boolean, room: string | null): Fragment =>
  room === null
    ? sql`select r.room_id from members m join rooms r on r.room_id = m.room_id
        where m.user_id = ${userId} and m.left_seq is null and r.deleted_at is null`
    : sql`select r.room_id from rooms r where r.room_id = ${room} and ${isVisible(sql, userId, service)}`;

/** The conditions of the filter on a message `m`. Each combination is a statement of its own, with a plan of its own. */
function passes(sql: Sql, { type, hasFile, senderId, threadRoot, from, until, after }: ProjectionFilter): Fragment {
  return [
    // The second condition is that of the partial index, as is `file is not null` below.
    type !== null && sql`m.type = ${type}`,
    type !== null && type !== TEXT && sql`m.type <> 'm.text'`,
    hasFile !== null && (hasFile ? sql`m.file is not null` : sql`m.file is null`),
    senderId !== null && sql`m.sender_id = ${senderId}`,
    threadRoot !== null && sql`m.thread_root = ${threadRoot}`,
    from !== null && sql`m.message_id >= ${firstId(from)}`,
    until !== null && sql`m.message_id < ${firstId(until)}`,
    after !== null && sql`m.message_id < ${after}`,
  ]
    .filter((condition) => condition !== false)
    .reduce<Fragment>((all, condition) => sql`${all} and ${condition}`, sql`true`);
}

/** The lower bound of the ids of messages sent at `time` or later. */
function firstId(time: Date): string {
  const hex = Math.min(Math.max(time.getTime(), 0), LAST_MS).toString(16).padStart(12, "0");
  return `${hex.slice(0, 8)}-${hex.slice(8)}-0000-0000-000000000000`;
}
