import type { UserRow } from "@signalbox/core/model/rows";
import type { Choice } from "@signalbox/protocol/presence";
import { userColumns } from "./columns.ts";
import type { Sql } from "./connection.ts";
import { choiceRow, putOutbox, revokedRow } from "./outbox.ts";
import { showReceipts } from "./writes.ts";

/** The existing ones of these users. */
export async function users(sql: Sql, userIds: readonly string[]): Promise<ReadonlyMap<string, UserRow>> {
  return byId(
    await sql<UserRow[]>`select ${userColumns(sql)} from users u where u.user_id = any(${[...userIds]}::text[])`,
  );
}

/** Creates the user, or changes what is not null. Most calls find no change, and write nothing. */
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
      matrix_user_id = coalesce(excluded.matrix_user_id, u.matrix_user_id)
    returning ${userColumns(sql)}`;
  return row;
}

/**
 * As `Store.revoke`. The moment is cut to milliseconds, so that the returned `Date` is the stored one; a note in the outbox needs
 * it, and so a round trip of its own.
 */
export async function revoke(sql: Sql, userId: string, outboxId: string): Promise<Date> {
  await sql`begin`;
  const [row] = await sql<[{ revokedAt: Date }]>`
    insert into users as u (user_id, revoked_at) values (${userId}, date_trunc('milliseconds', clock_timestamp()))
    on conflict (user_id) do update set revoked_at = greatest(u.revoked_at, excluded.revoked_at)
    returning revoked_at`;
  await Promise.all([putOutbox(sql, revokedRow(outboxId, userId, row.revokedAt)), sql`commit`.execute()]);
  return row.revokedAt;
}

/**
 * As `Store.visibleUsers`; deleted rooms do not count. The user's rooms are listed once. The rooms of each other user
 * are looked up in that list until one is found.
 */
export async function visibleUsers(
  sql: Sql,
  userId: string,
  service: boolean,
  userIds: readonly string[],
): Promise<ReadonlyMap<string, UserRow>> {
  if (service) return users(sql, userIds);
  // `is true` keeps the list a hash table, `offset 0` the rest a look-up for each user: joins would read whole tables.
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
 * Records the choice and, unless the user still appears offline, shows their hidden receipts. It locks the row of the
 * user first: it waits for a commit that hides a receipt meanwhile, or that commit sees this choice
 * (`putHiddenReceipts`).
 */
export async function choosePresence(sql: Sql, userId: string, choice: Choice): Promise<UserRow> {
  const [, [row]] = await Promise.all([
    sql`begin`.execute(),
    sql<[UserRow]>`
      insert into users as u (user_id, choice, choice_version) values (${userId}, ${choice}, 1)
      on conflict (user_id) do update set choice = excluded.choice, choice_version = u.choice_version + 1
      returning ${userColumns(sql)}`.execute(),
    choice === "appear_offline" ? putOutbox(sql, choiceRow(userId)) : showReceipts(sql, userId),
    sql`commit`.execute(),
  ]);
  return row;
}

/**
 * As `Store.saveLastActive`. It creates no users, and locks them in the order of their ids, so that two nodes never
 * wait for each other for ever.
 */
export async function saveLastActive(sql: Sql, active: ReadonlyMap<string, Date>): Promise<void> {
  const rows = [...active].map(([userId, at]) => ({ userId, at }));
  await sql`
    with n as materialized (
      select u.user_id, n.at from json_to_recordset(${JSON.stringify(rows)}::text::json) as n("userId" text, at timestamptz)
      join users u on u.user_id = n."userId" order by u.user_id for no key update of u
    )
    update users u set active_at = n.at from n where u.user_id = n.user_id and (u.active_at is null or u.active_at < n.at)`;
}

const byId = (rows: readonly UserRow[]): ReadonlyMap<string, UserRow> => new Map(rows.map((row) => [row.userId, row]));
