import type { EventRow, ReactionRow, StoredEvent } from "@signalbox/core/model/rows";
import { eventOf, subjectsOf } from "@signalbox/core/model/stored-events";
import { EVENT_TYPES, type EventType } from "@signalbox/protocol/down";
import { eventColumns, reactionColumns } from "./columns.ts";
import { messagesOf } from "./commit-reads.ts";
import type { Sql } from "./connection.ts";

/** An event as a row of its table: the type as its index in EVENT_TYPES. */
export interface EventColumns extends Omit<StoredEvent, "type" | "details"> {
  readonly type: number;
  readonly details: StoredEvent["details"] | null;
}

const INDEXES: ReadonlyMap<EventType, number> = new Map(EVENT_TYPES.map((type, index) => [type, index]));

export function toStored({ type, details, ...event }: EventColumns): StoredEvent {
  const name = EVENT_TYPES[type];
  if (name === undefined) throw new RangeError(`an event of type ${type}, which this version does not know`);
  return { ...event, type: name, details: details ?? {} };
}

export const toColumns = ({ type, details, ...event }: StoredEvent): EventColumns => ({
  ...event,
  type: INDEXES.get(type) ?? -1,
  details: Object.keys(details).length === 0 ? null : details,
});

/**
 * At most `limit` events of `room` above `after`, in order: one range of the primary key, and then the rows that these
 * events are about, all by their keys.
 */
export async function events(sql: Sql, room: string, after: number, limit: number): Promise<readonly EventRow[]> {
  const rows = await sql<EventColumns[]>`
    select ${eventColumns(sql)} from events e where e.room_id = ${room} and e.seq > ${after} order by e.seq limit ${limit}`;
  const page = rows.map(toStored);
  const ids = subjectsOf(page);
  const inRoom = (messageIds: readonly string[]) => messageIds.map((messageId) => ({ roomId: room, messageId }));
  const [messages, reactions, names, [named]] = await Promise.all([
    messagesOf(sql, inRoom(ids.messages)),
    reactionsById(sql, room, ids.reactions),
    namesById(sql, ids.users),
    page.some(({ type }) => type === "NEW_CHAT") ? roomName(sql, room) : [],
  ]);
  const parents = await messagesOf(sql, inRoom([...new Set(reactions.map(({ messageId }) => messageId))]));
  const subjects = {
    messages: new Map([...messages, ...parents].map((message) => [message.messageId, message])),
    reactions: new Map(reactions.map((reaction) => [reaction.reactionId, reaction])),
    names: new Map(names.map(({ userId, name }) => [userId, name])),
    roomName: named?.name ?? "",
  };
  return page.map((event) => eventOf(event, subjects));
}

async function reactionsById(sql: Sql, room: string, ids: readonly string[]): Promise<readonly ReactionRow[]> {
  if (ids.length === 0) return [];
  return sql<ReactionRow[]>`
    select ${reactionColumns(sql)} from reactions x
    where x.room_id = ${room} and x.reaction_id = any(${[...ids]}::uuid[])`.execute();
}

async function namesById(sql: Sql, ids: readonly string[]) {
  if (ids.length === 0) return [];
  return sql<{ userId: string; name: string | null }[]>`
    select user_id, name from users where user_id = any(${[...ids]}::text[])`.execute();
}

const roomName = (sql: Sql, room: string) =>
  sql<{ name: string }[]>`select name from rooms where room_id = ${room}`.execute();
