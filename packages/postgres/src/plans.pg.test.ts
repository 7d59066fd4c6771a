/** The plans of all statements on a large database: each reads only what it needs, by index. */
import { randomUUID } from "node:crypto";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { NO_ROWS, type ReadSet, type Rows } from "@signalbox/core/model/rows";
import type { ProjectionFilter } from "@signalbox/core/ports/store";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import * as audit from "./audit.ts";
import { commit } from "./commit.ts";
import { Connection, type Sql } from "./connection.ts";
import { type Embedded, startEmbedded } from "./embedded.ts";
import { events } from "./events.ts";
import { history } from "./history.ts";
import * as matrix from "./matrix.ts";
import { migrate } from "./migrate.ts";
import { mute, snooze } from "./mutes-snoozes.ts";
import { confirm, outbox } from "./outbox.ts";
import { projection, projections } from "./projections.ts";
import * as reads from "./reads.ts";
import { roomState } from "./room-state.ts";
import { statistics } from "./statistics.ts";
import { counts } from "./unread.ts";
import * as users from "./users.ts";

let server: Embedded;
let connection: Connection;
let sql: Sql;

/**
 * A room of 100,000 messages, half of them read. Of the unread ones 10 are the reader's own, 20 are deleted, and 5
 * mention the reader. 20 each are images, have a file, or are in a thread; 5 have the word "needle".
 */
const LARGE = randomUUID();
const READER = "reader";
/** A member of 1,000 rooms of 5. */
const COMPANION = "companion";
const ID = randomUUID();

beforeAll(async () => {
  server = await startEmbedded({ dir: await mkdtemp(join(tmpdir(), "signalbox-plans-")), ephemeral: true });
  await migrate(server.url);
  const filling = new Connection(server.url, {});
  await fillLargeRoom(filling.sql);
  await fillManyRooms(filling.sql);
  // A vacuum, as the server runs by itself in time, but no statistics of columns: plans must not need them.
  await filling.sql`vacuum`;
  await filling.end();
}, 120_000);
afterAll(() => server?.stop());
beforeEach(() => {
  connection = new Connection(server.url);
  sql = connection.sql;
});
afterEach(() => connection.end());

async function fillLargeRoom(sql: Sql): Promise<void> {
  await sql`
    insert into rooms (room_id, name, metadata, created_by, created_at, last_seq, last_at, member_count, message_count)
    values (${LARGE}, 'Large', '{}', 'ada', now(), 100000, now(), 200, 100000)`;
  await sql`
    insert into messages (room_id, seq, place, message_id, sender_id, content, sent_at, delete_seq, type, file, thread_root)
    select ${LARGE}, n, n, gen_random_uuid(), case when n % 5000 = 0 then ${READER} else 'user-' || n % 199 end,
      case when n % 20000 = 0 then 'needle' else 'text' end, now(), case when n % 2500 = 1 then n end,
      case when n % 5000 = 7 then 'm.image' else 'm.text' end, case when n % 5000 = 8 then '{}'::json end,
      case when n % 5000 = 9 then '$0' end
    from generate_series(1, 100000) n`;
  await sql`insert into mentions select ${LARGE}, n, ${READER} from generate_series(55000, 95000, 10000) n`;
  await sql`
    insert into members (room_id, user_id, role, joined_at, joined_seq, first_seq)
    select ${LARGE}, case n when 0 then ${READER} else 'user-' || n end, 'member', now(), n, n from generate_series(0, 199) n`;
  await sql`insert into users (user_id, name) select user_id, 'Name ' || user_id from members`;
  await sql`
    insert into receipts (room_id, user_id, message_id, message_seq, message_place, read_at, stamp_seq, changed_at)
    select m.room_id, u.user_id, m.message_id, m.seq, m.seq, now(), 1, now()
    from members u join messages m on m.room_id = u.room_id and m.seq = 50000`;
}

