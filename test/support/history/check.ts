/** Compares what clients hold with what the database has, and what they were told with what it lost. */
import type { PostgresServer } from "../postgres/server.ts";
import type { HeardRoom, Listener } from "./heard.ts";
import type { Sent } from "./sends.ts";

/** An event in the store. */
export interface StoredEvent {
  readonly seq: number;
  /** Of a message. */
  readonly messageId: string | undefined;
  readonly clientMessageId: string | undefined;
}

/** The events of each room, in the order of their seqs. */
export type Truth = ReadonlyMap<string, readonly StoredEvent[]>;
/** The message ids that a change of the database lost, by room; a room that lost none is absent. */
export type Lost = ReadonlyMap<string, ReadonlySet<string>>;

interface Row {
  readonly roomId: string;
  readonly seq: number;
  readonly messageId: string | null;
  readonly clientMessageId: string | null;
}

export async function truthOf(server: PostgresServer, chatIds: readonly string[]): Promise<Truth> {
  const rows = await server.run(
    (sql) => sql<Row[]>`
      select e.room_id, e.seq, m.message_id, m.client_message_id from events e
      left join messages m on m.room_id = e.room_id and m.seq = e.seq
      where e.room_id = any(${[...chatIds]}::uuid[]) order by e.room_id, e.seq`,
  );
  const truth = new Map<string, StoredEvent[]>(chatIds.map((chatId) => [chatId, []]));
  for (const { roomId, seq, messageId, clientMessageId } of rows)
    truth.get(roomId)?.push({
      seq,
      messageId: messageId ?? undefined,
      clientMessageId: clientMessageId ?? undefined,
    });
  return truth;
}

/** The messages that were there before, and are not now. */
export function lostBetween(before: Truth, now: Truth): Lost {
  const lost = new Map<string, ReadonlySet<string>>();
  for (const [chatId, events] of before) {
    const kept = new Set((now.get(chatId) ?? []).map(({ messageId }) => messageId));
    const gone = events.flatMap(({ messageId }) => (messageId === undefined || kept.has(messageId) ? [] : [messageId]));
    if (gone.length > 0) lost.set(chatId, new Set(gone));
  }
  return lost;
}

export interface Findings {
  /** What may still come: events, and resets. */
  readonly missing: readonly string[];
  /** What no later frame repairs. */
  readonly wrong: readonly string[];
}

/** Compares every client with the truth. `losses` are those of each epoch so far, the last one's at the end. */
export function compare(listeners: readonly Listener[], truth: Truth, losses: readonly Lost[]): Findings {
  const missing: string[] = [];
  const wrong: string[] = [];
  for (const { name, rooms } of listeners)
    for (const room of rooms.values()) {
      const events = truth.get(room.chatId);
      if (events === undefined) continue;
      const about = (what: string) => `${name}, room ${room.chatId.slice(-6)} at ${room.cursor}: ${what}`;
      missing.push(...differences(room, events).map(about), ...untold(room, losses).map(about));
      wrong.push(...room.faults.map(about), ...undue(room, losses).map(about));
    }
  return { missing, wrong };
}

/** The messages that a client lacks, and those that it holds in vain. */
function differences({ messages }: HeardRoom, events: readonly StoredEvent[]): string[] {
  const due = new Map(
    events.flatMap(({ seq, messageId }) => (messageId === undefined ? [] : [[seq, messageId] as const])),
  );
  const lacks = [...due].filter(([seq, messageId]) => messages.get(seq) !== messageId).map(([seq]) => seq);
  const vain = [...messages].filter(([seq, messageId]) => due.get(seq) !== messageId).map(([seq]) => seq);
  return [
    ...(lacks.length === 0 ? [] : [`lacks the messages ${list(lacks)}`]),
    ...(vain.length === 0 ? [] : [`holds messages that the database does not have, ${list(vain)}`]),
  ];
}

/** The loss of the last epoch, when it was told of none though it had got some of what was lost. */
function untold({ chatId, ever, resets }: HeardRoom, losses: readonly Lost[]): string[] {
  const epoch = losses.length;
  const lost = losses.at(-1)?.get(chatId) ?? new Set<string>();
  const had = [...lost].filter((messageId) => ever.has(messageId));
  if (had.length === 0) return [];
  return resets.some((told) => told.epoch === epoch && told.reason === "diverged")
    ? []
    : [`was not told that ${had.length} messages that it had got are lost`];
}

/** Resets for another reason, and those of a room that lost nothing. */
function undue({ chatId, resets }: HeardRoom, losses: readonly Lost[]): string[] {
  return resets.flatMap(({ reason, seq, epoch }) => {
    if (reason !== "diverged") return [`was told ${reason} (${seq}) in epoch ${epoch}`];
    return losses[epoch - 1]?.has(chatId) === true
      ? []
      : [`was told of a loss (${seq}) in epoch ${epoch}, without one`];
  });
}

/** Acknowledged sends that are neither in the store nor among the lost, and messages that are there twice. */
export function unkept(acknowledged: readonly Sent[], truth: Truth, losses: readonly Lost[]): string[] {
  const stored = new Map(
    [...truth].map(([chatId, events]) => [chatId, new Map(events.map((event) => [event.messageId, event.seq]))]),
  );
  const lines = acknowledged
    .filter(({ chatId, seq, messageId }) => stored.get(chatId)?.get(messageId) !== seq)
    .filter(({ chatId, messageId }) => !losses.some((lost) => lost.get(chatId)?.has(messageId) === true))
    .map(({ chatId, seq }) => `acknowledged, but not stored: ${seq} of ${chatId}`);
  for (const [chatId, events] of truth) {
    const sends = events.flatMap(({ clientMessageId }) => clientMessageId ?? []);
    if (new Set(sends).size !== sends.length) lines.push(`a send is stored twice in ${chatId}`);
    const gap = events.findIndex(({ seq }, index) => seq !== index + 1);
    if (gap >= 0) lines.push(`the store has a gap in ${chatId} at ${gap + 1}`);
  }
  return lines;
}

const list = (seqs: readonly number[]): string =>
  `${seqs.slice(0, 8).join()}${seqs.length > 8 ? ` … (${seqs.length})` : ""}`;
