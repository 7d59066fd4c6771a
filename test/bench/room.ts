/** A room of a million messages, and a thousand small ones of the same user, written with COPY. */
import { readFile } from "node:fs/promises";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { Connection } from "@signalbox/postgres/connection";

type Sql = Connection["sql"];

export const USER = "reader";
export const MESSAGES = 1_000_000;
const SMALL_ROOMS = 1_000;
const SMALL = 100;
/** Lines per chunk of COPY. */
const PIECE = 1_000;
const BEGAN = Date.UTC(2024, 0);
const WORDS = 20_000;
/** The migration with the statements that fill the statistics. */
const STATISTICS = new URL("../../packages/postgres/migrations/0004_statistics.sql", import.meta.url);

/** Repeatable UUIDs: the same time and number give the same id. */
const uuid = (ms: number, number: number): string => {
  const hex = ms.toString(16).padStart(12, "0");
  return `${hex.slice(0, 8)}-${hex.slice(8)}-7000-8000-${number.toString(16).padStart(12, "0")}`;
};

export const LARGE = uuid(BEGAN, 0);
const smallRoom = (nth: number): string => uuid(BEGAN, 1 + nth);

/** The id of the large room's message with this place. */
export const idAt = (place: number): string => uuid(timeAt(place), place);
const timeAt = (place: number): number => BEGAN + place * 60_000;

/** In the large room one message in 1,000 is an image with a file, one in 500 is in a thread, one in 1,000 has "seldom", three have "rare". */
function largeLine(place: number): string {
  const isImage = place % 1_000 === 0;
  const said = [
    "common",
    place % 20 === 0 ? "frequent" : "",
    place % 1_000 === 1 ? "seldom" : "",
    place % 400_000 === 2 ? "rare" : "",
  ];
  return line(LARGE, place, place, {
    content: `${said.join(" ")} ${chatter(place)}`,
    type: isImage ? "m.image" : "m.text",
    file: isImage ? '{"filename":"a.png","mime_type":"image/png","size":1,"mxc_uri":"mxc://localhost/a"}' : "\\N",
    root: place % 500 === 0 ? `$root-${place % 10_000}` : "\\N",
  });
}

interface Varying {
  readonly content: string;
  readonly type: string;
  readonly file: string;
  readonly root: string;
}

function line(roomId: string, place: number, number: number, { content, type, file, root }: Varying): string {
  const ms = timeAt(number);
  const sentAt = new Date(ms).toISOString();
  return `${roomId}\t${place}\t${place}\t${uuid(ms, number)}\tuser-${place % 199}\t${content}\t${sentAt}\t${type}\t${file}\t${root}\n`;
}

/** Ten words, with the frequencies of natural language. */
function chatter(seed: number): string {
  let state = seed;
  const words = Array.from({ length: 10 }, () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return `w${Math.floor((state / 2 ** 32) ** 3 * WORDS)}`;
  });
  return words.join(" ");
}

function* largeLines(progress: (share: number) => void): Generator<string> {
  for (let place = 1; place <= MESSAGES; place += PIECE) {
    yield Array.from({ length: PIECE }, (_, nth) => largeLine(place + nth)).join("");
    progress(place / MESSAGES);
  }
}

function* smallLines(): Generator<string> {
  for (let room = 0; room < SMALL_ROOMS; room++) {
    const lines = Array.from({ length: SMALL }, (_, nth) =>
      line(smallRoom(room), nth + 1, nth * 10_000 + room, {
        content: `common rare everywhere ${nth} ${chatter(nth)}`,
        type: "m.text",
        file: "\\N",
        root: "\\N",
      }),
    );
    yield lines.join("");
  }
}

/** Fills an empty database. `progress` is called with the current step, and the share of it that is done. */
export async function fill(sql: Sql, progress: (what: string, share?: number) => void): Promise<void> {
  const copy = async (lines: Generator<string>) => {
    const columns = "room_id, seq, place, message_id, sender_id, content, sent_at, type, file, thread_root";
    await pipeline(Readable.from(lines), await sql.unsafe(`copy messages (${columns}) from stdin`).writable());
  };
  await makeRooms(sql);
  // As a restore of a dump does: an index costs less when it is built at the end.
  const indexes = await sql<{ name: string; definition: string }[]>`
    select indexrelid::regclass::text as name, pg_get_indexdef(indexrelid) as definition from pg_index i
    where indrelid = 'messages'::regclass and not exists (select from pg_constraint c where c.conindid = i.indexrelid)`;
  for (const { name } of indexes) await sql.unsafe(`drop index ${name}`);
  await copy(largeLines((share) => progress("messages", share)));
  await copy(smallLines());
  for (const { name, definition } of indexes) {
    progress(`index ${name}`);
    await sql.unsafe(definition);
  }
  progress("statistics");
  await sql.unsafe(await readFile(STATISTICS, "utf8")).simple();
  await sql`vacuum analyze`;
}

async function makeRooms(sql: Sql): Promise<void> {
  const rooms = [LARGE, ...Array.from({ length: SMALL_ROOMS }, (_, nth) => smallRoom(nth))];
  await sql`
    insert into rooms (room_id, name, metadata, created_by, created_at, last_seq, last_at, member_count)
    select unnest(${rooms}::uuid[]), 'Room', '{}', ${USER}, now(), 1, now(), 1`;
  await sql`
    insert into members (room_id, user_id, role, joined_at, joined_seq)
    select room_id, ${USER}, 'member', now(), 1 from rooms`;
}
