/** The lines of a chat in the order in which they appear: days, the divider, messages, and those that are on their way. Pure. */
import { type Chat, type Draft, type Entry, firstNew, readByAll, readersOf } from "./chat.ts";
import type { Session } from "./session.ts";

/**
 * Where one's own message is. `pending`: on its way; `failed`: refused; `sent`: stored, and delivered to whoever is there; `read`:
 * everybody else in the room has read it. Others' messages are `received`.
 */
export type Progress = "pending" | "failed" | "sent" | "read" | "received";

export interface ShownMessage {
  key: string;
  entry: Entry;
  progress: Progress;
  /** It has not been stored yet. */
  draft: Draft | undefined;
  /** It follows one of the same person, so that the name need not be said again. */
  follows: boolean;
  /** Who has read up to here. */
  readers: readonly string[];
}

export type Shown =
  | { type: "day"; key: string; time: string }
  | { type: "divider"; key: string }
  | { type: "message"; key: string; message: ShownMessage };

/** Messages of one person within this time stand together. */
const TOGETHER_MS = 5 * 60_000;

export function shownOf(chat: Chat, { drafts, me }: Pick<Session, "drafts" | "me">): readonly Shown[] {
  const readers = readersOf(chat, me.userId);
  const readUpTo = readByAll(chat, me.userId);
  const divided = firstNew(chat, me.userId);
  const own = drafts.filter(({ chatId }) => chatId === chat.chatId);
  const all = [
    ...chat.entries.map((entry) => ({ entry, draft: undefined })),
    ...own.map((draft) => ({ entry: entryOf(draft, me.userId), draft })),
  ];
  return all.flatMap(({ entry, draft }, at) => {
    const before = all[at - 1]?.entry;
    const divides = entry.messageId === divided;
    const newDay = before === undefined || dayOf(before) !== dayOf(entry);
    const message: ShownMessage = {
      key: entry.key,
      entry,
      draft,
      progress: progressOf(entry, draft, me.userId, readUpTo),
      follows: !divides && !newDay && together(before, entry),
      readers: readers.get(entry.messageId) ?? [],
    };
    return [
      ...(newDay ? [{ type: "day" as const, key: `day ${entry.key}`, time: entry.sentAt }] : []),
      ...(divides ? [{ type: "divider" as const, key: "divider" }] : []),
      { type: "message" as const, key: entry.key, message },
    ];
  });
}

function progressOf(entry: Entry, draft: Draft | undefined, me: string, readUpTo: number): Progress {
  if (draft !== undefined) return draft.failed === undefined ? "pending" : "failed";
  if (entry.senderId !== me) return "received";
  return entry.seq <= readUpTo ? "read" : "sent";
}

const dayOf = ({ sentAt }: Entry) => new Date(sentAt).toDateString();

const together = (before: Entry, entry: Entry) =>
  before.senderId === entry.senderId && Date.parse(entry.sentAt) - Date.parse(before.sentAt) < TOGETHER_MS;

/** What a message will be once it is stored. */
const entryOf = ({ chatId, key, text, sentAt, replyTo }: Draft, me: string): Entry => ({
  key,
  messageId: "",
  senderId: me,
  text,
  sentAt,
  seq: Number.MAX_SAFE_INTEGER,
  edited: false,
  deleted: false,
  replyTo:
    replyTo === undefined
      ? null
      : {
          chatId,
          timeStamp: replyTo.sentAt,
          messageId: replyTo.messageId,
          senderId: replyTo.senderId,
          content: replyTo.text,
          edited: replyTo.edited,
          editedAt: null,
        },
  reactions: [],
});
