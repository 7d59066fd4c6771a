import { OF_MESSAGES, OF_REACTIONS } from "@signalbox/core/model/stored-events";
import { EVENT_TYPES } from "@signalbox/protocol/down";
import { Connection, SERVING, type Sql } from "./connection.ts";
import { problemOf } from "./errors.ts";
import { askHistory, type HistoryId } from "./history-id.ts";
import { heads } from "./reads.ts";

const ROOMS = 1_000;
/** The rows of another table that one statement reads at most. */
const PAGE = 5_000;
const EXAMPLES = 10;
/** The limit for one statement, in milliseconds: cold pages after a restore are slow, and no caller waits. */
const STATEMENT_MS = 60_000;

const LOWEST = "00000000-0000-0000-0000-000000000000";
const HIGHEST = "ffffffff-ffff-ffff-ffff-ffffffffffff";

const DAMAGE = {
  lastEvent: "the last event is not the one that the room names",
  gap: "kept events are not consecutive",
  link: "an event does not name the one before it",
  noMessage: "an event is about a message that does not exist",
  noReaction: "an event is about a reaction that does not exist",
  messages: "a message is beyond the last event",
  members: "a membership is beyond the last event",
  receipts: "a receipt is beyond the last event",
  messageCount: "the count of messages is not the ordinal of the newest",
  noRoom: "events, memberships or receipts of a room that does not exist",
} as const;
export type DamageKind = keyof typeof DAMAGE;

/** A room and its last event. */
export interface RoomHead {
  readonly roomId: string;
  readonly lastSeq: number;
  readonly lastMark: number;
}

/** Rooms beside their saved heads, as counts. */
export interface SavedRooms {
  /** The last event is the saved one. */
  same: number;
  /** The saved event is there, and others follow. */
  grown: number;
  /** The seq is lower, or the saved event has another mark. */
  lost: number;
  /** The saved event and the one after it are pruned, so that no mark tells. */
  untold: number;
  missing: number;
  readonly missingExamples: string[];
  /** The file does not have the room. */
  added: number;
}

export interface Damage {
  readonly kind: DamageKind;
  readonly sentence: string;
  /** The number of rooms with it. */
  readonly rooms: number;
  /** The ids of the first of them, at most 10. */
  readonly examples: readonly string[];
}

export interface HistoryCheck {
  readonly server: HistoryId;
  readonly rooms: number;
  readonly events: number;
  /** Rooms without any kept event. */
  readonly withoutEvents: number;
  readonly damage: readonly Damage[];
  readonly saved: Readonly<SavedRooms> | null;
}

export interface CheckOptions {
  /** The lines of a file of `lineOf`, in its order. */
  readonly saved?: AsyncIterable<string> | undefined;
  /** Called once, before the rooms. */
  onServer?(server: HistoryId): void;
  /** Called after each batch, with its rooms by ascending id and the counts so far. */
  onBatch?(heads: readonly RoomHead[], rooms: number, events: number): void | Promise<void>;
  /** Called for each room that lost events. */
  onLost?(saved: RoomHead, now: RoomHead): void;
}

/** A line of a saved file that is none, or stands in the wrong order. The message holds no part of it. */
export class SavedFileError extends Error {}

export const lineOf = ({ roomId, lastSeq, lastMark }: RoomHead): string => `${roomId} ${lastSeq} ${lastMark}\n`;

/**
 * Reads the whole database and tells where it does not fit together. It takes no locks: each batch of rooms is one snapshot of a
 * read-only transaction, so that nodes may write meanwhile, and a standby does as well. Rejects with a `Problem` when it cannot
 * read, and with `SavedFileError`.
 */
export async function checkHistory(url: string, options: CheckOptions = {}): Promise<HistoryCheck> {
  const limits = { statement_timeout: STATEMENT_MS, idle_in_transaction_session_timeout: STATEMENT_MS };
  const connection = new Connection(url, { ...SERVING, ...limits });
  try {
    const found = await checkAll(connection.sql, options);
    await connection.end();
    return found;
  } catch (error) {
    connection.destroy();
    throw problemOf(error);
  }
}

async function checkAll(sql: Sql, { saved, onServer, onBatch, onLost }: CheckOptions): Promise<HistoryCheck> {
  const server = await askHistory(sql);
  onServer?.(server);
  const findings = createFindings();
  const comparison = saved && (await createComparison(saved, onLost));
  let [rooms, events, withoutEvents] = [0, 0, 0];
  for (let after: string | undefined = LOWEST; after !== undefined; ) {
    await sql`begin isolation level repeatable read read only`;
    const batch: readonly Room[] = await roomsAfter(sql, after);
    const until: string = batch.length < ROOMS ? HIGHEST : (batch.at(-1)?.roomId ?? HIGHEST);
    const checked = new Map(batch.map((room) => [room.roomId, room]));
    const range = { after, until };
    for (const room of batch) checkCounters(room, findings);
    const kept = await checkEvents(sql, range, checked, findings);
    await checkSeqs(membersIn(sql, range), checked, (roomId) => findings.add("members", roomId), findings);
    await checkSeqs(receiptsIn(sql, range), checked, (roomId) => findings.add("receipts", roomId), findings);
    await comparison?.compare(sql, batch);
    await sql`commit`;
    findings.settle();
    rooms += batch.length;
    events += kept.events;
    withoutEvents += batch.length - kept.rooms;
    await onBatch?.(batch, rooms, events);
    after = batch.length < ROOMS ? undefined : until;
  }
  return { server, rooms, events, withoutEvents, damage: findings.list(), saved: (await comparison?.end()) ?? null };
}

