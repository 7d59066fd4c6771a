/** The content of a message, apart from its sender and its times. */
import type { MessageRow, Revision } from "./rows.ts";

/** The type of an encrypted message: its text is unknown here. */
export const ENCRYPTED = "m.room.encrypted";

/** The content of a deleted message. */
export const EMPTY = {
  ...{ content: "", mentions: null, textMentions: null },
  ...{ type: "m.text", file: null, threadRoot: null },
} as const;

/** The content of a message that Matrix redacted: the same as of a message that was redacted before it came. */
export const BARE = { ...EMPTY, replyTo: null, editSeq: null, editedAt: null } as const;

export const revisionOf = ({ content, type, file, mentions }: MessageRow): Revision => ({
  content,
  type,
  file,
  mentions,
});

/** True when both have the same content. */
export const sameRevision = (one: Revision, other: Revision): boolean =>
  one.content === other.content &&
  one.type === other.type &&
  JSON.stringify(one.file) === JSON.stringify(other.file) &&
  JSON.stringify(one.mentions) === JSON.stringify(other.mentions);

/** The users that a message mentions, each once: first the list of its author, then the names in its text. */
export const mentioned = ({ mentions, textMentions }: Pick<MessageRow, "mentions" | "textMentions">): string[] => [
  ...new Set([...(mentions ?? []), ...(textMentions ?? [])]),
];
