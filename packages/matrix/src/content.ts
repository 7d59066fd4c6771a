/** Reads the content of an event, which may be any JSON object: fields of a wrong type are ignored. */
import type { Revision } from "@signalbox/core/model/rows";
import type { Attachment } from "@signalbox/protocol/down";
import { isObject } from "@signalbox/protocol/text";
import { MESSAGE_BYTES } from "@signalbox/protocol/up";
import { isEventId, isUserId, type Json } from "./events.ts";

/** The field for the client id of a native message. */
export const CLIENT_ID = "dev.signalbox.client_message_id";
/** The longest client id, in characters, as for native messages. */
const CLIENT_ID_LENGTH = 64;
/** The longest name of a user or a room, in characters, as for native ones. */
const NAME_LENGTH = 200;
/** The longest key of a reaction, in bytes, as for native ones. */
const KEY_BYTES = 64;
/** The longest file name or type, in bytes. */
const LABEL_BYTES = 1024;
/** The mentions of a message that count, at most, as for native messages. */
const MOST_MENTIONS = 100;

const UNSTORABLE = /[\0\p{Surrogate}]/gu;
const FILES: ReadonlySet<unknown> = new Set(["m.file", "m.image", "m.audio", "m.video"]);
const encoder = new TextEncoder();

/** Storable text of at most `bytes` of UTF-8, cut between two characters. */
export function clean(text: string, bytes: number): string {
  // A text of fewer units, of three bytes each at most, cannot be too long.
  const stored = text.slice(0, bytes + 1).replace(UNSTORABLE, "\uFFFD");
  if (stored.length * 3 <= bytes) return stored;
  return stored.slice(0, encoder.encodeInto(stored, new Uint8Array(bytes)).read);
}

const textAt = (json: Json, key: string, bytes: number): string | null => {
  const value = json[key];
  return typeof value === "string" ? clean(value, bytes) : null;
};

/** The trimmed name at `key`; null without one, or for white space only. */
export function nameAt(content: Json, key: string): string | null {
  const name = textAt(content, key, NAME_LENGTH * 4)?.trim() ?? "";
  return name === "" ? null : name.slice(0, NAME_LENGTH).replace(UNSTORABLE, "");
}

export const objectAt = (json: Json, key: string): Json => {
  const value = json[key];
  return isObject(value) ? value : {};
};

/** The relations of an event to others, by their event ids. */
export interface Relation {
  /** The event that it edits. */
  readonly edits: string | null;
  readonly annotates: string | null;
  readonly replyTo: string | null;
  readonly threadRoot: string | null;
  /** True when the body may begin with the quotation that old clients add to a reply. */
  readonly quotes: boolean;
}

export function relationOf(content: Json): Relation {
  const relates = objectAt(content, "m.relates_to");
  const target = isEventId(relates.event_id) ? relates.event_id : null;
  const { event_id: repliedTo } = objectAt(relates, "m.in_reply_to");
  const of = (type: string) => (relates.rel_type === type ? target : null);
  const threadRoot = of("m.thread");
  // A falling-back reply within a thread is only for clients without threads.
  const fallsBack = threadRoot !== null && relates.is_falling_back === true;
  return {
    edits: of("m.replace"),
    annotates: of("m.annotation"),
    replyTo: isEventId(repliedTo) && !fallsBack ? repliedTo : null,
    threadRoot,
    quotes: isEventId(repliedTo),
  };
}

/** The key of a reaction, cut to the length of a native one; null without one. */
export const keyOf = (content: Json): string | null =>
  textAt(objectAt(content, "m.relates_to"), "key", KEY_BYTES) || null;

/** The client id in the content, valid or null. Any user may write one: it proves nothing. */
export function clientIdOf(content: Json): string | null {
  const id = content[CLIENT_ID];
  const fits = typeof id === "string" && id !== "" && id.length <= CLIENT_ID_LENGTH;
  return fits && clean(id, CLIENT_ID_LENGTH * 4) === id ? id : null;
}

/** The Matrix users that a message mentions. */
export function mentionsOf(content: Json): string[] {
  const { user_ids: ids } = objectAt(content, "m.mentions");
  return Array.isArray(ids) ? [...new Set(ids.filter(isUserId))].slice(0, MOST_MENTIONS) : [];
}

/** The content of a message of Matrix, without mentions, which need local ids. */
export type MessageContent = Omit<Revision, "mentions">;

/** The content of an `m.room.message`, or of its `m.new_content`; null when it holds no message. */
export function messageContentOf(content: Json, quotes: boolean): MessageContent | null {
  const { msgtype, body } = content;
  if (typeof msgtype !== "string" && typeof body !== "string") return null;
  const text = typeof body === "string" ? body : "";
  return {
    content: clean(quotes ? withoutQuote(text) : text, MESSAGE_BYTES),
    type: typeOf(msgtype),
    file: FILES.has(msgtype) ? fileOf(content) : null,
  };
}

/** The type of a message. One with an event type of its own must not be claimed by `msgtype`. */
function typeOf(msgtype: unknown): string {
  const reserved = msgtype === "m.room.encrypted" || msgtype === "m.sticker" || msgtype === "";
  return typeof msgtype !== "string" || reserved ? "m.text" : clean(msgtype, 255);
}

/** The content of an `m.sticker`. */
export const stickerOf = (content: Json): MessageContent => ({
  content: textAt(content, "body", MESSAGE_BYTES) ?? "",
  type: "m.sticker",
  file: fileOf(content),
});

/** An encrypted message: its text is unknown here. */
export const ENCRYPTED_CONTENT: MessageContent = { content: "", type: "m.room.encrypted", file: null };
/** A redacted message. */
export const REDACTED_CONTENT: MessageContent = { content: "", type: "m.text", file: null };

function fileOf(content: Json): Attachment {
  const info = objectAt(content, "info");
  // The address of an encrypted file is beside its key.
  const url = content.url ?? objectAt(content, "file").url;
  return {
    filename: textAt(content, "filename", LABEL_BYTES) ?? textAt(content, "body", LABEL_BYTES),
    mime_type: textAt(info, "mimetype", LABEL_BYTES),
    size: typeof info.size === "number" && Number.isSafeInteger(info.size) && info.size >= 0 ? info.size : null,
    // Not cut: a shorter address would lead elsewhere.
    mxc_uri: typeof url === "string" && /^mxc:\/\/[!-~]{1,1000}$/.test(url) ? url : null,
  };
}

/** Removes the quotation of old clients before a reply: lines after "> ", the first with the quoted user, then an empty line. */
function withoutQuote(body: string): string {
  if (!/^> (\* )?<@/.test(body)) return body;
  const lines = body.split("\n");
  const first = lines.findIndex((line) => !line.startsWith("> "));
  if (first === -1) return "";
  return lines.slice(lines[first] === "" ? first + 1 : first).join("\n");
}
