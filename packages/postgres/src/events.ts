import { toBytes, toText } from "@signalbox/core/model/bytes";
import type { EventRow } from "@signalbox/core/model/rows";
import { EVENT_TYPES, type EventType } from "@signalbox/protocol/down";
import type { Sql } from "./connection.ts";

/** An event as a row of its table: the type as its index in EVENT_TYPES, the body as text. */
export interface StoredEvent {
  readonly roomId: string;
  readonly seq: number;
  readonly type: number;
  readonly userId: string;
  readonly body: string;
}

const INDEXES: ReadonlyMap<EventType, number> = new Map(EVENT_TYPES.map((type, index) => [type, index]));

export function toEvent({ roomId, seq, type, userId, body }: StoredEvent): EventRow {
  const name = EVENT_TYPES[type];
  if (name === undefined) throw new RangeError(`an event of type ${type}, which this version does not know`);
  return { roomId, seq, type: name, userId, body: toBytes(body) };
}

export function toStored({ roomId, seq, type, userId, body }: EventRow): StoredEvent {
  return { roomId, seq, type: INDEXES.get(type) ?? -1, userId, body: toText(body) };
}

/** At most `limit` events of `room` above `after`, in order: one range of the primary key. */
export async function events(sql: Sql, room: string, after: number, limit: number): Promise<readonly EventRow[]> {
  const rows = await sql<StoredEvent[]>`
    select room_id, seq, type, user_id, body from events
    where room_id = ${room} and seq > ${after} order by seq limit ${limit}`;
  return rows.map(toEvent);
}
