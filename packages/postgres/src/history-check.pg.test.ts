/** The check of a history on a real server: a sound database, each kind of damage, and what a restore takes back. */
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { Connection, type Sql } from "./connection.ts";
import { type Embedded, startEmbedded } from "./embedded.ts";
import { checkHistory, lineOf, type RoomHead, SavedFileError } from "./history-check.ts";
import { migrate } from "./migrate.ts";

let server: Embedded;
let connection: Connection;
let sql: Sql;

/** More rooms than one batch, and in the large one more rows than a page. */
const ROOMS = 2_100;
const EVENTS = 5;
const LARGE = 12_000;
const SECRET = "a text that is nowhere printed";

const roomOf = (n: number): string => `${n.toString(16).padStart(8, "0")}-0000-4000-8000-000000000000`;
const largeRoom = roomOf(ROOMS);

beforeAll(async () => {
  server = await startEmbedded({ dir: await mkdtemp(join(tmpdir(), "signalbox-check-")), ephemeral: true });
  await migrate(server.url);
}, 120_000);
afterAll(() => server?.stop());

/** Rooms of a join, three messages and a reaction; the last one has a message per event, as many members, and pruned events. */
beforeEach(async () => {
  connection = new Connection(server.url, {});
  sql = connection.sql;
  await sql`truncate rooms, events, messages, members, receipts, reactions`;
  await sql`create temporary table sizes as
    select lpad(to_hex(n), 8, '0')::text || '-0000-4000-8000-000000000000' as room,
      case when n = ${ROOMS}::int then ${LARGE}::int else ${EVENTS}::int end as last from generate_series(1, ${ROOMS}::int) n`;
  await sql`
    insert into rooms (room_id, name, metadata, created_by, created_at, last_seq, last_mark, last_at, member_count, message_count)
    select room::uuid, 'Room', '{}', 'ada', now(), last, last * 7, now(), 1, case last when ${EVENTS} then 3 else last end from sizes`;
  await sql`
    insert into messages (room_id, seq, place, message_id, sender_id, content, sent_at)
    select room::uuid, n, n - (last = ${EVENTS})::int, md5(room || n)::uuid, 'ada', ${SECRET}, now()
    from sizes, generate_series(1, last) n where last <> ${EVENTS} or n between 2 and 4`;
  await sql`
    insert into reactions (room_id, reaction_id, message_id, sender_id, reaction, seq, sent_at)
    select room::uuid, md5(room || 5)::uuid, md5(room || 4)::uuid, 'ada', '+', 5, now() from sizes where last = ${EVENTS}`;
  await sql`
    insert into events (room_id, seq, type, user_id, created_at, mark, prev, subject_id)
    select room::uuid, n, case when last <> ${EVENTS} or n between 2 and 4 then 0 when n = 1 then 6 else 4 end, 'ada', now(),
      n * 7, (n - 1) * 7, case when last <> ${EVENTS} or n > 1 then md5(room || n)::uuid end
    from sizes, generate_series(1, last) n where last = ${EVENTS} or n > 500`;
  await sql`
    insert into members (room_id, user_id, role, joined_at, joined_seq, first_seq)
    select room::uuid, 'user-' || n, 'member', now(), 1, 1
    from sizes, generate_series(1, case last when ${EVENTS} then 1 else last end) n`;
  await sql`
    insert into receipts (room_id, user_id, message_id, message_seq, message_place, read_at, stamp_seq, changed_at, hidden)
    select room_id, user_id, md5('')::uuid, 4, 3, now(), 4, now(), hidden from members, (values (true), (false)) h(hidden)`;
});
afterEach(() => connection.end());

const check = (saved?: readonly string[], lost: string[] = []) =>
  checkHistory(server.url, {
    saved:
      saved &&
      (async function* () {
        yield* saved;
      })(),
    onLost: ({ roomId }) => void lost.push(roomId),
  });

/** The saved lines of all rooms. */
async function save(): Promise<string[]> {
  const heads: RoomHead[] = [];
  await checkHistory(server.url, { onBatch: (batch) => void heads.push(...batch) });
  return heads.map((head) => lineOf(head).trimEnd());
}

