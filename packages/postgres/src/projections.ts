import type { Projection, ProjectionFilter } from "@signalbox/core/ports/store";
import { isMatrixEventId } from "@signalbox/protocol/ids";
import type postgres from "postgres";
import { projectionColumns } from "./columns.ts";
import type { Sql } from "./connection.ts";
import { isVisible } from "./reads.ts";
import { TEXT } from "./room-counters.ts";
import { findsWords, hasWords } from "./search.ts";

type Fragment = postgres.PendingQuery<postgres.Row[]>;

/** What a list is asked for, and by whom. */
interface Asked {
  readonly userId: string;
  readonly service: boolean;
  readonly filter: ProjectionFilter;
}

/** How many of the newest messages are searched one by one (10 µs each), before the index is asked for all that have the words. */
const WINDOW = 1_000;
/** So many messages of any room that have the words are held against the user's rooms; of more, each of these rooms is searched. */
const FEW = 5_000;
/** The time of an id has 48 bits. */
const LAST_MS = 2 ** 48 - 1;

/** A page of projections, newest first. Each statement sees one snapshot, with the user's memberships. */
export async function projections(
  sql: Sql,
  userId: string,
  service: boolean,
  filter: ProjectionFilter,
  limit: number,
): Promise<readonly Projection[]> {
  const asked = { userId, service, filter };
  const { words } = filter;
  if (words === null) return page(sql, newest(sql, asked, limit), limit);
  // A frequent word fills a page from the newest messages; of a rare one the index has few: each is slow where the other is fast.
  const recent = await page(sql, newest(sql, asked, WINDOW), limit, hasWords(sql, words));
  return recent.length === limit ? recent : page(sql, found(sql, asked, words, limit), limit);
}

/** One of them, by our id or by Matrix's. */
export async function projection(
  sql: Sql,
  userId: string,
  service: boolean,
  messageId: string,
): Promise<Projection | null> {
  const named = isMatrixEventId(messageId) ? sql`m.event_id = ${messageId}` : sql`m.message_id = ${messageId}`;
  const [row] = await sql<Projection[]>`
    select ${projectionColumns(sql)} from messages m
    cross join lateral (select from rooms r where r.room_id = m.room_id and ${isVisible(sql, userId, service)} offset 0) r
    where ${named} limit 1`;
  return row ?? null;
}

/** The messages behind keys, which are in order, as far as they are `wanted`: no more is read than makes a page. */
const page = (sql: Sql, keys: Fragment, limit: number, wanted: Fragment = sql`true`) =>
  sql<Projection[]>`
    select m.* from (${keys}) k cross join lateral (
      select ${projectionColumns(sql)} from messages m
      where m.room_id = k.room_id and m.message_id = k.message_id and ${wanted} offset 0
    ) m order by k.message_id desc limit ${limit}`.execute();

/**
 * The keys of the newest messages that the filter lets through, words aside. Of many rooms only those whose newest one is among
 * the newest are read further: the rest costs one look each.
 */
function newest(sql: Sql, { userId, service, filter }: Asked, limit: number): Fragment {
  const inRoom = sql`from messages m where m.room_id = s.room_id and ${passes(sql, filter)} order by m.message_id desc`;
  if (everywhere(service, filter))
    return sql`
      select m.room_id, m.message_id from messages m
      where ${passes(sql, filter)} and ${stands(sql)} order by m.message_id desc limit ${limit}`;
  return sql`
    select m.* from (
      select s.room_id from (${scope(sql, userId, service, filter.roomId)}) s
      cross join lateral (select m.message_id ${inRoom} limit 1) m order by m.message_id desc limit ${limit}
    ) s cross join lateral (select m.room_id, m.message_id ${inRoom} limit ${limit}) m
    order by m.message_id desc limit ${limit}`;
}

/** The keys of the newest messages that have the words and that the filter lets through, by the index of words. */
function found(sql: Sql, { userId, service, filter }: Asked, words: string, limit: number): Fragment {
  // Materialised and "is true": by the words alone, never in the order of the list or by another index.
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
  if (service) return sql`with ${hits(findsWords(sql, words))} select * from hits m where ${stands(sql)} ${last}`;
  return sql`
    with ${hits(findsWords(sql, words), sql`limit ${FEW + 1}`)}, few as materialized (
      select count(*) <= ${FEW} as are from hits
    )
    select h.* from hits h cross join lateral (${rooms} and r.room_id = h.room_id offset 0) s where (select are from few)
    union all (${inEach(sql`not (select are from few)`)})
    ${last}`;
}

/** Whether all rooms are meant: a service may see any. */
const everywhere = (service: boolean, { roomId }: ProjectionFilter): boolean => service && roomId === null;

const stands = (sql: Sql) =>
  sql`exists (select from rooms r where r.room_id = m.room_id and r.deleted_at is null offset 0)`;

/** The rooms to look in. */
const scope = (sql: Sql, userId: string, service: boolean, room: string | null): Fragment =>
  room === null
    ? sql`select r.room_id from members m join rooms r on r.room_id = m.room_id
        where m.user_id = ${userId} and m.left_seq is null and r.deleted_at is null`
    : sql`select r.room_id from rooms r where r.room_id = ${room} and ${isVisible(sql, userId, service)}`;

/** The conditions on a message `m`, only those that are asked for: each combination is a statement of its own, with a plan of its own. */
function passes(sql: Sql, { type, hasFile, senderId, threadRoot, from, until, after }: ProjectionFilter): Fragment {
  return [
    // As the partial indexes say it: what is not m.text, what has a file.
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

/** Not above any id of a message sent at this time or later, and above all of those before. */
function firstId(time: Date): string {
  const hex = Math.min(Math.max(time.getTime(), 0), LAST_MS).toString(16).padStart(12, "0");
  return `${hex.slice(0, 8)}-${hex.slice(8)}-0000-0000-000000000000`;
}