/** Adds 2,000 rooms of 5: in 1,000 of them the companion with persons 0 to 1999, in the others persons 1000 to 2999. */
async function fillManyRooms(sql: Sql): Promise<void> {
  await sql`
    insert into rooms (room_id, name, metadata, created_by, created_at, last_seq, last_at, member_count)
    select gen_random_uuid(), 'Room', '{}', 'ada', now(), 1, now(), 5 from generate_series(1, 2000)`;
  await sql`
    insert into members (room_id, user_id, role, joined_at, joined_seq, first_seq)
    select r.room_id, case when p = 0 and n <= 1000 then ${COMPANION}
      else 'person-' || (n * 7 + p * 331) % 2000 + (n > 1000)::int * 1000 end, 'member', now(), 1, 1
    from (select room_id, row_number() over (order by room_id) as n from rooms where room_id <> ${LARGE}) r,
      generate_series(0, 4) p`;
  await sql`insert into users (user_id, name) select 'person-' || n, 'Name ' || n from generate_series(0, 2999) n`;
}

const READS: ReadSet = {
  rooms: [LARGE],
  members: [{ roomId: LARGE, userId: READER }],
  messages: [{ roomId: LARGE, messageId: ID }],
  repeats: [{ roomId: LARGE, senderId: READER, clientMessageId: "1" }],
  activeReactions: [{ roomId: LARGE, messageId: ID, senderId: READER, reaction: "👍" }],
  reactions: [{ reactionId: ID, userId: READER }],
  receipts: [{ roomId: LARGE, userId: READER }],
  users: [READER],
  sections: [{ roomId: LARGE, section: "plan" }],
  names: [{ roomId: LARGE, name: "Name reader" }],
  matrix: [{ roomId: LARGE, eventId: "$1" }],
  writes: [{ roomId: LARGE, senderId: READER, clientMessageId: "1" }],
  lastMessagesAtEvents: [{ roomId: LARGE, eventId: "$1" }],
  annotated: [{ roomId: LARGE, eventId: "$1", senderId: READER, reaction: "👍" }],
};

/** An event of Matrix that became the message. */
const EVENT = {
  roomId: LARGE,
  kind: "message",
  targetId: "$0",
  subjectId: ID,
  senderId: READER,
  sentAt: new Date(),
  revision: null,
  redacted: false,
  seq: 1,
} as const;

/** Writes to every table but events. */
function decide({ rooms, members, messages, receipts, users: people }: Rows, now: Date): Rows {
  const message = {
    roomId: LARGE,
    seq: 100_001,
    ordinal: 100_001,
    messageId: ID,
    senderId: READER,
    content: "",
    sentAt: now,
  };
  const unchanged = { editSeq: null, editedAt: null, deleteSeq: null, deletedAt: null, deletedBy: null };
  const fields = { clientMessageId: "1", replyTo: null, mentions: ["ada"], textMentions: null };
  const fromMatrix = { type: "m.image", file: null, threadRoot: "$0", eventId: "$1" };
  const reaction = {
    roomId: LARGE,
    messageId: ID,
    reactionId: ID,
    senderId: READER,
    reaction: "👍",
    seq: 1,
    sentAt: now,
  };
  return {
    ...NO_ROWS,
    rooms: rooms.map((room) => ({ ...room, messageCount: room.messageCount + 1 })),
    members,
    messages: [{ ...message, ...fields, ...fromMatrix, ...unchanged }, ...messages],
    reactions: [{ ...reaction, removedSeq: null, eventId: null }],
    receipts: [...receipts, ...receipts.map((row) => ({ ...row, hidden: true }))],
    users: people,
    markers: [{ roomId: LARGE, userId: READER, messageId: ID }],
    sections: [{ roomId: LARGE, section: "plan", body: {} }],
    matrix: [{ ...EVENT, eventId: "$1" }],
    outbox: [{ id: randomUUID(), frames: [] }],
  };
}

/** The generic plans of all statements that this connection has prepared. */
async function plans(): Promise<readonly string[]> {
  const prepared = await sql<{ statement: string }[]>`
    select statement from pg_prepared_statements where statement ~ '\\m(from|into|update)\\M' and statement !~ 'pg_|public'`;
  return Promise.all(
    prepared.map(async ({ statement }) => {
      const lines = await sql.unsafe(`explain (generic_plan, costs off) ${statement}`);
      return `${statement}\n${lines.map((line) => String(Object.values(line)[0])).join("\n")}`;
    }),
  );
}

