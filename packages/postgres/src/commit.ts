import type { MessageRow, ReadSet, RoomRow, Rows } from "@signalbox/core/model/rows";
import * as reads from "./commit-reads.ts";
import type { Sql } from "./connection.ts";
import * as matrixReads from "./matrix-commit-reads.ts";
import { putOutbox } from "./outbox.ts";
import { type CounterChanges, type Counters, countChanges, NO_CHANGE, putCounters } from "./room-counters.ts";
import * as writes from "./writes.ts";

type Decide = (rows: Rows, now: Date) => Rows;

interface Loaded {
  readonly rows: Rows;
  readonly now: Date;
}

/**
 * `Store.commit` on one connection, in two round trips; reactions by id take another one, and so do events of Matrix.
 * When `decide` throws, it rolls back and resolves to the error, wrapped. It rejects only with errors of the database,
 * and then leaves its transaction open.
 */
export async function commit(
  sql: Sql,
  readSet: ReadSet,
  decide: Decide,
): Promise<{ readonly thrown: unknown } | undefined> {
  const { rows, now } = await load(sql, await reads.followReactions(sql, readSet));
  let decided: Rows;
  try {
    decided = decide(rows, now);
  } catch (thrown) {
    await sql`rollback`;
    return { thrown };
  }
  // After a failed statement `commit` rolls back, and the error of the statement rejects here.
  await Promise.all([...write(sql, rows, decided, now), sql`commit`.execute()]);
  return undefined;
}

/**
 * Locks the rooms, then reads the rest. All statements are sent at once and in this order, but each has a snapshot of
 * its own (READ COMMITTED), taken when the one before it is done: the rows are younger than the locks. Only the
 * messages and reactions that events of Matrix became take another round trip.
 */
async function load(sql: Sql, readSet: ReadSet): Promise<Loaded> {
  const [
    ,
    locked,
    clock,
    members,
    messages,
    repeats,
    reactions,
    receipts,
    users,
    sections,
    named,
    matrix,
    annotated,
    writes,
    lastMessagesAtEvents,
    marks,
  ] = await Promise.all([
    sql`begin`.execute(),
    reads.lockRooms(sql, readSet),
    reads.clock(sql),
    reads.membersOf(sql, readSet.members),
    reads.messagesOf(sql, readSet.messages),
    reads.repeatsOf(sql, readSet.repeats),
    reads.reactionsOf(sql, readSet.reactions, readSet.activeReactions),
    reads.receiptsOf(sql, readSet.receipts),
    reads.usersOf(sql, readSet.users),
    reads.sectionsOf(sql, readSet.sections),
    reads.namesOf(sql, readSet.names),
    matrixReads.matrixOf(sql, readSet.matrix),
    matrixReads.annotationsOf(sql, readSet.annotated),
    matrixReads.writesOf(sql, readSet.writes),
    matrixReads.lastMessagesOf(sql, readSet.lastMessagesAtEvents),
    reads.marksOf(sql, readSet),
  ]);
  const subjects = await matrixReads.subjectsOf(sql, matrix, lastMessagesAtEvents);
  const rooms = locked.map(({ lastAt: _, ...room }) => room);
  const times = locked.map(({ lastAt }) => lastAt.getTime());
  return {
    rows: {
      rooms,
      members,
      messages: distinct([messages, repeats.messages, subjects.messages], ({ messageId }) => messageId),
      reactions: distinct([reactions, annotated, subjects.reactions], ({ reactionId }) => reactionId),
      receipts,
      users,
      events: [],
      marks: [...marks, ...repeats.marks],
      markers: [],
      sections,
      named,
      matrix,
      outbox: [],
      writes,
      lastMessagesAtEvents,
    },
    // The time of a room never runs backwards, also when the system clock is set back.
    now: new Date(Math.max(clock.getTime(), ...times)),
  };
}