/** Counts the rooms of each kind of damage. A room is within one batch, so only a batch's are remembered. */
function createFindings() {
  const kinds = Object.keys(DAMAGE) as DamageKind[];
  const found = kinds.map((kind) => ({ kind, sentence: DAMAGE[kind], rooms: 0, examples: [] as string[] }));
  const batch = new Map<DamageKind, Set<string>>(kinds.map((kind) => [kind, new Set()]));
  return {
    add: (kind: DamageKind, roomId: string) => void batch.get(kind)?.add(roomId),
    settle(): void {
      for (const each of found) {
        const rooms = batch.get(each.kind) ?? new Set();
        each.rooms += rooms.size;
        for (const roomId of rooms) if (each.examples.length < EXAMPLES) each.examples.push(roomId);
        rooms.clear();
      }
    },
    list: () => found.filter(({ rooms }) => rooms > 0),
  };
}
type Findings = ReturnType<typeof createFindings>;

interface Room extends RoomHead {
  readonly messageCount: number;
  readonly messageSeq: number | null;
  readonly ordinal: number | null;
}

/** The rooms after an id, each with its newest message. */
const roomsAfter = (sql: Sql, after: string): Promise<readonly Room[]> =>
  sql<Room[]>`
    select r.room_id, r.last_seq, r.last_mark, r.message_count, m.seq as message_seq, m.place as ordinal
    from (select * from rooms where room_id > ${after} order by room_id limit ${ROOMS}) r
    left join lateral (select seq, place from messages where room_id = r.room_id order by seq desc limit 1) m on true
    order by r.room_id`.execute();

function checkCounters({ roomId, lastSeq, messageCount, messageSeq, ordinal }: Room, findings: Findings): void {
  if ((messageSeq ?? 0) > lastSeq) findings.add("messages", roomId);
  if ((ordinal ?? 0) !== messageCount) findings.add("messageCount", roomId);
}

interface Range {
  /** The room ids above this one. */
  readonly after: string;
  readonly until: string;
}

interface Event {
  readonly roomId: string;
  readonly seq: number;
  readonly mark: number;
  readonly prev: number;
  readonly noMessage: boolean;
  readonly noReaction: boolean;
}

const indexesOf = (types: ReadonlySet<string>): number[] =>
  EVENT_TYPES.flatMap((type, index) => (types.has(type) ? [index] : []));

/** Pages of events by the primary key. `offset 0` keeps each existence a look-up by index. */
async function* eventsIn(sql: Sql, { after, until }: Range): AsyncGenerator<readonly Event[]> {
  let [room, seq] = [after, 0];
  for (let full = true; full; ) {
    const page: readonly Event[] = await sql<Event[]>`
      select e.room_id, e.seq, e.mark, e.prev,
        e.type = any(${indexesOf(OF_MESSAGES)}::bigint[]) and not exists (
          select from messages where room_id = e.room_id and message_id = e.subject_id offset 0) as no_message,
        e.type = any(${indexesOf(OF_REACTIONS)}::bigint[]) and not exists (
          select from reactions where room_id = e.room_id and reaction_id = e.subject_id offset 0) as no_reaction
      from (
        select * from events where (room_id, seq) > (${room}::uuid, ${seq}::bigint) and room_id > ${after} and room_id <= ${until}
        order by room_id, seq limit ${PAGE}
      ) e order by e.room_id, e.seq`;
    yield page;
    full = page.length === PAGE;
    ({ roomId: room, seq } = page.at(-1) ?? { roomId: room, seq });
  }
}

/** Checks the kept events, and returns their number and that of their rooms. */
async function checkEvents(sql: Sql, range: Range, rooms: ReadonlyMap<string, Room>, findings: Findings) {
  let last: Event | undefined;
  const kept = { events: 0, rooms: 0 };
  const checkLast = () => {
    const room = rooms.get(last?.roomId ?? "");
    if (last && !room) findings.add("noRoom", last.roomId);
    if (!last || !room) return;
    kept.rooms += 1;
    if (last.seq !== room.lastSeq || last.mark !== room.lastMark) findings.add("lastEvent", room.roomId);
  };
  for await (const page of eventsIn(sql, range))
    for (const event of page) {
      kept.events += 1;
      if (event.noMessage) findings.add("noMessage", event.roomId);
      if (event.noReaction) findings.add("noReaction", event.roomId);
      if (event.roomId !== last?.roomId) checkLast();
      else if (event.seq !== last.seq + 1) findings.add("gap", event.roomId);
      else if (event.prev !== last.mark) findings.add("link", event.roomId);
      last = event;
    }
  checkLast();
  return kept;
}