/** The parts of a plan that scan a whole table, or an index without a condition on its first column. */
function scans(plan: string, leading: ReadonlyMap<string, string>): readonly string[] {
  const whole = plan.match(/Seq Scan on \w+|hashed SubPlan(?![\s\S]*CTE Scan on mine)/g) ?? [];
  const indexes = [...plan.matchAll(/Index (?:Only )?Scan(?: Backward)? (?:using|on) (\w+).*\n\s*(.*)/g)];
  const skipping = indexes.filter(
    ([, index = "", condition = ""]) => !new RegExp(`^Index Cond: \\(.*${leading.get(index)}`).test(condition),
  );
  return [...whole, ...skipping.map(([text]) => text)];
}

const ALL: ProjectionFilter = {
  roomId: null,
  type: null,
  hasFile: null,
  senderId: null,
  threadRoot: null,
  from: null,
  until: null,
  words: null,
  after: null,
};

/** Every condition alone and some together, in each of the rooms. */
function filters(rooms: readonly (string | null)[]): readonly ProjectionFilter[] {
  const some: readonly Partial<ProjectionFilter>[] = [
    {},
    { type: "m.text" },
    { type: "m.image" },
    { hasFile: true },
    { hasFile: false },
    { senderId: READER },
    { threadRoot: "$0" },
    { from: new Date(0), until: new Date() },
    { after: "ffffffff-0000-7000-8000-000000000000" },
    { words: "needle" },
    { words: "text", senderId: READER, after: "ffffffff-0000-7000-8000-000000000000" },
    { type: "m.image", hasFile: true, senderId: READER, threadRoot: "$0" },
  ];
  return some.flatMap((filter) => rooms.map((roomId) => ({ ...ALL, ...filter, roomId })));
}

async function matrixCalls(): Promise<void> {
  const room = { roomId: randomUUID(), matrixRoomId: "!1:matrix.org" };
  for (const name of ["Ada", "Eve"])
    await matrix.bridge(sql, [room], [{ userId: randomUUID(), matrixUserId: "@1:matrix.org", name }]);
  for (const roomId of [LARGE, null]) await matrix.messageIds(sql, roomId, ["$1"]);
  await matrix.recordPendingWrite(sql, { roomId: LARGE, senderId: READER, clientMessageId: "1" });
  await matrix.bridgedRooms(sql, null, 10);
  for (const token of ["1", null]) await matrix.saveRebuildCursor(sql, LARGE, token);
  await matrix.rebuildCursor(sql, LARGE);
}

test("no statement reads a table, or an index, from end to end", async () => {
  await commit(sql, READS, decide);
  await outbox(sql, new Date(), [ID], 10);
  await confirm(sql, [ID]);
  await audit.recentReceipts(sql, [LARGE], 1000);
  const keys = [{ roomId: LARGE, userId: READER }];
  await audit.members(sql, keys);
  await audit.markers(sql, keys);
  await events(sql, LARGE, 1, 10);
  const page = await history(sql, LARGE, 10, ID);
  await history(sql, LARGE, 10, page[0]!.messageId);
  await reads.roomsOf(sql, READER);
  await reads.roomsOfAll(sql, [READER]);
  await reads.membersOf(sql, [LARGE]);
  await reads.resumable(sql, READER, [LARGE]);
  await reads.heads(sql, new Map([[LARGE, 1]]));
  await reads.headOf(sql, LARGE, READER, false);
  await reads.receiptsSince(sql, new Map([[LARGE, 1]]));
  await reads.roomPage(sql, READER, 10, null);
  await counts(sql, [{ roomId: LARGE, userId: READER }]);
  await roomState(sql, LARGE, READER, false);
  for (const until of [new Date(), null]) {
    await mute(sql, LARGE, READER, until);
    await snooze(sql, LARGE, READER, ID, until);
  }
  for (const filter of filters([LARGE, null])) await projections(sql, READER, false, filter, 10);
  for (const id of [ID, "$1"]) await projection(sql, READER, true, id);
  await statistics(sql, LARGE, READER, false);
  await matrixCalls();
  await users.users(sql, [READER]);
  await users.putUser(sql, READER, "Reader", "@reader:matrix.org");
  await users.visibleUsers(sql, READER, false, [COMPANION]);
  await users.choosePresence(sql, READER, "busy");
  await users.saveLastActive(sql, new Map([[READER, new Date()]]));
  await users.revoke(sql, READER, ID);
  const columns = await sql<{ index: string; column: string }[]>`
    select i.indexrelid::regclass::text as index, a.attname as column from pg_index i
    join pg_attribute a on a.attrelid = i.indrelid and a.attnum = i.indkey[0]`;
  const leading = new Map(columns.map(({ index, column }) => [index, `\\b${column} (?:=|>)`]));
  leading.set("messages_words", " @@ ");
  const found = await plans();
  expect(found.length).toBeGreaterThan(40);
  expect(found.flatMap((plan) => scans(plan, leading).map((scan) => `${scan}\n${plan}`))).toEqual([]);
});

