import type { MatrixRow, MatrixWrite, MessageRow, ReactionRow, ReadSet, Rows } from "@signalbox/core/model/rows";
import { matrixColumns, reactionColumns } from "./columns.ts";
import type { Sql } from "./connection.ts";
import { messagesOf, reactionsOf } from "./facts.ts";

// What a commit reads of what came from Matrix, as `facts.ts` reads the rest.

/** The events that came of these; then, with their targets, the edits and redactions of all of them, and the reactions that wait. */
export async function matrixOf(sql: Sql, needs: ReadSet["matrix"]): Promise<readonly MatrixRow[]> {
  if (needs.length === 0) return [];
  return sql<MatrixRow[]>`
    with asked as materialized (
      select distinct "roomId" as room_id, "eventId" as event_id
      from json_to_recordset(${JSON.stringify(needs)}::text::json) as n("roomId" uuid, "eventId" text)
    ), circle as materialized (
      select * from asked union
      select a.room_id, e.target_id from asked a cross join lateral (
        select target_id from matrix_events where room_id = a.room_id and event_id = a.event_id and target_id is not null offset 0
      ) e
    )
    select distinct on (room_id, event_id) * from (
      select e.* from circle c cross join lateral (
        select ${matrixColumns(sql)} from matrix_events e where e.room_id = c.room_id and e.event_id = c.event_id offset 0
      ) e
      union all
      select e.* from circle c cross join lateral (
        select ${matrixColumns(sql)} from matrix_events e where e.room_id = c.room_id and e.target_id = c.event_id
          and (e.kind in ('edit', 'redaction') or (e.kind = 'reaction' and e.subject_id is null)) offset 0
      ) e
    ) found`.execute();
}

/** Those of the sends that are under way. */
export async function writesOf(sql: Sql, needs: ReadSet["writes"]): Promise<readonly MatrixWrite[]> {
  if (needs.length === 0) return [];
  return sql<MatrixWrite[]>`
    select w.* from (
      select distinct * from json_to_recordset(${JSON.stringify(needs)}::text::json)
        as n("roomId" uuid, "senderId" text, "clientMessageId" text)
    ) n cross join lateral (
      select room_id, sender_id, client_message_id from matrix_writes
      where room_id = n."roomId" and sender_id = n."senderId" and client_message_id = n."clientMessageId" offset 0
    ) w`.execute();
}

/** The last message of the room up to the seq at which each of these events came; of one that has not come, the last of all. */
export async function upTo(sql: Sql, needs: ReadSet["lastMessagesAtEvents"]): Promise<Rows["lastMessagesAtEvents"]> {
  if (needs.length === 0) return [];
  return sql<Rows["lastMessagesAtEvents"][number][]>`
    select n."roomId" as room_id, n."eventId" as event_id, m.message_id from (
      select distinct * from json_to_recordset(${JSON.stringify(needs)}::text::json) as n("roomId" uuid, "eventId" text)
    ) n left join lateral (
      select seq from matrix_events where room_id = n."roomId" and event_id = n."eventId" offset 0
    ) e on true cross join lateral (
      select message_id from messages
      where room_id = n."roomId" and seq <= coalesce(e.seq, ${Number.MAX_SAFE_INTEGER}::bigint) order by seq desc limit 1
    ) m`.execute();
}

/** Reactions that stand to what these events became. */
export async function annotationsOf(sql: Sql, needs: ReadSet["annotated"]): Promise<readonly ReactionRow[]> {
  if (needs.length === 0) return [];
  return sql<ReactionRow[]>`
    select x.* from (
      select distinct * from json_to_recordset(${JSON.stringify(needs)}::text::json)
        as n("roomId" uuid, "eventId" text, "senderId" text, reaction text)
    ) n cross join lateral (
      select message_id from messages where event_id = n."eventId" and room_id = n."roomId" offset 0
    ) m cross join lateral (
      select ${reactionColumns(sql)} from reactions x
      where x.room_id = n."roomId" and x.message_id = m.message_id and x.sender_id = n."senderId"
        and x.reaction = n.reaction and x.removed_seq is null offset 0
    ) x`.execute();
}

/** The messages and reactions that these events became, and those read up to. */
export async function subjectsOf(
  sql: Sql,
  events: readonly MatrixRow[],
  read: Rows["lastMessagesAtEvents"],
): Promise<readonly [readonly MessageRow[], readonly ReactionRow[]]> {
  const subjects = events.flatMap(({ roomId, kind, subjectId }) =>
    subjectId === null ? [] : [{ roomId, kind, messageId: subjectId }],
  );
  const messages = subjects.filter(({ kind }) => kind === "message");
  const reactions = subjects.filter(({ kind }) => kind === "reaction");
  return Promise.all([
    messagesOf(
      sql,
      [...messages, ...read].map(({ roomId, messageId }) => ({ roomId, messageId })),
    ),
    reactionsOf(
      sql,
      reactions.map(({ messageId: reactionId }) => ({ reactionId, userId: "" })),
      [],
    ),
  ]);
}