/** The rows of several statements, each row once. */
function distinct<Row>(found: readonly (readonly Row[])[], keyOf: (row: Row) => string): readonly Row[] {
  const lists = found.filter((rows) => rows.length > 0);
  return lists.length < 2 ? (lists[0] ?? []) : [...new Map(lists.flat().map((row) => [keyOf(row), row])).values()];
}

/** The statements that write the decided rows; none for a table without rows. */
function write(
  sql: Sql,
  before: Rows,
  { rooms, members, messages, reactions, receipts, users, events, markers, sections, matrix, outbox }: Rows,
  now: Date,
) {
  const counterChanges = countChanges(before.messages, messages);
  const { fresh, changed } = roomsOf(before.rooms, rooms, counterChanges);
  const mentioning = messages.filter(mayMention);
  const [visible, hidden] = [receipts.filter((row) => !row.hidden), receipts.filter((row) => row.hidden)];
  return [
    // Users before receipts, the order of `choosePresence`: in opposite orders the two would wait for each other for ever.
    users.length > 0 && writes.putUsers(sql, users),
    fresh.length > 0 && writes.insertRooms(sql, fresh, now),
    changed.length > 0 && writes.updateRooms(sql, changed, now),
    members.length > 0 && writes.putMembers(sql, members),
    messages.length > 0 && writes.putMessages(sql, messages),
    ...putCounters(sql, counterChanges),
    reactions.length > 0 && writes.putReactions(sql, reactions),
    mentioning.length > 0 && writes.putMentions(sql, mentioning),
    hidden.length > 0 && writes.putHiddenReceipts(sql, hidden, now),
    visible.length > 0 && writes.putReceipts(sql, visible, now),
    markers.length > 0 && writes.putMarkers(sql, markers),
    sections.length > 0 && writes.putSections(sql, sections),
    matrix.length > 0 && writes.putMatrix(sql, matrix),
    events.length > 0 && writes.insertEvents(sql, events, now),
    ...outbox.map((row) => putOutbox(sql, row)),
  ].filter((statement) => statement !== false);
}

/** False for a new message that mentions no user: it has no mentions to write or to remove. */
const mayMention = ({ mentions, textMentions, editSeq, deleteSeq }: MessageRow): boolean =>
  mentions !== null || textMentions !== null || editSeq !== null || deleteSeq !== null;

/** The rooms to insert and to update, with their counters: the decided ones, and rooms of which only messages are written. */
function roomsOf(
  before: readonly RoomRow[],
  decided: readonly RoomRow[],
  counterChanges: ReadonlyMap<string, CounterChanges>,
) {
  const known = new Map(before.map((room) => [room.roomId, room]));
  const decidedIds = new Set(decided.map(({ roomId }) => roomId));
  const others = before.filter(({ roomId }) => counterChanges.has(roomId) && !decidedIds.has(roomId));
  const countersOf = ({ roomId }: RoomRow) => counterChanges.get(roomId) ?? NO_CHANGE;
  return {
    fresh: decided.filter(({ roomId }) => !known.has(roomId)).map((room) => ({ ...room, ...countersOf(room) })),
    changed: [...decided, ...others].flatMap((room) => changeOf(room, known.get(room.roomId), countersOf(room))),
  };
}

/**
 * The change of a known room. A field that is the same object as before is not written: metadata may be 64 KiB, and
 * most commits only count.
 */
function changeOf(room: RoomRow, before: RoomRow | undefined, counters: Counters): readonly writes.RoomChange[] {
  if (!before) return [];
  const { roomId, lastSeq, lastMark, memberCount, messageCount, deletedAt } = room;
  const { messages, files, firstId, lastId } = counters;
  const changed = <K extends keyof RoomRow>(key: K) => (room[key] === before[key] ? null : room[key]);
  return [
    {
      ...{ roomId, lastSeq, lastMark, memberCount, messageCount, deletedAt },
      ...{ messages, files, firstId, lastId },
      name: changed("name"),
      metadata: changed("metadata"),
      createdBy: changed("createdBy"),
      createdAt: changed("createdAt"),
      matrixRoomId: changed("matrixRoomId"),
    },
  ];
}
