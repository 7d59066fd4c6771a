import type { MatrixRow, MatrixWrite, MessageRow, ReactionRow, ReadSet, Rows } from "@signalbox/core/model/rows";
import { matrixColumns, reactionColumns } from "./columns.ts";
import { messagesOf, reactionsOf } from "./commit-reads.ts";
import type { Sql } from "./connection.ts";

// The rows of Matrix that a commit reads; `commit-reads.ts` reads the rest.

/** The known ones of these events and their targets, the edits and redactions of both, and the reactions to both that wait. */
export async function matrixOf(sql: Sql, keys: ReadSet["matrix"]): Promise<readonly MatrixRow[]> {
  if (keys.length === 0) return [];
  return sql<MatrixRow[]>`
    with wanted as materialized (
      select distinct "roomId" as room_id, "eventId" as event_id
      from json_to_recordset(${JSON.stringify(keys)}::text::json) as n("roomId" uuid, "eventId" text)
    ), known as materialized (
      select * from wanted union
      select a.room_id, e.target_id from wanted a cross join lateral (
        select target_id from matrix_events where room_id = a.room_id and event_id = a.event_id and target_id is not null offset 0
      ) e
    )
    select distinct on (room_id, event_id) * from (
      select e.* from known c cross join lateral (
        select ${matrixColumns(sql)} from matrix_events e where e.room_id = c.room_id and e.event_id = c.event_id offset 0
      ) e
      union all
      select e.* from known c cross join lateral (
        select ${matrixColumns(sql)} from matrix_events e where e.room_id = c.room_id and e.target_id = c.event_id
          and (e.kind in ('edit', 'redaction') or (e.kind = 'reaction' and e.subject_id is null)) offset 0
      ) e
    ) found`.execute();
}

/** The sends that are under way to the homeserver. */
export async function writesOf(sql: Sql, keys: ReadSet["writes"]): Promise<readonly MatrixWrite[]> {
  if (keys.length === 0) return [];
  return sql<MatrixWrite[]>`
    select w.* from (
      select distinct * from json_to_recordset(${JSON.stringify(keys)}::text::json)
        as n("roomId" uuid, "senderId" text, "clientMessageId" text)
    ) n cross join lateral (
      select room_id, sender_id, client_message_id from matrix_writes
      where room_id = n."roomId" and sender_id = n."senderId" and client_message_id = n."clientMessageId" offset 0
    ) w`.execute();
}

/** The room's last message at the seq of each of these events; for an unknown event, the last one of all. */
export async function lastMessagesOf(
  sql: Sql,
  keys: ReadSet["lastMessagesAtEvents"],
): Promise<Rows["lastMessagesAtEvents"]> {
  if (keys.length === 0) return [];
  return sql<Rows["lastMessagesAtEvents"][number][]>`
    select n."roomId" as room_id, n."eventId" as event_id, m.message_id from (
      select distinct * from json_to_recordset(${JSON.stringify(keys)}::text::json) as n("roomId" uuid, "eventId" text)
    ) n left join lateral (
      select seq from matrix_events where room_id = n."roomId" and event_id = n."eventId" offset 0
    ) e on true cross join lateral (
      select message_id from messages
      where room_id = n."roomId" and seq <= coalesce(e.seq, ${Number.MAX_SAFE_INTEGER}::bigint) order by seq desc limit 1
    ) m`.execute();
}

/** The active reactions to the messages that these events became. */
export async function annotationsOf(sql: Sql, keys: ReadSet["annotated"]): Promise<readonly ReactionRow[]> {
  if (keys.length === 0) return [];
  return sql<ReactionRow[]>`
    select x.* from (
      select distinct * from json_to_recordset(${JSON.stringify(keys)}::text::json)
        as n("roomId" uuid, "eventId" text, "senderId" text, reaction text)
    ) n cross join lateral (
      select message_id from messages where event_id = n."eventId" and room_id = n."roomId" offset 0
    ) m cross join lateral (
      select ${reactionColumns(sql)} from reactions x
      where x.room_id = n."roomId" and x.message_id = m.message_id and x.sender_id = n."senderId"
        and x.reaction = n.reaction and x.removed_seq is null offset 0
    ) x`.execute();
}

/** The messages and reactions that these events became, and the messages of `lastMessages`. */
export async function subjectsOf(
  sql: Sql,
  events: readonly MatrixRow[],
  lastMessages: Rows["lastMessagesAtEvents"],
): Promise<{ readonly messages: readonly MessageRow[]; readonly reactions: readonly ReactionRow[] }> {
  const subjects = events.flatMap(({ roomId, kind, subjectId }) =>
    subjectId === null ? [] : [{ roomId, kind, messageId: subjectId }],
  );
  const messageKeys = [...subjects.filter(({ kind }) => kind === "message"), ...lastMessages];
  const reactionKeys = subjects.filter(({ kind }) => kind === "reaction");
  const [messages, reactions] = await Promise.all([
    messagesOf(
      sql,
      messageKeys.map(({ roomId, messageId }) => ({ roomId, messageId })),
    ),
    reactionsOf(
      sql,
      reactionKeys.map(({ messageId: reactionId }) => ({ reactionId, userId: "" })),
      [],
    ),
  ]);
  return { messages, reactions };
}
