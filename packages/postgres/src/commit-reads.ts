import type {
  MemberRow,
  MessageRow,
  ReactionRow,
  ReadSet,
  ReceiptRow,
  RoomRow,
  RoomSectionRow,
  Rows,
  UserRow,
} from "@signalbox/core/model/rows";
import { isMatrixEventId } from "@signalbox/protocol/ids";
import {
  memberColumns,
  messageColumns,
  reactionColumns,
  receiptColumns,
  roomColumns,
  sectionColumns,
  userColumns,
} from "./columns.ts";
import type { Sql } from "./connection.ts";

// The rows that a commit reads. `execute` sends a query at once, `await` alone only a little later: queries arrive in
// the order of their calls. `offset 0` keeps each look-up a look-up: without it the planner may join them to a scan of
// a table that was small once.

/** A locked room, with the time of its last change. */
export interface LockedRoom extends RoomRow {
  readonly lastAt: Date;
}

/**
 * Adds the rooms, messages and memberships that the reactions lead to. A reaction never changes its room or message, so
 * this needs no lock.
 */
export async function followReactions(sql: Sql, readSet: ReadSet): Promise<ReadSet> {
  if (readSet.reactions.length === 0) return readSet;
  const found = await sql<{ roomId: string; messageId: string; userId: string }[]>`
    select x.room_id, x.message_id, n."userId" as user_id
    from json_to_recordset(${JSON.stringify(readSet.reactions)}::text::json) as n("reactionId" uuid, "userId" text)
    join reactions x on x.reaction_id = n."reactionId"`;
  return {
    ...readSet,
    rooms: [...readSet.rooms, ...found.map(({ roomId }) => roomId)],
    members: [...readSet.members, ...found],
    messages: [...readSet.messages, ...found],
  };
}

/** Locks the existing rooms in the order of their ids: two commits in opposite orders would wait for each other for ever. */
export async function lockRooms(sql: Sql, readSet: ReadSet): Promise<readonly LockedRoom[]> {
  // Users have no room, and those of reactions by id are among `rooms` by now.
  const { rooms: named, users: _users, reactions: _reactions, ...inRooms } = readSet;
  const roomIds = Object.values(inRooms).flatMap((keys) => keys.map(({ roomId }) => roomId));
  const rooms = [...new Set([...named, ...roomIds])];
  if (rooms.length === 0) return [];
  return sql<LockedRoom[]>`
    select ${roomColumns(sql)}, r.last_at from rooms r
    where r.room_id = any(${rooms}::uuid[]) order by r.room_id for update`.execute();
}

/** The database's time when the statement runs, not when its transaction began. */
export async function clock(sql: Sql): Promise<Date> {
  const [row] = await sql<[{ now: Date }]>`select clock_timestamp() as now`.execute();
  return row.now;
}

export async function membersOf(sql: Sql, keys: ReadSet["members"]): Promise<readonly MemberRow[]> {
  if (keys.length === 0) return [];
  return sql<MemberRow[]>`
    select m.* from (
      select distinct * from json_to_recordset(${JSON.stringify(keys)}::text::json) as n("roomId" uuid, "userId" text)
    ) n cross join lateral (
      select ${memberColumns(sql)} from members m where m.room_id = n."roomId" and m.user_id = n."userId" offset 0
    ) m`.execute();
}

/** False for a Matrix event id ("$…"), which no message has as its id. */
const isMessageId = ({ messageId }: { readonly messageId: string }): boolean => !isMatrixEventId(messageId);

/** Messages, and the messages that they answer. */
export async function messagesOf(sql: Sql, keys: ReadSet["messages"]): Promise<readonly MessageRow[]> {
  const ids = keys.filter(isMessageId);
  if (ids.length === 0) return [];
  return sql<MessageRow[]>`
    select m.* from (
      select distinct * from json_to_recordset(${JSON.stringify(ids)}::text::json) as n("roomId" uuid, "messageId" uuid)
    ) n cross join lateral (
      select ${messageColumns(sql)} from messages m where m.room_id = n."roomId" and m.message_id = n."messageId" offset 0
    ) m union all select o.* from (
      select distinct * from json_to_recordset(${JSON.stringify(ids)}::text::json) as n("roomId" uuid, "messageId" uuid)
    ) n cross join lateral (
      select reply_to from messages a where a.room_id = n."roomId" and a.message_id = n."messageId" offset 0
    ) a cross join lateral (
      select ${messageColumns(sql)} from messages m where m.room_id = n."roomId" and m.message_id = a.reply_to offset 0
    ) o`.execute();
}

/** Earlier sends with the same client ids, each with the message that it answers, and the marks of their events. */
export async function repeatsOf(sql: Sql, keys: ReadSet["repeats"]): Promise<Pick<Rows, "messages" | "marks">> {
  if (keys.length === 0) return { messages: [], marks: [] };
  const messages = await sql<MessageRow[]>`
    select m.* from (
      select distinct * from json_to_recordset(${JSON.stringify(keys)}::text::json)
        as n("roomId" uuid, "senderId" text, "clientMessageId" text)
    ) n cross join lateral (
      select ${messageColumns(sql)} from messages m
      where m.room_id = n."roomId" and m.sender_id = n."senderId" and m.client_message_id = n."clientMessageId" offset 0
    ) m`.execute();
  if (messages.length === 0) return { messages, marks: [] };
  const answered = messages.flatMap(({ roomId, replyTo }) =>
    replyTo === null ? [] : [{ roomId, messageId: replyTo }],
  );
  const [originals, marks] = await Promise.all([
    messagesOf(sql, answered),
    marksOf(sql, { messages, reactions: [], activeReactions: [] }),
  ]);
  return { messages: [...messages, ...originals], marks };
}

