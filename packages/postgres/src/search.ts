import type postgres from "postgres";
import type { Sql } from "./connection.ts";

type Fragment = postgres.PendingQuery<postgres.Row[]>;

/** The words of a message: the expression of the index `messages_words`, with its reasons in migration 0003. */
const text = (sql: Sql) =>
  sql`(array_to_tsvector(array['@' || m.room_id::text]) || to_tsvector('simple', case when length(m.content) <= 200
    then m.content else left(btrim(regexp_replace(m.content, '\\s+', ' ', 'g')), 200) end))`;

/** The characters of a query that are read, at most. */
const LONGEST = 1_000;
/** A minus before another one without a word between. The server's parser fails on more than 32 in a row. */
const REPEATED_MINUS = /-(?=[^\p{L}\p{N}"]*-)/gu;

/** The words as a query. Any text is valid; one without a word finds nothing. */
const query = (sql: Sql, words: string) =>
  sql`websearch_to_tsquery('simple', ${words.slice(0, LONGEST).replace(REPEATED_MINUS, "")}::text)`;

/** A condition: the preview of a message `m` has these words. */
export const hasWords = (sql: Sql, words: string) => sql`${text(sql)} @@ ${query(sql, words)}`;

/** The same condition for the index, in the room `room` or, without it, in any. */
export const findsWords = (sql: Sql, words: string, room?: Fragment) =>
  room
    ? sql`${text(sql)} @@ (format('''@%s''', ${room})::tsquery && ${query(sql, words)}) and numnode(${query(sql, words)}) > 0`
    : hasWords(sql, words);
