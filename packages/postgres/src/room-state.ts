import type { RoomRow, RoomSectionRow } from "@signalbox/core/model/rows";
import type { Counts, RoomState, RoomStateMember } from "@signalbox/core/ports/store";
import { roomColumns } from "./columns.ts";
import type { Sql } from "./connection.ts";
import { isVisible } from "./reads.ts";
import { countColumns, lastRead } from "./unread.ts";

type StateRow = RoomRow &
  Omit<Counts, "roomId" | "userId"> &
  Pick<RoomState, "lastReadId" | "markerId" | "snoozed"> & {
    readonly lastReadEventId: string | null;
    readonly lastReadAt: Date | null;
    readonly members: readonly JsonMember[];
    readonly sections: readonly RoomSectionRow[];
  };

/**
 * A member in JSON, with times as text. An array, because the names of the values in each row were half of the
 * statement's time.
 */
type JsonMember = readonly [
  userId: string,
  role: RoomStateMember["role"],
  joinedAt: string,
  name: string | null,
  activeAt: string | null,
  messageId: string | null,
  eventId: string | null,
  readAt: string | null,
];

/** The state of a room for `userId`: one statement and one row, so one snapshot. Null as `seqOf`. */
export async function roomState(sql: Sql, room: string, userId: string, service: boolean): Promise<RoomState | null> {
  const reader = sql`${userId}::text`;
  const [row] = await sql<StateRow[]>`
    select ${roomColumns(sql)}, ${countColumns(sql, reader)}, l.message_id as last_read_id,
      l.event_id as last_read_event_id, l.read_at as last_read_at,
      (select message_id from markers where room_id = r.room_id and user_id = ${reader}) as marker_id,
      (select coalesce(json_agg(message_id), '[]') from snoozes
        where room_id = r.room_id and user_id = ${reader} and until > now()) as snoozed,
      (select coalesce(json_agg(json_build_object('roomId', room_id, 'section', part, 'body', body) order by part), '[]')
        from parts where room_id = r.room_id) as sections,
      ${members(sql)} as members
    from rooms r ${lastRead(sql, reader)}
    where r.room_id = ${room} and ${isVisible(sql, userId, service)}`;
  if (!row) return null;
  const {
    unread,
    mentions,
    mutedUntil,
    lastReadId,
    lastReadEventId: eventId,
    lastReadAt,
    markerId,
    snoozed,
    sections,
    members: json,
    ...rest
  } = row;
  const own = { roomId: room, userId, unread, mentions, mutedUntil, lastReadId, markerId, snoozed };
  // The user's own receipt may be a hidden one, ahead of the visible one.
  const read =
    lastReadId === null || lastReadAt === null
      ? null
      : { messageId: lastReadId, eventId, readAt: lastReadAt.toISOString() };
  const all = json.map(toMember).map((member) => (member.userId === userId ? { ...member, read } : member));
  return { ...own, room: rest, sections, members: all };
}

/** The members in JSON, by the time of joining, with their visible receipts. For `offset 0` see commit-reads.ts. */
const members = (sql: Sql) =>
  sql`(
    select coalesce(json_agg(json_build_array(m.user_id, m.role, m.joined_at, u.name, u.active_at, c.message_id, c.event_id, c.read_at)
      order by m.joined_at, m.user_id), '[]')
    from members m
    left join lateral (select name, active_at from users where user_id = m.user_id offset 0) u on true
    left join lateral (
      select message_id, event_id, read_at from receipts
      where room_id = m.room_id and user_id = m.user_id and not hidden offset 0
    ) c on true
    where m.room_id = r.room_id and m.left_seq is null)`;

const toMember = ([
  userId,
  role,
  joinedAt,
  name,
  activeAt,
  messageId,
  eventId,
  readAt,
]: JsonMember): RoomStateMember => ({
  userId,
  name,
  role,
  joinedAt: toIsoTime(joinedAt),
  activeAt: activeAt === null ? null : new Date(activeAt),
  read: messageId === null || readAt === null ? null : { messageId, eventId, readAt: toIsoTime(readAt) },
});

/** A time in ISO 8601, from the text of Postgres: microseconds without trailing zeros, in the zone of the connection, UTC. */
const toIsoTime = (time: string): string =>
  time.length >= MILLISECONDS && time.endsWith("+00:00") ? `${time.slice(0, 23)}Z` : new Date(time).toISOString();
const MILLISECONDS = "2026-01-01T00:00:00.000+00:00".length;
