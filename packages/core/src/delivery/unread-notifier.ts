import { encodeBody } from "@signalbox/protocol/encode";
import type { Bytes } from "../model/bytes.ts";
import { toBytes, toText } from "../model/bytes.ts";
import type { EventRow } from "../model/rows.ts";
import type { Clock } from "../ports/clock.ts";
import type { Counts, Store } from "../ports/store.ts";
import type { LocalRoom } from "./local-room.ts";
import type { Signal } from "./subscriber.ts";

/** A session hears of what is unread in a room at most this often. */
const UNREAD_MS = 1000;
/** After the store could not answer. */
const RETRY_MS = 1000;
/** What one question asks the store for: a room's users, and whom it mentions. */
const AT_ONCE = 2000;
/** Mentions that wait for their counts at most; what is more comes as unread. */
const MENTIONS = 10_000;

interface MessageRef {
  readonly messageId: string;
  readonly eventId: string | null;
  readonly userId: string;
}
/** The newest message of a room, and the newest by somebody else: its author is told of that one. */
interface UnreadMessages {
  readonly newest: MessageRef;
  readonly other: MessageRef | undefined;
  /** Whom the newest mentions: they have been told at once. */
  readonly mentioned: readonly string[];
}
interface Notification {
  readonly room: LocalRoom;
  readonly userId: string;
  readonly said: MessageRef;
  readonly why: "mention" | "unread";
}

/**
 * Tells sessions what is unread: of a mention at once, of everything else at most once a second per room. The counts are the
 * store's: one question at a time is under way, for all that is due. CONTRACT section 4, "NOTIFICATION".
 */
export class UnreadNotifier {
  readonly #store: Pick<Store, "counts">;
  readonly #clock: Clock;
  readonly #news = new Map<LocalRoom, UnreadMessages>();
  readonly #quietUntil = new Map<LocalRoom, number>();
  #mentions: Notification[] = [];
  #asking = false;
  #closed = false;
  #wakeAt = Number.POSITIVE_INFINITY;
  #callOff: (() => void) | undefined;

  constructor(store: Pick<Store, "counts">, clock: Clock) {
    this.#store = store;
    this.#clock = clock;
  }

