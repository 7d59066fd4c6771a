import { encodeBody } from "@signalbox/protocol/encode";
import { toBytes } from "../model/bytes.ts";
import { chunksOf, groupBy } from "../model/groups.ts";
import type { MessageRef } from "../model/rows.ts";
import { type Clock, RETRY_MS } from "../ports/clock.ts";
import { type Faults, reportFault } from "../ports/faults.ts";
import type { Counts, Store } from "../ports/store.ts";
import type { Signal } from "./signal.ts";
import type { Subscriber } from "./subscriber.ts";

/** The shortest time between two unread notifications of a room. */
const UNREAD_MS = 1000;
/** The counts of one read. */
const COUNTS = 2000;
/** The most mentions that wait for their counts; further ones come as unread. */
const MENTIONS = 10_000;

/** A room with subscribers to notify. */
export interface NotifiedRoom {
  readonly roomId: string;
  readonly live: ReadonlySet<Subscriber>;
}

interface Message extends MessageRef {
  readonly senderId: string;
}

/** The newest message of a room, and the newest by another author, which is for the author of the first. */
interface UnreadMessages {
  readonly newest: Message;
  readonly other: Message | undefined;
}

interface Notification {
  readonly room: NotifiedRoom;
  readonly userId: string;
  readonly message: Message;
  readonly why: "mention" | "unread";
}

export interface UnreadNotifierDeps {
  readonly store: Pick<Store, "counts">;
  readonly clock: Clock;
  readonly faults: Faults;
}

/**
 * Notifies sessions of unread messages: of a mention at once, of others at most once a second per room. The counts come from
 * the store: one read at a time is under way, for all that is due. CONTRACT section 4, "NOTIFICATION".
 */
export class UnreadNotifier {
  readonly #deps: UnreadNotifierDeps;
  readonly #messages = new Map<NotifiedRoom, UnreadMessages>();
  readonly #quietUntil = new Map<NotifiedRoom, number>();
  #mentions: Notification[] = [];
  #running = false;
  #closed = false;
  #wakeAt = Number.POSITIVE_INFINITY;
  #cancel: (() => void) | undefined;

  constructor(deps: UnreadNotifierDeps) {
    this.#deps = deps;
  }

  /** Takes a message that has been delivered to a room. */
  message(room: NotifiedRoom, senderId: string, { messageId, eventId, mentions }: MessageRef): void {
    const message = { messageId, eventId, senderId, mentions: mentions.filter((userId) => userId !== senderId) };
    const before = this.#messages.get(room);
    const other = before === undefined || before.newest.senderId === senderId ? before?.other : before.newest;
    this.#messages.set(room, { newest: message, other });
    for (const userId of message.mentions)
      if (this.#mentions.length < MENTIONS) this.#mentions.push({ room, userId, message, why: "mention" });
    this.#wake(this.#mentions.length > 0 ? 0 : (this.#quietUntil.get(room) ?? 0) - this.#deps.clock.now());
  }

  /** Forgets a room without sessions. */
  forget(room: NotifiedRoom): void {
    this.#messages.delete(room);
    this.#quietUntil.delete(room);
  }

  close(): void {
    this.#closed = true;
    this.#cancel?.();
  }

  /** Runs in `ms`, unless an earlier run is planned. */
  #wake(ms: number): void {
    if (this.#running || this.#closed) return;
    if (ms <= 0) return void this.#run();
    const at = this.#deps.clock.now() + ms;
    if (at >= this.#wakeAt) return;
    this.#cancel?.();
    this.#wakeAt = at;
    this.#cancel = this.#deps.clock.after(ms, () => void this.#run());
  }

  async #run(): Promise<void> {
    this.#cancel?.();
    this.#wakeAt = Number.POSITIVE_INFINITY;
    this.#running = true;
    const rooms = this.#takeDue();
    const due = [...this.#mentions, ...[...rooms].flatMap(([room, messages]) => unreadIn(room, messages))];
    this.#mentions = [];
    let pause = 0;
    for (const chunk of chunksOf(due, COUNTS)) if (pause === 0 && !(await this.#notify(chunk))) pause = RETRY_MS;
    for (const room of rooms.keys()) this.#quietUntil.set(room, this.#deps.clock.now() + UNREAD_MS);
    this.#running = false;
    const next = this.#mentions.length > 0 ? 0 : this.#nextDue();
    if (next !== undefined) this.#wake(Math.max(next, pause));
  }

  /** Takes the rooms with messages that were quiet for long enough. */
  #takeDue(): Map<NotifiedRoom, UnreadMessages> {
    const now = this.#deps.clock.now();
    for (const [room, until] of this.#quietUntil) if (until <= now) this.#quietUntil.delete(room);
    const due = new Map([...this.#messages].filter(([room]) => !this.#quietUntil.has(room)));
    for (const room of due.keys()) this.#messages.delete(room);
    return due;
  }

  /** Milliseconds until the next room is due; undefined when none has messages. */
  #nextDue(): number | undefined {
    const now = this.#deps.clock.now();
    const times = [...this.#messages.keys()].map((room) => (this.#quietUntil.get(room) ?? now) - now);
    return times.length === 0 ? undefined : Math.min(...times);
  }

  /** False when the store could not answer: the next message reads the counts again. */
  async #notify(notifications: readonly Notification[]): Promise<boolean> {
    let counts: Map<string, Counts>;
    try {
      counts = await this.#countsFor(notifications);
    } catch (error) {
      reportFault(this.#deps.faults, "notification", error);
      return false;
    }
    for (const [room, each] of groupBy(notifications, (notification) => notification.room)) {
      const subscribers = groupBy(room.live, ({ sink }) => sink.userId);
      for (const notification of each) {
        const count = counts.get(`${room.roomId} ${notification.userId}`);
        if (count === undefined || !isWanted(notification, count)) continue;
        const signal = signalOf(notification, count);
        for (const { sink } of subscribers.get(notification.userId) ?? []) sink.signal(signal);
      }
    }
    return true;
  }

  async #countsFor(notifications: readonly Notification[]): Promise<Map<string, Counts>> {
    const asked = notifications.map(({ room, userId }) => ({ roomId: room.roomId, userId }));
    const counts = await this.#deps.store.counts(asked);
    return new Map(counts.map((each) => [`${each.roomId} ${each.userId}`, each]));
  }
}

/** A notification for each user in the room, with the newest message by another; mentioned users have theirs already. */
function unreadIn(room: NotifiedRoom, { newest, other }: UnreadMessages): Notification[] {
  const mentioned = new Set(newest.mentions);
  return [...new Set([...room.live].map(({ sink }) => sink.userId))].flatMap((userId) => {
    const message = userId === newest.senderId ? other : newest;
    if (message === undefined || mentioned.has(userId)) return [];
    return [{ room, userId, message, why: "unread" as const }];
  });
}

/** True when the message is still unread. A muted room notifies of mentions alone. */
const isWanted = ({ why }: Notification, { unread, mentions, mutedUntil }: Counts): boolean =>
  why === "mention" ? mentions > 0 : unread > 0 && mutedUntil === null;

function signalOf(
  { room: { roomId }, message: { messageId, eventId }, why }: Notification,
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
