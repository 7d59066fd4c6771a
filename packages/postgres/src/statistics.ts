import type { Statistics } from "@signalbox/core/ports/store";
import type { Sql } from "./connection.ts";
import { isVisible } from "./reads.ts";
import { TEXT } from "./room-counters.ts";

interface Kept extends Omit<Statistics, "byType"> {
  /** Null when there are none but texts. */
  readonly others: Readonly<Record<string, number>> | null;
}

/** What `tally.ts` keeps of a room: as many look-ups as it has types, whatever it holds. */
export async function statistics(sql: Sql, room: string, userId: string, service: boolean): Promise<Statistics | null> {
  const [row] = await sql<Kept[]>`
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
