import type { Statistics } from "@signalbox/core/ports/store";
import type { Sql } from "./connection.ts";
import { isVisible } from "./reads.ts";
import { TEXT } from "./room-counters.ts";

interface StatisticsRow extends Omit<Statistics, "byType"> {
  /** The messages of other types than `TEXT`; null without any. */
  readonly others: Readonly<Record<string, number>> | null;
}

/** The statistics of a room, from the counters of `room-counters.ts`. The cost follows its types, not its messages. */
export async function statistics(sql: Sql, room: string, userId: string, service: boolean): Promise<Statistics | null> {
  const [row] = await sql<StatisticsRow[]>`
    select r.standing_count as total, r.file_count as attachments, r.thread_count as threads,
      (select sent_at from messages where room_id = r.room_id and message_id = r.first_id) as first_at,
      (select sent_at from messages where room_id = r.room_id and message_id = r.last_id) as last_at,
      (select json_object_agg(type, messages) from message_types where room_id = r.room_id and messages > 0) as others
    from rooms r where r.room_id = ${room} and ${isVisible(sql, userId, service)}`;
  if (!row) return null;
  const { others, ...rest } = row;
  const counted = Object.entries(others ?? {});
  const texts = counted.reduce((left, [, messages]) => left - messages, rest.total);
  return { ...rest, byType: new Map(texts > 0 ? [[TEXT, texts], ...counted] : counted) };
}
