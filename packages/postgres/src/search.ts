import type postgres from "postgres";
import type { Sql } from "./connection.ts";

type Fragment = postgres.PendingQuery<postgres.Row[]>;

/** What words are looked for in: the same expression as that of the index `messages_words`, which says what it is. */
const text = (sql: Sql) =>
  sql`(array_to_tsvector(array['@' || m.room_id::text]) || to_tsvector('simple', case when length(m.content) <= 200
    then m.content else left(btrim(regexp_replace(m.content, '\\s+', ' ', 'g')), 200) end))`;

/** More of a query than this, in characters, is not looked at. */
const LONGEST = 1_000;
/** A minus that another one follows, with no word between. Many in a row are more than the server's parser takes (32). */
const REPEATED_MINUS = /-(?=[^\p{L}\p{N}"]*-)/gu;

/** Any text is a query; one without a word finds nothing. */
const query = (sql: Sql, words: string) =>
  sql`websearch_to_tsquery('simple', ${words.slice(0, LONGEST).replace(REPEATED_MINUS, "")}::text)`;

/** Whether the preview of a message `m` has these words. */
export const hasWords = (sql: Sql, words: string) => sql`${text(sql)} @@ ${query(sql, words)}`;

/** The same by the index: in the room that `room` names, or, without it, in any. */
export const findsWords = (sql: Sql, words: string, room?: Fragment) =>
  room
    ? sql`${text(sql)} @@ (format('''@%s''', ${room})::tsquery && ${query(sql, words)}) and numnode(${query(sql, words)}) > 0`
    : hasWords(sql, words);
