import type { UserRow } from "@signalbox/core/model/rows";
import type { Choice } from "@signalbox/protocol/presence";
import { userColumns } from "./columns.ts";
import type { Sql } from "./connection.ts";
import { showReceipts } from "./writes.ts";

// Every statement here but `noteActive` leaves its transaction in xid: `changes` reports the user.

/** Those of the users that exist. */
export async function users(sql: Sql, userIds: readonly string[]): Promise<ReadonlyMap<string, UserRow>> {
  return byId(
    await sql<UserRow[]>`select ${userColumns(sql)} from users u where u.user_id = any(${[...userIds]}::text[])`,
  );
}

/** Creates the user or changes what is given; null leaves it as it is. Most calls find nothing to change, and write nothing. */
export async function putUser(
  sql: Sql,
  userId: string,
  name: string | null,
  matrixUserId: string | null = null,
): Promise<UserRow> {
  const known = (await users(sql, [userId])).get(userId);
  const same = (given: string | null, kept: string | null) => given === null || given === kept;
  if (known && same(name, known.name) && same(matrixUserId, known.matrixUserId)) return known;
  const [row] = await sql<[UserRow]>`
    insert into users as u (user_id, name, matrix_user_id) values (${userId}, ${name}, ${matrixUserId})
    on conflict (user_id) do update set name = coalesce(excluded.name, u.name),
      matrix_user_id = coalesce(excluded.matrix_user_id, u.matrix_user_id), xid = excluded.xid
    returning ${userColumns(sql)}`;
  return row;
}

/** To the millisecond, as a `Date` is: what is returned is what is kept. */
export async function revoke(sql: Sql, userId: string): Promise<Date> {
  const [row] = await sql<[{ revokedAt: Date }]>`
    insert into users as u (user_id, revoked_at) values (${userId}, date_trunc('milliseconds', clock_timestamp()))
    on conflict (user_id) do update set revoked_at = greatest(u.revoked_at, excluded.revoked_at), xid = excluded.xid
    returning revoked_at`;
  return row.revokedAt;
}

/**
 * Those of `userIds` who exist and share a room that stands with the user, or are the user; for a service, all who exist. The
 * user's rooms are listed once, and each of the others' is looked up in that list until one is found there.
 */
export async function visibleUsers(
  sql: Sql,
  userId: string,
  service: boolean,
  userIds: readonly string[],
): Promise<ReadonlyMap<string, UserRow>> {
  if (service) return users(sql, userIds);
  // `is true` keeps the list a hash table, `offset 0` the rest a look-up for each user: as joins they would go through whole tables.
  return byId(
    await sql<UserRow[]>`
      with mine as materialized (
        select m.room_id from members m join rooms r on r.room_id = m.room_id
        where m.user_id = ${userId} and m.left_seq is null and r.deleted_at is null
      )
      select ${userColumns(sql)} from users u
      where u.user_id = any(${[...userIds]}::text[]) and (u.user_id = ${userId} or exists (
        select from members m
        where m.user_id = u.user_id and m.left_seq is null and (m.room_id in (select room_id from mine)) is true offset 0))`,
  );
}

/**
 * Notes the choice, and shows hidden receipts unless the user goes on appearing offline. The row of the user is locked first:
 * a commit that hides a receipt meanwhile is waited for, or sees this choice (`putHiddenReceipts`).
 */
export async function choosePresence(sql: Sql, userId: string, choice: Choice): Promise<UserRow> {
  const [, [row]] = await Promise.all([
    sql`begin`.execute(),
    sql<[UserRow]>`
      insert into users as u (user_id, choice, choice_version) values (${userId}, ${choice}, 1)
      on conflict (user_id) do update set choice = excluded.choice, choice_version = u.choice_version + 1, xid = excluded.xid
      returning ${userColumns(sql)}`.execute(),
    choice === "appear_offline" ? undefined : showReceipts(sql, userId),
    sql`commit`.execute(),
  ]);
  return row;
}

/** Locked in the order of their ids: nodes that note the same users do not wait for each other for ever. Nobody is made by it. */
export async function saveLastActive(sql: Sql, active: ReadonlyMap<string, Date>): Promise<void> {
  const noted = [...active].map(([userId, at]) => ({ userId, at }));
  await sql`
    with n as materialized (
      select u.user_id, n.at from json_to_recordset(${JSON.stringify(noted)}::text::json) as n("userId" text, at timestamptz)
      join users u on u.user_id = n."userId" order by u.user_id for no key update of u
    )
    update users u set active_at = n.at from n where u.user_id = n.user_id and (u.active_at is null or u.active_at < n.at)`;
}

const byId = (rows: readonly UserRow[]): ReadonlyMap<string, UserRow> => new Map(rows.map((row) => [row.userId, row]));
