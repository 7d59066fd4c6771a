import type { Counts, PartRow, RoomRow, RoomState, StateMember } from "@signalbox/core/ports";
import { roomColumns } from "./columns.ts";
import type { Sql } from "./connection.ts";
import { isVisible } from "./reads.ts";
import { countColumns, lastRead } from "./unread.ts";

type Stated = RoomRow &
  Omit<Counts, "roomId" | "userId"> &
  Pick<RoomState, "lastReadId" | "markerId" | "snoozed"> & {
    readonly members: readonly JsonMember[];
    readonly parts: readonly PartRow[];
  };

/** A member as JSON has it: times are text. */
interface JsonMember extends Pick<StateMember, "userId" | "name" | "role"> {
  readonly joinedAt: string;
  readonly activeAt: string | null;
  readonly messageId: string | null;
  readonly readAt: string | null;
}

/** A room as `userId` sees it: one statement, one row, and so one snapshot. Null as `seqOf`. */
export async function roomState(sql: Sql, room: string, userId: string, service: boolean): Promise<RoomState | null> {
  const asker = sql`${userId}::text`;
  const [row] = await sql<Stated[]>`
    select ${roomColumns(sql)}, ${countColumns(sql, asker)}, l.message_id as last_read_id,
      (select message_id from markers where room_id = r.room_id and user_id = ${asker}) as marker_id,
      (select coalesce(json_agg(message_id), '[]') from snoozes
        where room_id = r.room_id and user_id = ${asker} and until > now()) as snoozed,
      (select coalesce(json_agg(json_build_object('roomId', room_id, 'part', part, 'body', body) order by part), '[]')
        from parts where room_id = r.room_id) as parts,
      ${members(sql, userId)} as members
    from rooms r ${lastRead(sql, asker)}
    where r.room_id = ${room} and ${isVisible(sql, userId, service)}`;
  if (!row) return null;
  const { unread, mentions, mutedUntil, lastReadId, markerId, snoozed, parts, members: json, ...rest } = row;
  const own = { roomId: room, userId, unread, mentions, mutedUntil, lastReadId, markerId, snoozed };
  return { ...own, room: rest, parts, members: json.map(toMember) };
}

/** The members as JSON, by the time of joining. Others' hidden receipts are none of the user's business. `offset 0`: see facts.ts. */
const members = (sql: Sql, userId: string) =>
  sql`(
    select coalesce(json_agg(json_build_object('userId', m.user_id, 'role', m.role, 'joinedAt', m.joined_at, 'name', u.name,
      'activeAt', u.active_at, 'messageId', c.message_id, 'readAt', c.read_at) order by m.joined_at, m.user_id), '[]')
    from members m
    left join lateral (select name, active_at from users where user_id = m.user_id offset 0) u on true
    left join lateral (
      select message_id, read_at from receipts
      where room_id = m.room_id and user_id = m.user_id and (not hidden or user_id = ${userId})
      order by message_seq desc limit 1
    ) c on true
    where m.room_id = r.room_id and m.left_seq is null)`;

const toMember = ({ joinedAt, activeAt, messageId, readAt, ...member }: JsonMember): StateMember => ({
  ...member,
  joinedAt: new Date(joinedAt),
  activeAt: activeAt === null ? null : new Date(activeAt),
  read: messageId === null || readAt === null ? null : { messageId, readAt: new Date(readAt) },
});