/** The marks of the events that made, edited and deleted these messages, and of those that made and removed these reactions. */
export async function marksOf(
  sql: Sql,
  { messages, reactions, activeReactions }: Pick<ReadSet, "messages" | "reactions" | "activeReactions">,
): Promise<Rows["marks"]> {
  const ids = messages.filter(isMessageId);
  if (ids.length === 0 && reactions.length === 0) return [];
  const active = activeReactions.filter(isMessageId);
  return sql<Rows["marks"][number][]>`
    select e.room_id, e.seq, e.mark from (
      select m.room_id, m.seq, m.edit_seq, m.delete_seq from (
        select distinct * from json_to_recordset(${JSON.stringify(ids)}::text::json) as n("roomId" uuid, "messageId" uuid)
      ) n cross join lateral (
        select room_id, seq, edit_seq, delete_seq from messages
        where room_id = n."roomId" and message_id = n."messageId" offset 0
      ) m union all
      select room_id, seq, removed_seq, null from reactions
      where reaction_id = any(${reactions.map(({ reactionId }) => reactionId)}::uuid[]) union all
      select x.room_id, x.seq, null, null from json_to_recordset(${JSON.stringify(active)}::text::json)
        as n("roomId" uuid, "messageId" uuid, "senderId" text, reaction text)
      cross join lateral (
        select room_id, seq from reactions
        where room_id = n."roomId" and message_id = n."messageId" and sender_id = n."senderId"
          and reaction = n.reaction and removed_seq is null offset 0
      ) x
    ) k(room_id, one, two, three) cross join lateral (
      select room_id, seq, mark from events where room_id = k.room_id and seq in (k.one, k.two, k.three) offset 0
    ) e`.execute();
}

/** Reactions by their ids, and active ones by their messages. */
export async function reactionsOf(
  sql: Sql,
  byId: ReadSet["reactions"],
  active: ReadSet["activeReactions"],
): Promise<readonly ReactionRow[]> {
  if (byId.length === 0 && active.length === 0) return [];
  return sql<ReactionRow[]>`
    select ${reactionColumns(sql)} from reactions x
    where x.reaction_id = any(${byId.map(({ reactionId }) => reactionId)}::uuid[])
    union
    select x.* from json_to_recordset(${JSON.stringify(active.filter(isMessageId))}::text::json)
      as n("roomId" uuid, "messageId" uuid, "senderId" text, reaction text)
    cross join lateral (
      select ${reactionColumns(sql)} from reactions x
      where x.room_id = n."roomId" and x.message_id = n."messageId" and x.sender_id = n."senderId"
        and x.reaction = n.reaction and x.removed_seq is null offset 0
    ) x`.execute();
}

/** The visible, hidden and private receipts of each user. */
export async function receiptsOf(sql: Sql, keys: ReadSet["receipts"]): Promise<readonly ReceiptRow[]> {
  if (keys.length === 0) return [];
  return sql<ReceiptRow[]>`
    select c.* from (
      select distinct * from json_to_recordset(${JSON.stringify(keys)}::text::json) as n("roomId" uuid, "userId" text)
    ) n cross join lateral (
      select ${receiptColumns(sql)} from receipts c where c.room_id = n."roomId" and c.user_id = n."userId" offset 0
    ) c`.execute();
}

export async function usersOf(sql: Sql, keys: ReadSet["users"]): Promise<readonly UserRow[]> {
  if (keys.length === 0) return [];
  return sql<UserRow[]>`select ${userColumns(sql)} from users u where u.user_id = any(${[...keys]}::text[])`.execute();
}

export async function sectionsOf(sql: Sql, keys: ReadSet["sections"]): Promise<readonly RoomSectionRow[]> {
  if (keys.length === 0) return [];
  return sql<RoomSectionRow[]>`
    select p.* from (
      select distinct * from json_to_recordset(${JSON.stringify(keys)}::text::json) as n("roomId" uuid, section text)
    ) n cross join lateral (
      select ${sectionColumns(sql)} from parts p where p.room_id = n."roomId" and p.part = n.section offset 0
    ) p`.execute();
}

/** A name of more users than this is searched among the room's members; a rarer one among the users with the name. */
const RARE = 50;

/**
 * Members that are the only ones of their room with the name. The search ends with a second one, so that a popular name
 * or a large room costs little.
 */
export async function namesOf(sql: Sql, keys: ReadSet["names"]): Promise<Rows["named"]> {
  if (keys.length === 0) return [];
  return sql<Rows["named"][number][]>`
    select n."roomId" as room_id, n.name, min(found.user_id) as user_id from (
      select distinct * from json_to_recordset(${JSON.stringify(keys)}::text::json) as n("roomId" uuid, name text)
    ) n cross join lateral (
      select exists (select from users where name = n.name offset ${RARE}) as popular offset 0
    ) p cross join lateral ((
      select u.user_id from users u cross join lateral (
        select from members m where m.room_id = n."roomId" and m.user_id = u.user_id and m.left_seq is null offset 0
      ) m where not p.popular and u.name = n.name
    ) union all (
      select m.user_id from members m cross join lateral (
        select from users u where u.user_id = m.user_id and u.name = n.name offset 0
      ) u where p.popular and m.room_id = n."roomId" and m.left_seq is null
    ) limit 2) found
    group by 1, 2 having count(*) = 1`.execute();
}