test("a sound database of several batches and pages has no damage", async () => {
  const batches: number[] = [];
  const found = await checkHistory(server.url, { onBatch: (batch) => void batches.push(batch.length) });
  expect(batches).toEqual([1000, 1000, 100]);
  expect(found).toMatchObject({
    rooms: ROOMS,
    events: (ROOMS - 1) * EVENTS + LARGE - 500,
    withoutEvents: 0,
    damage: [],
    saved: null,
  });
  expect(found.server).toMatchObject({ timeline: 1, inRecovery: false, readOnly: false });
  expect(found.server.system).toMatch(/^\d+$/);
  expect(JSON.stringify(found)).not.toContain(SECRET);
});

test("a database without rooms, and rooms that keep no event", async () => {
  await sql`delete from events where room_id = ${roomOf(7)}`;
  expect(await check()).toMatchObject({ withoutEvents: 1, damage: [] });
  await sql`truncate rooms, events, messages, members, receipts, reactions`;
  expect(await check([])).toMatchObject({ rooms: 0, events: 0, damage: [], saved: { missing: 0 } });
});

const SECOND = roomOf(1_500);
const damages: readonly [kind: string, room: string, damage: (sql: Sql, room: string) => Promise<unknown>][] = [
  ["lastEvent", SECOND, (sql, room) => sql`delete from events where room_id = ${room} and seq = 5`],
  ["lastEvent", SECOND, (sql, room) => sql`update rooms set last_mark = 1 where room_id = ${room}`],
  ["lastEvent", largeRoom, (sql, room) => sql`update events set mark = 1 where room_id = ${room} and seq = ${LARGE}`],
  ["gap", SECOND, (sql, room) => sql`delete from events where room_id = ${room} and seq = 3`],
  // The first event of the second page.
  ["gap", largeRoom, (sql, room) => sql`delete from events where room_id = ${room} and seq = 1000`],
  ["link", SECOND, (sql, room) => sql`update events set prev = 1 where room_id = ${room} and seq = 3`],
  ["link", largeRoom, (sql, room) => sql`update events set mark = 1 where room_id = ${room} and seq = 6000`],
  ["noMessage", SECOND, (sql, room) => sql`delete from messages where room_id = ${room} and seq = 3`],
  ["noMessage", SECOND, (sql, room) => sql`update events set subject_id = null where room_id = ${room} and seq = 3`],
  ["noReaction", SECOND, (sql, room) => sql`delete from reactions where room_id = ${room}`],
  ["messages", SECOND, (sql, room) => sql`update messages set seq = 6 where room_id = ${room} and seq = 4`],
  ["members", SECOND, (sql, room) => sql`update members set joined_seq = 6 where room_id = ${room}`],
  ["members", SECOND, (sql, room) => sql`update members set left_seq = 6 where room_id = ${room}`],
  [
    "members",
    largeRoom,
    (sql, room) => sql`update members set left_seq = 20000 where room_id = ${room} and user_id = 'user-9999'`,
  ],
  ["receipts", SECOND, (sql, room) => sql`update receipts set stamp_seq = 6 where room_id = ${room} and hidden`],
  ["receipts", SECOND, (sql, room) => sql`update receipts set message_seq = 6 where room_id = ${room} and not hidden`],
  ["messageCount", SECOND, (sql, room) => sql`update rooms set message_count = 2 where room_id = ${room}`],
  ["messageCount", SECOND, (sql, room) => sql`update rooms set message_count = 4 where room_id = ${room}`],
  ["noRoom", SECOND, (sql, room) => sql`delete from rooms where room_id = ${room}`],
];

test.each(damages)("damage: %s in %s", async (kind, room, damage) => {
  await damage(sql, room);
  const found = await check();
  expect(found.damage).toEqual([{ kind, sentence: expect.any(String), rooms: 1, examples: [room] }]);
});

test("a damage of many rooms is counted once a room, with ten examples in order", async () => {
  await sql`update events set prev = 1 where seq in (2, 4) and room_id < ${largeRoom}`;
  const [link, ...others] = (await check()).damage;
  expect(others).toEqual([]);
  expect(link).toMatchObject({ kind: "link", rooms: ROOMS - 1 });
  expect(link?.examples).toEqual(Array.from({ length: 10 }, (_, index) => roomOf(index + 1)));
});