/** Runs the statement prepared last again, and returns its plan and the most rows that a node of the plan read. */
async function explained(...parameters: readonly string[]): Promise<{ readonly plan: string; readonly most: number }> {
  const [last] = await sql<{ name: string }[]>`
    select name from pg_prepared_statements where statement !~ 'pg_prepared' order by prepare_time desc limit 1`;
  const lines = await sql.unsafe(`explain (analyze, timing off) execute "${last!.name}"('${parameters.join("','")}')`);
  const plan = lines.map((line) => String(Object.values(line)[0])).join("\n");
  const seen = plan.matchAll(/actual rows=([\d.]+) loops=(\d+)|Rows Removed by [\w ]+: (\d+)/g);
  return {
    plan,
    most: Math.max(...[...seen].map(([, rows, loops, removed]) => Number(removed ?? Number(rows) * Number(loops)))),
  };
}

test("counting 50,000 unread messages reads none of them", async () => {
  const asked = [{ roomId: LARGE, userId: READER }];
  expect(await counts(sql, asked)).toMatchObject([{ unread: 50_000 - 10 - 20, mentions: 5 }]);
  const { plan, most } = await explained(JSON.stringify(asked));
  for (const index of ["messages_own", "messages_deleted", "mentions_of_user"])
    expect(plan).toContain(`using ${index}`);
  expect(most).toBeLessThan(50);
});

test("1,000 people are compared with 1,000 rooms by their own few rooms", async () => {
  const people = Array.from({ length: 1_000 }, (_, n) => `person-${n * 3}`);
  expect((await users.visibleUsers(sql, COMPANION, false, people)).size).toBe(667);
  const { most } = await explained(COMPANION, `{${people.join()}}`, COMPANION);
  // Five members in each of 2,000 rooms, and 3,000 people: a bit more than three rooms for each of a thousand.
  expect(most).toBeLessThan(4_000);
});

/**
 * The number of rows of `messages` that `work` fetched. In a transaction, so that the server's counters are not reset
 * meanwhile.
 */
async function fetched(work: () => Promise<unknown>): Promise<number> {
  const counted = async () => {
    const [row] = await sql<[{ seqScan: number; rows: number }]>`
      select seq_scan, idx_tup_fetch as rows from pg_stat_xact_user_tables where relname = 'messages'`;
    return row;
  };
  await sql`begin`;
  const before = await counted();
  await work();
  const after = await counted();
  await sql`commit`;
  expect(after.seqScan).toBe(before.seqScan);
  return after.rows - before.rows;
}

test("a page of any list fetches little more than itself, in one room, in all of the user's, or in any", async () => {
  for (const filter of filters([LARGE, null]).filter(({ words }) => words === null)) {
    expect(await fetched(() => projections(sql, READER, false, filter, 10))).toBeLessThan(45);
    // Of 1,000 rooms one row each tells whether there is more to read.
    if (filter.roomId === null)
      expect(await fetched(() => projections(sql, COMPANION, false, filter, 10))).toBeLessThan(45);
  }
  expect(await fetched(() => projections(sql, "backend", true, ALL, 10))).toBeLessThan(45);
  for (const id of [ID, "$1"]) expect(await fetched(() => projection(sql, READER, false, id))).toBeLessThan(2);
});

test("a search reads the newest few thousand messages, then the hits of the index", async () => {
  const search = (words: string, userId = READER, roomId: string | null = LARGE) =>
    fetched(() => projections(sql, userId, false, { ...ALL, roomId, words }, 10));
  expect(await search("text")).toBeLessThan(4_100);
  for (const roomId of [LARGE, null]) {
    expect(await search("needle", READER, roomId)).toBeLessThan(4_100);
    expect(await search("needle", COMPANION, roomId)).toBeLessThan(10);
  }
});

test("statistics read no message but the first and the last", async () => {
  expect(await fetched(() => statistics(sql, LARGE, READER, false))).toBeLessThanOrEqual(2);
});
