import { originalOf } from "@signalbox/core/model/event-bodies";
import { groupBy } from "@signalbox/core/model/groups";
import type { MessageRow, ReactionRow } from "@signalbox/core/model/rows";
import type { HistoryMessage } from "@signalbox/core/ports/store";
import { Problem } from "@signalbox/protocol/errors";
import { isMatrixEventId } from "@signalbox/protocol/ids";
import { messageColumns, reactionColumns } from "./columns.ts";
import type { Sql } from "./connection.ts";

/**
 * A page of messages in descending order, from below the message `before` or from the end. Throws `not_found` for an
 * unknown `before`.
 */
export async function history(
  sql: Sql,
  room: string,
  limit: number,
  before: string | null,
): Promise<readonly HistoryMessage[]> {
  const end = before === null ? Number.MAX_SAFE_INTEGER : await seqOfMessage(sql, room, before);
  const page = await sql<MessageRow[]>`
    select ${messageColumns(sql)} from messages m where m.room_id = ${room} and m.seq < ${end} order by m.seq desc limit ${limit}`;
  const ids = page.map(({ messageId }) => messageId);
  const answered = page.flatMap(({ replyTo }) => replyTo ?? []);
  const [reactions, originals] = await Promise.all([
    activeReactions(sql, room, ids),
    answered.length === 0 ? [] : messagesById(sql, room, answered),
  ]);
  const byMessage = groupBy(reactions, ({ messageId }) => messageId);
  const byId = new Map(originals.map((message) => [message.messageId, message]));
  return page.map((message) => {
    const original = message.replyTo === null ? undefined : byId.get(message.replyTo);
    return {
      ...message,
      original: original ? originalOf(original) : null,
      reactions: byMessage.get(message.messageId) ?? [],
    };
  });
}

async function seqOfMessage(sql: Sql, room: string, messageId: string): Promise<number> {
  const [row] = isMatrixEventId(messageId) ? [] : await messagesById(sql, room, [messageId]);
  if (!row) throw new Problem("not_found", "there is no such message here");
  return row.seq;
}

const messagesById = (sql: Sql, room: string, ids: readonly string[]) =>
  sql<MessageRow[]>`
    select ${messageColumns(sql)} from messages m
    where m.room_id = ${room} and m.message_id = any(${[...ids]}::uuid[])`.execute();

const activeReactions = (sql: Sql, room: string, messageIds: readonly string[]) =>
  sql<ReactionRow[]>`
    select ${reactionColumns(sql)} from reactions x
    where x.room_id = ${room} and x.message_id = any(${[...messageIds]}::uuid[]) and x.removed_seq is null
    order by x.seq`.execute();