/** Takes the last event of a room back, as a restore does. */
async function takeBack(room: string): Promise<void> {
  await sql`delete from events where room_id = ${room} and seq = 5`;
  await sql`delete from reactions where room_id = ${room}`;
  await sql`update rooms set last_seq = 4, last_mark = 28 where room_id = ${room}`;
}

/** Adds an event of this mark to a room whose last one is `seq - 1`. */
async function addEvent(room: string, seq: number, mark: number): Promise<void> {
  await sql`
    insert into events (room_id, seq, type, user_id, created_at, mark, prev)
    select room_id, ${seq}, 6, 'eve', now(), ${mark}, last_mark from rooms where room_id = ${room}`;
  await sql`update rooms set last_seq = ${seq}, last_mark = ${mark} where room_id = ${room}`;
}

test("a comparison tells the rooms that lost events, the missing, the grown and the added", async () => {
  const saved = await save();
  expect(saved[0]).toBe(`${roomOf(1)} 5 35`);
  const all = { same: ROOMS, grown: 0, lost: 0, untold: 0, missing: 0, missingExamples: [], added: 0 };
  expect((await check(saved)).saved).toEqual(all);

  const [lower, other, further] = [roomOf(10), roomOf(20), roomOf(1_030)];
  for (const room of [lower, other, further]) await takeBack(room);
  // The same seq with another mark, and a higher one.
  await addEvent(other, 5, 99);
  await addEvent(further, 5, 98);
  await addEvent(further, 6, 97);
  await addEvent(roomOf(40), 6, 96);
  // Only the event after the saved one tells its mark, and nothing does.
  await addEvent(roomOf(50), 6, 95);
  await sql`delete from events where room_id = ${roomOf(50)} and seq <= 5`;
  await addEvent(roomOf(60), 6, 94);
  await addEvent(roomOf(60), 7, 93);
  await sql`delete from events where room_id = ${roomOf(60)} and seq <= 6`;
  const gone = [roomOf(1), roomOf(1_000), largeRoom];
  for (const table of ["rooms", "events", "messages", "members", "receipts", "reactions"])
    await sql`delete from ${sql(table)} where room_id = any(${gone}::uuid[])`;
  saved.splice(
    saved.findIndex((line) => line.startsWith(roomOf(70))),
    1,
  );

  const lost: string[] = [];
  const found = await check(saved, lost);
  expect(found.damage).toEqual([]);
  expect(new Set(lost)).toEqual(new Set([lower, other, further]));
  expect(found.saved).toEqual({
    same: ROOMS - 3 - 2 - 1 - 3 - 1,
    grown: 2,
    lost: 3,
    untold: 1,
    missing: 3,
    missingExamples: gone,
    added: 1,
  });
});

test("a file that is none is refused, and so is one in another order", async () => {
  for (const lines of [["nothing"], [`${roomOf(2)} 1 1`, `${roomOf(1)} 1 1`], [`${roomOf(1)} 5`]])
    await expect(check(lines)).rejects.toThrow(SavedFileError);
});

test("no server, and no tables, are problems", async () => {
  await expect(checkHistory("postgres://a:b@127.0.0.1:1/c")).rejects.toMatchObject({ code: "unavailable" });
  await expect(checkHistory(server.url.replace(/postgres$/, "template1"))).rejects.toMatchObject({ code: "internal" });
});

test("it reads by index, page by page, and takes no lock that writes wait for", async () => {
  const most = async () => {
    const [row] = await sql<[{ scans: number }]>`
      select coalesce(sum(seq_scan), 0)::int as scans from pg_stat_user_tables
      where relname in ('events', 'messages', 'members', 'receipts', 'reactions')`;
    return row.scans;
  };
  await sql`select pg_stat_force_next_flush()`;
  const before = await most();
  await sql`begin`;
  // A writer in the middle of its transaction, as nodes lock rooms.
  await sql`select from rooms where room_id = ${SECOND} for update`;
  await sql`update rooms set last_mark = 1 where room_id = ${SECOND}`;
  expect(await check()).toMatchObject({ damage: [] });
  await sql`rollback`;
  expect(await most()).toBe(before);
});
