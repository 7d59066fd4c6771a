import { preview } from "../model/preview.ts";
import type { MessageRow } from "../model/rows.ts";
import type { Projection, ProjectionFilter } from "../ports/store.ts";
import type { MapRows } from "./map-rows.fake.ts";

/** More of a query than this, in characters, is not looked at. */
const LONGEST = 1_000;

/** The newest `limit` messages that the user may see and the filter lets through. */
export function projections(
  rows: MapRows,
  userId: string,
  service: boolean,
  filter: ProjectionFilter,
  limit: number,
): Projection[] {
  const finds = filter.words === null ? () => true : search(filter.words);
  const found = visible(rows, userId, service).filter((message) => passes(message, filter) && finds(message));
  return found.slice(0, limit).map(projectionOf);
}

/** The message with this id, ours or Matrix's, if the user may see it. */
export function projection(rows: MapRows, userId: string, service: boolean, id: string): Projection | null {
  const found = visible(rows, userId, service).find((row) => row.messageId === id || row.eventId === id);
  return found === undefined ? null : projectionOf(found);
}

/** The messages that a user may see, newest first. */
function visible(rows: MapRows, userId: string, service: boolean): MessageRow[] {
  const rooms = service ? [...rows.rooms.values()].filter(({ deletedAt }) => deletedAt === null) : rows.roomsOf(userId);
  return rooms.flatMap(({ roomId }) => rows.messagesOf(roomId)).sort((a, b) => (a.messageId < b.messageId ? 1 : -1));
}

function passes(message: MessageRow, filter: ProjectionFilter): boolean {
  const { roomId, type, hasFile, senderId, threadRoot, from, until, after } = filter;
  return (
    (roomId === null || message.roomId === roomId) &&
    (type === null || message.type === type) &&
    (hasFile === null || (message.file !== null) === hasFile) &&
    (senderId === null || message.senderId === senderId) &&
    (threadRoot === null || message.threadRoot === threadRoot) &&
    (from === null || message.sentAt >= from) &&
    (until === null || message.sentAt < until) &&
    (after === null || message.messageId < after)
  );
}

function projectionOf({ mentions: _, textMentions: __, clientMessageId: ___, ...row }: MessageRow): Projection {
  return row;
}

/** Words that must follow each other in a message, or must not. */
interface Phrase {
  readonly words: readonly string[];
  readonly wanted: boolean;
}

/**
 * Understands a query as Postgres' `websearch_to_tsquery` does: all words and all "phrases" must be in the preview, `or` stands
 * between alternatives, and a minus before what must not be there. A query without a word finds nothing.
 */
function search(query: string): (message: MessageRow) => boolean {
  const alternatives: Phrase[][] = [[]];
  for (const [, minus, quoted, word = ""] of query.slice(0, LONGEST).matchAll(/(-*)(?:"([^"]*)"?|([^\s"]+))/g)) {
    if (word.toLowerCase() === "or") alternatives.push([]);
    else alternatives.at(-1)?.push({ words: wordsOf(quoted ?? word), wanted: minus === "" });
  }
  const queries = alternatives
    .map((phrases) => phrases.filter(({ words }) => words.length > 0))
    .filter((phrases) => phrases.length > 0);
  return ({ content }) => {
    const words = wordsOf(preview(content));
    return queries.some((phrases) => phrases.every((phrase) => holds(words, phrase.words) === phrase.wanted));
  };
}

const wordsOf = (text: string): string[] => text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? [];

/** True when `phrase` is somewhere in `words`, without a gap. */
const holds = (words: readonly string[], phrase: readonly string[]): boolean =>
  words.some((_, start) => phrase.every((word, index) => words[start + index] === word));
