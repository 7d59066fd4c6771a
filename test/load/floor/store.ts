/** The floor of durable sends: their rows alone, without any rule. */
import { randomUUID } from "node:crypto";
import postgres from "postgres";

/** The messages of a transaction: about as many as a gateway's have in the run that this is compared with. */
export const GROUP = 128;
/** As in that run. */
const ROOMS = 10;
const TEXT = "x".repeat(200);
const USER = randomUUID();

type Sql = postgres.Sql;

/**
 * Messages a second when one loop inserts them in groups, each group a transaction in one round trip, into tables of their own in
 * the Postgres at `url`: the columns of a plain text, and no index but the primary keys. Takes `ms`, and drops the tables.
 */
export async function bareSends(url: string, ms: number): Promise<number> {
  const sql = postgres(url, { max: 1, onnotice: () => {}, connection: { search_path: "floor" } });
  try {
    const rooms = await createTables(sql);
    let sent = 0;
    const began = performance.now();
    while (performance.now() - began < ms) {
      await insertGroup(sql, rooms, sent);
      sent += GROUP;
    }
    return sent / ((performance.now() - began) / 1000);
  } finally {
    await sql`drop schema if exists floor cascade`;
    await sql.end();
  }
}

/** Returns the ids of the rooms. The tables are defined here, so that the floor stays the same when a migration adds to them. */
async function createTables(sql: Sql): Promise<readonly string[]> {
  await sql`drop schema if exists floor cascade`;
  await sql`create schema floor`;
  await sql`
    create table rooms (room_id uuid primary key, last_seq bigint not null, last_at timestamptz not null,
      message_count bigint not null, last_id uuid) with (fillfactor = 50)`;
  await sql`
    create table messages (room_id uuid not null, seq bigint not null, place bigint not null, message_id uuid not null,
      sender_id text collate "C" not null, content text not null, sent_at timestamptz not null,
      type text collate "C" not null, primary key (room_id, seq))`;
  await sql`
    create table events (room_id uuid not null, seq bigint not null, type smallint not null,
      user_id text collate "C" not null, body text not null, created_at timestamptz not null,
      xid xid8 not null default pg_current_xact_id(), primary key (room_id, seq))`;
  const rooms = Array.from({ length: ROOMS }, () => randomUUID());
  await sql`insert into rooms select unnest(${rooms}::uuid[]), 0, now(), 0`;
  return rooms;
}

/** Inserts the messages from the `sent`-th on. */
async function insertGroup(sql: Sql, rooms: readonly string[], sent: number): Promise<void> {
  const sentAt = new Date().toISOString();
  const messages = Array.from({ length: GROUP }, (_, index) => {
    const seq = Math.floor((sent + index) / ROOMS) + 1;
    return {
      roomId: rooms[(sent + index) % ROOMS]!,
      seq,
      messageId: randomUUID(),
      senderId: USER,
      sentAt,
      content: TEXT,
    };
  });
  const events = messages.map(({ roomId, seq, messageId, senderId, content }) => {
    const rest = { type: "SEND_MSG", chatId: roomId, senderId, messageId, message: content, timeStamp: sentAt };
    return { roomId, seq, type: 0, userId: senderId, body: JSON.stringify({ seq, ...rest }) };
  });
  const changed = [...new Map(messages.map((message) => [message.roomId, message])).values()];
  // `execute` sends all of them at once: one round trip.
  await Promise.all([
    sql`begin`.execute(),
    sql`
    insert into messages
    select "roomId", seq, seq, "messageId", "senderId", content, "sentAt", 'm.text'
    from json_to_recordset(${JSON.stringify(messages)}::text::json) as n("roomId" uuid, seq bigint, "messageId" uuid,
      "senderId" text, content text, "sentAt" timestamptz)`.execute(),
    sql`
    insert into events (room_id, seq, type, user_id, body, created_at)
    select n.*, ${sentAt}::timestamptz from json_to_recordset(${JSON.stringify(events)}::text::json)
      as n("roomId" uuid, seq bigint, type smallint, "userId" text, body text)`.execute(),
    sql`
    update rooms r set last_seq = n.seq, last_at = ${sentAt}::timestamptz, message_count = n.seq, last_id = n."messageId"
    from json_to_recordset(${JSON.stringify(changed)}::text::json) as n("roomId" uuid, seq bigint, "messageId" uuid)
    where r.room_id = n."roomId"`.execute(),
    sql`commit`.execute(),
  ]);
}