/** A row of a room, and the highest seq that it names. */
interface Named {
  readonly roomId: string;
  readonly userId: string;
  readonly seq: number;
}

async function* membersIn(sql: Sql, { after, until }: Range): AsyncGenerator<readonly Named[]> {
  let [room, user] = [after, ""];
  for (let full = true; full; ) {
    const page: readonly Named[] = await sql<Named[]>`
      select room_id, user_id, greatest(joined_seq, left_seq) as seq from members
      where (room_id, user_id) > (${room}::uuid, ${user}::text) and room_id > ${after} and room_id <= ${until}
      order by room_id, user_id limit ${PAGE}`;
    yield page;
    full = page.length === PAGE;
    ({ roomId: room, userId: user } = page.at(-1) ?? { roomId: room, userId: user });
  }
}

type Receipt = Named & { readonly hidden: boolean; readonly private: boolean };

async function* receiptsIn(sql: Sql, { after, until }: Range): AsyncGenerator<readonly Named[]> {
  let last = { roomId: after, userId: "", hidden: true, private: true };
  for (let full = true; full; ) {
    const page: readonly Receipt[] = await sql<Receipt[]>`
      select room_id, user_id, hidden, private, greatest(stamp_seq, message_seq) as seq from receipts
      where (room_id, user_id, hidden, private) > (${last.roomId}::uuid, ${last.userId}::text, ${last.hidden}, ${last.private})
        and room_id > ${after} and room_id <= ${until}
      order by room_id, user_id, hidden, private limit ${PAGE}`;
    yield page;
    full = page.length === PAGE;
    last = page.at(-1) ?? last;
  }
}

async function checkSeqs(
  pages: AsyncIterable<readonly Named[]>,
  rooms: ReadonlyMap<string, Room>,
  beyond: (roomId: string) => void,
  findings: Findings,
): Promise<void> {
  for await (const page of pages)
    for (const { roomId, seq } of page) {
      const room = rooms.get(roomId);
      if (!room) findings.add("noRoom", roomId);
      else if (seq > room.lastSeq) beyond(roomId);
    }
}

/** The heads of a saved file, in its ascending order. */
async function* headsOf(lines: AsyncIterable<string>): AsyncGenerator<RoomHead> {
  let [number, before] = [0, ""];
  for await (const line of lines) {
    number += 1;
    const [, roomId, seq, mark] =
      /^([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}) (\d{1,16}) (\d{1,10})$/.exec(line) ?? [];
    if (roomId === undefined || roomId <= before)
      throw new SavedFileError(`line ${number} is not a room of a saved file, in its order`);
    before = roomId;
    yield { roomId, lastSeq: Number(seq), lastMark: Number(mark) };
  }
}

/** Compares batches of rooms with saved heads: both ascend, so that one of the saved ones is in memory at a time. */
async function createComparison(lines: AsyncIterable<string>, onLost: CheckOptions["onLost"]) {
  const file = headsOf(lines);
  const counts: SavedRooms = { same: 0, grown: 0, lost: 0, untold: 0, missing: 0, missingExamples: [], added: 0 };
  const next = async (): Promise<RoomHead | undefined> => {
    const step = await file.next();
    return step.done ? undefined : step.value;
  };
  let saved = await next();

  const miss = async (roomId: string) => {
    counts.missing += 1;
    if (counts.missingExamples.length < EXAMPLES) counts.missingExamples.push(roomId);
    saved = await next();
  };
  const lose = (before: RoomHead, now: RoomHead) => {
    counts.lost += 1;
    onLost?.(before, now);
  };

  return {
    async compare(sql: Sql, rooms: readonly Room[]): Promise<void> {
      const higher: { readonly before: RoomHead; readonly now: Room }[] = [];
      for (const now of rooms) {
        while (saved && saved.roomId < now.roomId) await miss(saved.roomId);
        if (saved?.roomId !== now.roomId) {
          counts.added += 1;
          continue;
        }
        if (now.lastSeq > saved.lastSeq) higher.push({ before: saved, now });
        else if (now.lastSeq === saved.lastSeq && now.lastMark === saved.lastMark) counts.same += 1;
        else lose(saved, now);
        saved = await next();
      }
      const asked = new Map(higher.map(({ before }) => [before.roomId, before.lastSeq]));
      const found = await heads(sql, asked);
      for (const { before, now } of higher) {
        const mark = found.get(now.roomId)?.found ?? null;
        if (mark === null) counts.untold += 1;
        else if (mark === before.lastMark) counts.grown += 1;
        else lose(before, now);
      }
    },
    async end(): Promise<SavedRooms> {
      while (saved) await miss(saved.roomId);
      return counts;
    },
  };
}
