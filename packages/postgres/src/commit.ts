import type { MessageRow, ReadSet, RoomRow, Rows } from "@signalbox/core/model/rows";
import type { Sql } from "./connection.ts";
import * as facts from "./facts.ts";
import * as bridged from "./matrix-facts.ts";
import { type CounterChanges, type Counters, countChanges, NO_CHANGE, putCounters } from "./room-counters.ts";
import * as writes from "./writes.ts";

type Decide = (rows: Rows, now: Date) => Rows;

interface Loaded {
  readonly rows: Rows;
  readonly now: Date;
}

/**
 * `Store.commit` on one connection: two round trips, a third when reactions are named by their id, one more for events of Matrix. Resolves to what `decide`
 * threw, wrapped, after a roll back; rejects only with errors of the database, and then leaves its transaction open.
 */
export async function commit(
  sql: Sql,
  needs: ReadSet,
  decide: Decide,
): Promise<{ readonly thrown: unknown } | undefined> {
  const { rows, now } = await load(sql, await facts.followReactions(sql, needs));
  let decided: Rows;
  try {
    decided = decide(rows, now);
  } catch (thrown) {
    await sql`rollback`;
    return { thrown };
  }
  // A commit behind a failed statement is a roll back, and that statement's error rejects here.
  await Promise.all([...write(sql, rows, decided, now), sql`commit`.execute()]);
  return undefined;
}

/**
 * Locks the rooms, then reads the rest. All is sent at once and in this order, but each statement has a snapshot of its own (READ COMMITTED),
 * taken when the one before it is done: the facts are younger than the locks. Only what events of Matrix became takes one round trip more.
 */
async function load(sql: Sql, needs: ReadSet): Promise<Loaded> {
  const [
    ,
    locked,
    clock,
    members,
    asked,
    repeats,
    reactions,
    receipts,
    users,
    sections,
    named,
    matrix,
    annotated,
    under,
    upTo,
  ] = await Promise.all([
    sql`begin`.execute(),
    facts.lockRooms(sql, needs),
    facts.clock(sql),
    facts.membersOf(sql, needs.members),
    facts.messagesOf(sql, needs.messages),
    facts.repeatsOf(sql, needs.repeats),
    facts.reactionsOf(sql, needs.reactions, needs.activeReactions),
    facts.receiptsOf(sql, needs.receipts),
    facts.usersOf(sql, needs.users),
    facts.sectionsOf(sql, needs.sections),
    facts.namesOf(sql, needs.names),
    bridged.matrixOf(sql, needs.matrix),
    bridged.annotationsOf(sql, needs.annotated),
    bridged.writesOf(sql, needs.writes),
    bridged.upTo(sql, needs.lastMessagesAtEvents),
  ]);
  const [more, became] = await bridged.subjectsOf(sql, matrix, upTo);
  const rooms = locked.map(({ lastAt: _, ...room }) => room);
  const times = locked.map(({ lastAt }) => lastAt.getTime());
  return {
    rows: {
      rooms,
      members,
      messages: distinct([asked, repeats.messages, more], ({ messageId }) => messageId),
      reactions: distinct([reactions, annotated, became], ({ reactionId }) => reactionId),
      receipts,
      users,
      events: repeats.events,
      markers: [],
      sections,
      named,
      matrix,
      writes: under,
      lastMessagesAtEvents: upTo,
    },
    // A system clock that was set back does not turn back the time of a room.
    now: new Date(Math.max(clock.getTime(), ...times)),
  };
}

/** What several statements may have found, each once. */
function distinct<Row>(found: readonly (readonly Row[])[], keyOf: (row: Row) => string): readonly Row[] {
  const lists = found.filter((rows) => rows.length > 0);
  return lists.length < 2 ? (lists[0] ?? []) : [...new Map(lists.flat().map((row) => [keyOf(row), row])).values()];
}

/** The statements that write what was decided; none for tables without a row. */
function write(
  sql: Sql,
  before: Rows,
  { rooms, members, messages, reactions, receipts, users, events, markers, sections, matrix }: Rows,
  now: Date,
) {
  const tallies = countChanges(before.messages, messages);
  const { fresh, changed } = roomsOf(before.rooms, rooms, tallies);
  const naming = messages.filter(mayMention);
  const [visible, hidden] = [receipts.filter((row) => !row.hidden), receipts.filter((row) => row.hidden)];
  return [
    // Users before receipts, as `choose` takes them: in opposite orders they would wait for each other for ever.
    users.length > 0 && writes.putUsers(sql, users),
    fresh.length > 0 && writes.insertRooms(sql, fresh, now),
    changed.length > 0 && writes.updateRooms(sql, changed, now),
    members.length > 0 && writes.putMembers(sql, members),
    messages.length > 0 && writes.putMessages(sql, messages),
    ...putCounters(sql, tallies),
    reactions.length > 0 && writes.putReactions(sql, reactions),
    naming.length > 0 && writes.putMentions(sql, naming),
    hidden.length > 0 && writes.putHiddenReceipts(sql, hidden, now),
    visible.length > 0 && writes.putReceipts(sql, visible, now),
    markers.length > 0 && writes.putMarkers(sql, markers),
    sections.length > 0 && writes.putSections(sql, sections),
    matrix.length > 0 && writes.putMatrix(sql, matrix),
    events.length > 0 && writes.insertEvents(sql, events, now),
  ].filter((statement) => statement !== false);
}

/** Whether the mentions of a message need a look: a new one that names nobody has none, and none to take away. */
const mayMention = ({ mentions, textMentions, editSeq, deleteSeq }: MessageRow): boolean =>
  mentions !== null || textMentions !== null || editSeq !== null || deleteSeq !== null;

/** The rooms to insert and to update, each with what changes of its messages: those decided, and those that only have messages written. */
function roomsOf(
  before: readonly RoomRow[],
  decided: readonly RoomRow[],
  tallies: ReadonlyMap<string, CounterChanges>,
) {
  const known = new Map(before.map((room) => [room.roomId, room]));
  const named = new Set(decided.map(({ roomId }) => roomId));
  const silent = before.filter(({ roomId }) => tallies.has(roomId) && !named.has(roomId));
  const standing = ({ roomId }: RoomRow) => tallies.get(roomId) ?? NO_CHANGE;
  return {
    fresh: decided.filter(({ roomId }) => !known.has(roomId)).map((room) => ({ ...room, ...standing(room) })),
    changed: [...decided, ...silent].flatMap((room) => change(room, known.get(room.roomId), standing(room))),
  };
}

/** Metadata may be 64 KiB, and most commits only count: what is the same object as before is not written again. */
function change(room: RoomRow, before: RoomRow | undefined, standing: Counters): readonly writes.RoomChange[] {
  if (!before) return [];
  const { roomId, lastSeq, memberCount, messageCount, deletedAt } = room;
  const { standing: more, files, firstId, lastId } = standing;
  const changed = <K extends keyof RoomRow>(key: K) => (room[key] === before[key] ? null : room[key]);
  return [
    {
      ...{ roomId, lastSeq, memberCount, messageCount, deletedAt },
      ...{ standing: more, files, firstId, lastId },
      name: changed("name"),
      metadata: changed("metadata"),
      createdBy: changed("createdBy"),
      createdAt: changed("createdAt"),
      matrixRoomId: changed("matrixRoomId"),
    },
  ];
}