  /** A message has been delivered to a room. */
  message(room: LocalRoom, { userId, body }: EventRow): void {
    const messageId = /"messageId":"([^"]*)"/.exec(body)?.[1];
    if (messageId === undefined) return;
    const said = { messageId, eventId: eventIdIn(body), userId };
    const before = this.#news.get(room);
    const other = before === undefined || before.newest.userId === userId ? before?.other : before.newest;
    const mentioned = mentionsIn(body).filter((each) => each !== userId);
    this.#news.set(room, { newest: said, other, mentioned });
    for (const each of mentioned)
      if (this.#mentions.length < MENTIONS) this.#mentions.push({ room, userId: each, said, why: "mention" });
    this.#wake(this.#mentions.length > 0 ? 0 : (this.#quietUntil.get(room) ?? 0) - this.#clock.now());
  }

  /** Nobody here is in the room any more. */
  forget(room: LocalRoom): void {
    this.#news.delete(room);
    this.#quietUntil.delete(room);
  }

  close(): void {
    this.#closed = true;
    this.#callOff?.();
  }

  /** Looks at what is due in `ms`, unless that happens sooner anyway. */
  #wake(ms: number): void {
    if (this.#asking || this.#closed) return;
    if (ms <= 0) return void this.#look();
    const at = this.#clock.now() + ms;
    if (at >= this.#wakeAt) return;
    this.#callOff?.();
    this.#wakeAt = at;
    this.#callOff = this.#clock.after(ms, () => void this.#look());
  }

  async #look(): Promise<void> {
    this.#callOff?.();
    this.#wakeAt = Number.POSITIVE_INFINITY;
    this.#asking = true;
    const rooms = this.#due();
    const due = [...this.#mentions, ...[...rooms].flatMap(([room, news]) => unreadIn(room, news))];
    this.#mentions = [];
    let pause = 0;
    for (let at = 0; at < due.length && pause === 0; at += AT_ONCE)
      if (!(await this.#tell(due.slice(at, at + AT_ONCE)))) pause = RETRY_MS;
    for (const room of rooms.keys()) this.#quietUntil.set(room, this.#clock.now() + UNREAD_MS);
    this.#asking = false;
    const next = this.#mentions.length > 0 ? 0 : this.#next();
    if (next !== undefined) this.#wake(Math.max(next, pause));
  }

  /** Takes the rooms with news that were quiet for long enough. */
  #due(): Map<LocalRoom, UnreadMessages> {
    const now = this.#clock.now();
    for (const [room, until] of this.#quietUntil) if (until <= now) this.#quietUntil.delete(room);
    const due = new Map([...this.#news].filter(([room]) => !this.#quietUntil.has(room)));
    for (const room of due.keys()) this.#news.delete(room);
    return due;
  }

  /** When the next room is due, in milliseconds from now. */
  #next(): number | undefined {
    const now = this.#clock.now();
    const times = [...this.#news.keys()].map((room) => (this.#quietUntil.get(room) ?? now) - now);
    return times.length === 0 ? undefined : Math.min(...times);
  }

  /** False when the store could not answer: what is unread is asked for with the next message. */
  async #tell(notices: readonly Notification[]): Promise<boolean> {
    const asked = notices.map(({ room, userId }) => ({ roomId: room.roomId, userId }));
    let counts: Map<string, Counts>;
    try {
      counts = new Map((await this.#store.counts(asked)).map((each) => [`${each.roomId} ${each.userId}`, each]));
    } catch {
      return false;
    }
    for (const notice of notices) {
      const count = counts.get(`${notice.room.roomId} ${notice.userId}`);
      if (count === undefined || !worthTelling(notice, count)) continue;
      const signal = signalOf(notice, count);
      for (const subscriber of notice.room.live)
        if (subscriber.sink.userId === notice.userId) subscriber.sink.signal(signal);
    }
    return true;
  }
}

/** Everybody in the room, each with the newest message that is not their own. */
function unreadIn(room: LocalRoom, { newest, other, mentioned }: UnreadMessages): Notification[] {
  const told = new Set(mentioned);
  return [...new Set([...room.live].map(({ sink }) => sink.userId))].flatMap((userId) => {
    const said = userId === newest.userId ? other : newest;
    if (said === undefined || told.has(userId)) return [];
    return [{ room, userId, said, why: "unread" as const }];
  });
}

/** It may have been read or deleted by now; and whoever muted a room only wants to hear of being named. */
const worthTelling = ({ why }: Notification, { unread, mentions, mutedUntil }: Counts): boolean =>
  why === "mention" ? mentions > 0 : unread > 0 && mutedUntil === null;

function signalOf(
  { room: { roomId }, said: { messageId, eventId }, why }: Notification,
  { unread, mentions }: Counts,
): Signal {
  const body = {
    type: "NOTIFICATION" as const,
    kind: why,
    chatId: roomId,
    messageId,
    unreadCount: unread,
    mentionCount: mentions,
  };
  return {
    key: why === "mention" ? `mention ${messageId}` : `unread ${roomId}`,
    roomId,
    body: toBytes(encodeBody(body)),
    about: { kind: "notification", why, messageId, eventId, unread, mentions },
  };
}

/** The event id that Matrix gave the message. As with mentions below, nothing inside a text looks like it. */
function eventIdIn(body: Bytes): string | null {
  const json = /"eventId":("(?:[^"\\]|\\.)*")/.exec(body)?.[1];
  return json === undefined ? null : (JSON.parse(toText(json)) as string);
}

const MENTIONS_FIELD = '"mentions":[';

/** Whom a message mentions. Inside a text this field's name would have its quotes escaped: only the field itself is found. */
function mentionsIn(body: Bytes): readonly string[] {
  const at = body.lastIndexOf(MENTIONS_FIELD);
  if (at === -1) return [];
  const list = body.slice(at + MENTIONS_FIELD.length - 1, body.indexOf("]", at) + 1);
  return JSON.parse(list) as string[];
}
