import type { MatrixWrite } from "@signalbox/core/model/rows";
import type { Store } from "@signalbox/core/ports/store";
import type { Sql } from "./connection.ts";

type Bridging = Parameters<Store["bridge"]>;
type Bridged = Awaited<ReturnType<Store["bridge"]>>;
type Pair = { readonly key: string; readonly value: string };

const toMap = (rows: readonly Pair[]): ReadonlyMap<string, string> =>
  new Map(rows.map(({ key, value }) => [key, value]));

/**
 * As `Store.bridge`. Most calls find all ids known, with the right names, and write nothing. Each statement is a
 * transaction of its own, with its rows in order, and skips rows that another node creates at the same time: the last
 * read finds those.
 */
export async function bridge(sql: Sql, rooms: Bridging[0], users: Bridging[1]): Promise<Bridged> {
  const known = await readKnown(sql, rooms, users);
  const newRooms = rooms.filter(({ matrixRoomId }) => !known.rooms.has(matrixRoomId));
  const newUsers = users.filter(({ matrixUserId }) => !known.users.has(matrixUserId));
  const renamed = users.filter(
    ({ matrixUserId, userId, name }) =>
      name !== null && known.users.get(matrixUserId) === userId && known.names.get(userId) !== name,
  );
  if (newRooms.length > 0) await insertRooms(sql, newRooms);
  if (newUsers.length > 0) await insertUsers(sql, newUsers);
  if (newUsers.length > 0 || renamed.length > 0) await updateUsers(sql, [...newUsers, ...renamed]);
  return newRooms.length > 0 || newUsers.length > 0 ? readKnown(sql, rooms, users) : known;
}

async function readKnown(sql: Sql, rooms: Bridging[0], users: Bridging[1]) {
  const [foundRooms, foundUsers] = await Promise.all([
    sql<Pair[]>`
      select matrix_room_id as key, room_id as value from rooms
      where matrix_room_id = any(${rooms.map(({ matrixRoomId }) => matrixRoomId)}::text[])`.execute(),
    sql<(Pair & { name: string | null })[]>`
      select matrix_user_id as key, user_id as value, name from users
      where matrix_user_id = any(${users.map(({ matrixUserId }) => matrixUserId)}::text[])`.execute(),
  ]);
  const names = new Map(foundUsers.map(({ value, name }) => [value, name]));
  return { rooms: toMap(foundRooms), users: toMap(foundUsers), names };
}

export async function isMatrixUser(sql: Sql, matrixUserId: string): Promise<boolean> {
  const rows = await sql`select from users where matrix_user_id = ${matrixUserId}`.execute();
  return rows.length > 0;
}

/** Inserts empty rooms, without a name: the events of Matrix fill them. */
const insertRooms = (sql: Sql, rooms: Bridging[0]) =>
  sql`
  insert into rooms (room_id, name, metadata, created_by, created_at, last_seq, last_at, member_count, matrix_room_id)
  select "roomId", '', '{}', '', clock_timestamp(), 0, clock_timestamp(), 0, "matrixRoomId"
  from json_to_recordset(${JSON.stringify(rooms)}::text::json) as n("roomId" uuid, "matrixRoomId" text)
  order by "roomId" on conflict do nothing`.execute();

const insertUsers = (sql: Sql, users: Bridging[1]) =>
  sql`
  insert into users (user_id, name, matrix_user_id)
  select * from json_to_recordset(${JSON.stringify(users)}::text::json) as n("userId" text, name text, "matrixUserId" text)
  order by "userId" collate "C" on conflict do nothing`.execute();

/**
 * Updates users under the given id, some of them older than their first event. A user that is mapped to another Matrix
 * user stays so.
 */
const updateUsers = (sql: Sql, users: Bridging[1]) =>
  sql`
  with n as materialized (
    select u.user_id, n.name, n."matrixUserId" from (
      select distinct on ("userId") *
      from json_to_recordset(${JSON.stringify(users)}::text::json) as n("userId" text, name text, "matrixUserId" text)
    ) n join users u on u.user_id = n."userId"
    where (u.matrix_user_id is null and not exists (select from users o where o.matrix_user_id = n."matrixUserId"))
      or (u.matrix_user_id = n."matrixUserId" and u.name is distinct from coalesce(n.name, u.name))
    order by u.user_id for no key update of u
  )
  update users u set name = coalesce(n.name, u.name), matrix_user_id = n."matrixUserId"
  from n where u.user_id = n.user_id`.execute();

/** The message ids of the events that became messages. */
export async function messageIds(
  sql: Sql,
  room: string | null,
  eventIds: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  return toMap(
    await sql<Pair[]>`
      select event_id as key, message_id as value from messages
      where event_id = any(${[...eventIds]}::text[]) and (${room}::uuid is null or room_id = ${room}::uuid)`,
  );
}

/** Records that a send is under way; a repeat renews the record. */
export async function recordPendingWrite(sql: Sql, { roomId, senderId, clientMessageId }: MatrixWrite): Promise<void> {
  await sql`
    insert into matrix_writes (room_id, sender_id, client_message_id, at)
    values (${roomId}, ${senderId}, ${clientMessageId}, now())
    on conflict (room_id, sender_id, client_message_id) do update set at = excluded.at`;
}

/** Bridged rooms that are not deleted, by id, above `after`. */
export const bridgedRooms = (sql: Sql, after: string | null, limit: number) =>
  sql<{ roomId: string; matrixRoomId: string }[]>`
    select room_id, matrix_room_id from rooms
    where matrix_room_id is not null and deleted_at is null and room_id > ${after ?? NIL} order by room_id limit ${limit}`.execute();

/** Below every other UUID. */
const NIL = "00000000-0000-0000-0000-000000000000";

/** The token from which a rebuild of the room goes on; null when none is under way. */
export async function rebuildCursor(sql: Sql, room: string): Promise<string | null> {
  const [row] = await sql<{ token: string }[]>`select token from matrix_rebuilds where room_id = ${room}`;
  return row?.token ?? null;
}

/** Saves that token; null ends the rebuild. */
export async function saveRebuildCursor(sql: Sql, room: string, token: string | null): Promise<void> {
  if (token === null) await sql`delete from matrix_rebuilds where room_id = ${room}`;
  else
    await sql`
      insert into matrix_rebuilds (room_id, token) values (${room}, ${token})
      on conflict (room_id) do update set token = excluded.token`;
}
