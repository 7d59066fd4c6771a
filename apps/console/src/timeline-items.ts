/** The items of a chat in their order: days, the divider, messages, and own messages that are not stored yet. Pure. */
import { type Chat, type Draft, type Entry, firstNew, readByAll, readersOf } from "./chat.ts";
import type { Session } from "./session.ts";

/**
 * The progress of an own message. `pending`: being sent; `failed`: refused; `sent`: stored, and delivered to all connected members;
 * `read`: all other members have read it. Messages of others are `received`.
 */
export type Progress = "pending" | "failed" | "sent" | "read" | "received";

export interface MessageItem {
  key: string;
  entry: Entry;
  progress: Progress;
  /** Set while the message is not stored. */
  draft: Draft | undefined;
  /** It follows a message of the same user, so that the name is not shown again. */
  follows: boolean;
  /** The ids of the users for which this is the last read message. */
  readers: readonly string[];
}

export type TimelineItem =
  | { type: "day"; key: string; time: string }
  | { type: "divider"; key: string }
  | { type: "message"; key: string; message: MessageItem };

/** Messages of one user within this time are grouped. */
const GROUP_MS = 5 * 60_000;

export function timelineItems(chat: Chat, { drafts, me }: Pick<Session, "drafts" | "me">): readonly TimelineItem[] {
  const readers = readersOf(chat, me.userId);
  const readUpTo = readByAll(chat, me.userId);
  const dividerAt = firstNew(chat, me.userId);
  const own = drafts.filter(({ chatId }) => chatId === chat.chatId);
  const all = [
    ...chat.entries.map((entry) => ({ entry, draft: undefined })),
    ...own.map((draft) => ({ entry: entryOf(draft, me.userId), draft })),
  ];
  return all.flatMap(({ entry, draft }, at) => {
    const before = all[at - 1]?.entry;
    const isFirstNew = entry.messageId === dividerAt;
    const newDay = before === undefined || dayOf(before) !== dayOf(entry);
    const message: MessageItem = {
      key: entry.key,
      entry,
      draft,
      progress: progressOf(entry, draft, me.userId, readUpTo),
      follows: !isFirstNew && !newDay && isGrouped(before, entry),
      readers: readers.get(entry.messageId) ?? [],
    };
    return [
      ...(newDay ? [{ type: "day" as const, key: `day ${entry.key}`, time: entry.sentAt }] : []),
      ...(isFirstNew ? [{ type: "divider" as const, key: "divider" }] : []),
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

const isGrouped = (before: Entry, entry: Entry) =>
  before.senderId === entry.senderId && Date.parse(entry.sentAt) - Date.parse(before.sentAt) < GROUP_MS;

/** An own message as it will be once it is stored. */
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
