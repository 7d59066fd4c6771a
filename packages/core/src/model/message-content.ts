/** What a message says, apart from who said it and when. */
import type { MessageRow, Revision } from "./rows.ts";

/** The type of a message whose text only its readers can read. */
export const ENCRYPTED = "m.room.encrypted";

/** What a deletion leaves of a message. */
export const EMPTY = { content: "", textMentions: null, type: "m.text", file: null, threadRoot: null } as const;

/** What a redaction by Matrix leaves of it: no more than is known of one that was redacted before it came. */
export const BARE = { ...EMPTY, replyTo: null, mentions: null, editSeq: null, editedAt: null } as const;

export const revisionOf = ({ content, type, file, mentions }: MessageRow): Revision => ({
  content,
  type,
  file,
  mentions,
});

/** Whether both say the same. */
export const sameRevision = (one: Revision, other: Revision): boolean =>
  one.content === other.content &&
  one.type === other.type &&
  JSON.stringify(one.file) === JSON.stringify(other.file) &&
  JSON.stringify(one.mentions) === JSON.stringify(other.mentions);

/** Whom a message mentions: those that its author gave, then those that its text names, each once. */
export const mentioned = ({
  mentions,
  textMentions: named,
}: Pick<MessageRow, "mentions" | "textMentions">): string[] => [...new Set([...(mentions ?? []), ...(named ?? [])])];
