/** The content of an event: any JSON object, of which only what has the right type counts. */
import type { Attachment, Revision } from "@signalbox/core/model/rows";
import { isObject } from "@signalbox/protocol/text";
import { MESSAGE_BYTES } from "@signalbox/protocol/up";
import { isEventId, isUserId, type Json } from "./events.ts";

/** Where a message that we write carries our client id. */
export const CLIENT_ID = "dev.signalbox.client_message_id";
/** The longest client id, in characters, as natively. */
const CLIENT_ID_LENGTH = 64;
/** The longest name of a person or a room, in characters, as natively. */
const NAME_LENGTH = 200;
/** The longest key of a reaction, in bytes, as natively. */
const KEY_BYTES = 64;
/** The longest file name or type, in bytes. */
const LABEL_BYTES = 1024;
/** So many of those whom a message mentions count, as natively. */
const MENTIONS = 100;

const UNSTORABLE = /[\0\p{Surrogate}]/gu;
const FILES: ReadonlySet<unknown> = new Set(["m.file", "m.image", "m.audio", "m.video"]);
const encoder = new TextEncoder();

/** Text as it can be stored, of at most `bytes` of UTF-8: cut between two characters. */
export function clean(text: string, bytes: number): string {
  // No text of that many units, three bytes each at most, can be too long.
  const stored = text.slice(0, bytes + 1).replace(UNSTORABLE, "\uFFFD");
  if (stored.length * 3 <= bytes) return stored;
  return stored.slice(0, encoder.encodeInto(stored, new Uint8Array(bytes)).read);
}

const textAt = (json: Json, key: string, bytes: number): string | null => {
  const value = json[key];
  return typeof value === "string" ? clean(value, bytes) : null;
};

/** A name that is not only white space; null for none. */
export function nameAt(content: Json, key: string): string | null {
  const name = textAt(content, key, NAME_LENGTH * 4)?.trim() ?? "";
  return name === "" ? null : name.slice(0, NAME_LENGTH).replace(UNSTORABLE, "");
}

export const objectAt = (json: Json, key: string): Json => {
  const value = json[key];
  return isObject(value) ? value : {};
};

/** What an event says of others. Ids are events of Matrix. */
export interface Relation {
  /** The event that it edits. */
  readonly edits: string | null;
  readonly annotates: string | null;
  readonly replyTo: string | null;
  readonly threadRoot: string | null;
  /** Its body may begin with lines that old clients quote. */
  readonly quotes: boolean;
}

export function relationOf(content: Json): Relation {
  const relates = objectAt(content, "m.relates_to");
  const target = isEventId(relates.event_id) ? relates.event_id : null;
  const { event_id: answered } = objectAt(relates, "m.in_reply_to");
  const of = (type: string) => (relates.rel_type === type ? target : null);
  const threadRoot = of("m.thread");
  // Within a thread, what falls back is named only for clients that know no threads.
  const fallsBack = threadRoot !== null && relates.is_falling_back === true;
  return {
    edits: of("m.replace"),
    annotates: of("m.annotation"),
    replyTo: isEventId(answered) && !fallsBack ? answered : null,
    threadRoot,
    quotes: isEventId(answered),
  };
}

/** The key of a reaction, cut where it is longer than a native one may be: as cut it shows, and can be taken back. Null for none. */
export const keyOf = (content: Json): string | null =>
  textAt(objectAt(content, "m.relates_to"), "key", KEY_BYTES) || null;

/** Our client id, for whoever believes it. */
export function clientIdOf(content: Json): string | null {
  const id = content[CLIENT_ID];
  const fits = typeof id === "string" && id !== "" && id.length <= CLIENT_ID_LENGTH;
  return fits && clean(id, CLIENT_ID_LENGTH * 4) === id ? id : null;
}

/** The Matrix users whom a message names. */
export function mentionsOf(content: Json): string[] {
  const { user_ids: ids } = objectAt(content, "m.mentions");
  return Array.isArray(ids) ? [...new Set(ids.filter(isUserId))].slice(0, MENTIONS) : [];
}

/** What a message of Matrix says, before it is known who its users are here. */
export type MessageContent = Omit<Revision, "mentions">;

/** The content of an `m.room.message`, or of its `m.new_content`; null when it holds no message. */
export function sayingOf(content: Json, quotes: boolean): MessageContent | null {
  const { msgtype, body } = content;
  if (typeof msgtype !== "string" && typeof body !== "string") return null;
  const said = typeof body === "string" ? body : "";
  return {
    content: clean(quotes ? withoutQuote(said) : said, MESSAGE_BYTES),
    type: typeOf(msgtype),
    file: FILES.has(msgtype) ? fileOf(content) : null,
  };
}

/** What only events of their own type are must not be claimed by the words of a message. */
function typeOf(msgtype: unknown): string {
  const claimed = msgtype === "m.room.encrypted" || msgtype === "m.sticker" || msgtype === "";
  return typeof msgtype !== "string" || claimed ? "m.text" : clean(msgtype, 255);
}

/** The content of an `m.sticker`. */
export const stickerOf = (content: Json): MessageContent => ({
  content: textAt(content, "body", MESSAGE_BYTES) ?? "",
  type: "m.sticker",
  file: fileOf(content),
});

/** A message whose text is not ours to read. */
export const ENCRYPTED_CONTENT: MessageContent = { content: "", type: "m.room.encrypted", file: null };
/** A message that was taken back. */
export const REDACTED_CONTENT: MessageContent = { content: "", type: "m.text", file: null };

function fileOf(content: Json): Attachment {
  const info = objectAt(content, "info");
  // An encrypted file's address stands beside its key.
  const url = content.url ?? objectAt(content, "file").url;
  return {
    filename: textAt(content, "filename", LABEL_BYTES) ?? textAt(content, "body", LABEL_BYTES),
    mime_type: textAt(info, "mimetype", LABEL_BYTES),
    size: typeof info.size === "number" && Number.isSafeInteger(info.size) && info.size >= 0 ? info.size : null,
    // One that was cut would lead elsewhere.
    mxc_uri: typeof url === "string" && /^mxc:\/\/[!-~]{1,1000}$/.test(url) ? url : null,
  };
}

/** Takes away what old clients put before an answer: lines behind "> ", the first of which names who said them, and an empty one. */
function withoutQuote(body: string): string {
  if (!/^> (\* )?<@/.test(body)) return body;
  const lines = body.split("\n");
  const first = lines.findIndex((line) => !line.startsWith("> "));
  if (first === -1) return "";
  return lines.slice(lines[first] === "" ? first + 1 : first).join("\n");
}
