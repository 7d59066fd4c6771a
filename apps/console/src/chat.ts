/** One chat as it is shown: what is loaded, and what was heard since. Pure. */
import type { DurableEvent, Message, Original, RoomState } from "@signalbox/client";

export interface Reaction {
  reactionId: string;
  senderId: string;
  reaction: string;
}

/** A message that is stored. */
export interface Entry {
  /** Stays the same from the moment it was sent here. */
  key: string;
  messageId: string;
  senderId: string;
  text: string;
  sentAt: string;
  seq: number;
  edited: boolean;
  deleted: boolean;
  replyTo: Original | null;
  reactions: readonly Reaction[];
}

/** A message that is not stored yet. */
export interface Draft {
  chatId: string;
  /** Its `clientMessageId`. */
  key: string;
  text: string;
  sentAt: string;
  /** The message that it answers. */
  replyTo: Entry | undefined;
  /** Why it was refused. */
  failed: string | undefined;
}

export interface Person {
  userId: string;
  name: string;
}

export interface Chat {
  chatId: string;
  /** In the order of their seqs. */
  entries: readonly Entry[];
  members: readonly Person[];
  /** Up to which message each has read. */
  receipts: ReadonlyMap<string, string>;
  /** What the person had read when the chat was opened, and the room's seq then; undefined while that is unknown. */
  marker: { messageId: string | null; seq: number } | undefined;
  /** There is nothing older than what is loaded, or no room for it. */
  complete: boolean;
  /** While a page is on its way: what was heard meanwhile, which the page may know or not. */
  heard: readonly DurableEvent[] | undefined;
}

/** More than this is not kept; what was dropped is loaded again by scrolling. */
export const ENTRIES_MAX = 2000;
/** How many messages a page of the history has. */
export const PAGE = 50;

/** A chat that is being opened: its first page is on its way. */
export const opening = (chatId: string): Chat => ({
  chatId,
  entries: [],
  members: [],
  receipts: new Map(),
  marker: undefined,
  complete: false,
  heard: [],
});

/** A page is asked for. */
export const loading = (chat: Chat): Chat => ({ ...chat, heard: chat.heard ?? [] });

/** The page did not come. */
export const notLoaded = (chat: Chat): Chat => ({ ...chat, heard: undefined });

/** A page came: the newest one, or the one before what is there. */
export function loaded(chat: Chat, page: readonly Message[], newest: boolean): Chat {
  const keys = new Map(chat.entries.map(({ messageId, key }) => [messageId, key]));
  const fresh = page.map((message) => entryOf(message, keys.get(message.messageId)));
  const known = new Set(fresh.map(({ messageId }) => messageId));
  // What is younger than the newest page came since it was read.
  const last = Math.max(0, ...fresh.map(({ seq }) => seq));
  const rest = chat.entries.filter(({ messageId, seq }) => !known.has(messageId) && !(newest && seq <= last));
  const entries = [...fresh, ...rest].sort((one, other) => one.seq - other.seq);
  const complete = page.length < PAGE || entries.length >= ENTRIES_MAX;
  const merged = { ...chat, entries, complete, heard: undefined };
  // What was heard meanwhile once more: hearing it twice changes nothing.
  return (chat.heard ?? []).reduce(hear, merged);
}

/** The room's members and receipts came; the marker is that of the first time. */
export function described(chat: Chat, state: RoomState): Chat {
  const receipts = new Map(chat.receipts);
  for (const { user_id, last_read_event_id } of state.members)
    if (last_read_event_id !== null) receipts.set(user_id, bare(last_read_event_id));
  const own = state.last_read_event_id;
  return {
    ...chat,
    members: state.members.map(({ user_id, name }) => ({ userId: user_id, name: name ?? user_id })),
    receipts,
    marker: chat.marker ?? { messageId: own === null ? null : bare(own), seq: state.cursor },
  };
}

/** The state of a room prints `evt-<uuid>` where events print the UUID. */
const bare = (eventId: string) => eventId.replace(/^evt-/, "");

/** Something durable happened in the chat. Twice is as once. */
export function hear(chat: Chat, event: DurableEvent): Chat {
  const heard = chat.heard === undefined ? undefined : [...chat.heard, event].slice(-ENTRIES_MAX);
  return take(heard === undefined ? chat : { ...chat, heard }, event);
}

function take(chat: Chat, event: DurableEvent): Chat {
  switch (event.type) {
    case "SEND_MSG":
    case "REPLY":
      return added(chat, event);
    case "EDIT_MSG":
      return changed(chat, event.messageId, (entry) => ({ ...entry, text: event.message, edited: true }));
    case "DELETE_MSG":
      return changed(chat, event.messageId, (entry) => ({ ...entry, text: "", deleted: true, reactions: [] }));
    case "REACT":
      return changed(chat, event.parentMessageId, (entry) => reacted(entry, event));
    case "DELETE_REACT":
      return changed(chat, event.parentMessageId, (entry) => ({
        ...entry,
        reactions: entry.reactions.filter(({ reactionId }) => reactionId !== event.messageId),
      }));
    case "USER_JOIN":
      return joined(chat, { userId: event.message, name: event.username });
    case "USER_LEAVE":
      return { ...chat, members: chat.members.filter(({ userId }) => userId !== event.senderId) };
    default:
      return chat;
  }
}

function added(chat: Chat, event: Extract<DurableEvent, { type: "SEND_MSG" | "REPLY" }>): Chat {
  if (chat.entries.some(({ messageId }) => messageId === event.messageId)) return chat;
  const entry: Entry = {
    key: event.clientMessageId ?? event.messageId,
    messageId: event.messageId,
    senderId: event.senderId,
    text: event.message,
    sentAt: event.timeStamp,
    seq: event.seq,
    edited: false,
    deleted: false,
    replyTo: event.type === "REPLY" ? event.replyTo : null,
    reactions: [],
  };
  const at = chat.entries.findLastIndex(({ seq }) => seq < entry.seq) + 1;
  const entries = chat.entries.toSpliced(at, 0, entry);
  const kept = entries.slice(-ENTRIES_MAX);
  return { ...chat, entries: kept, complete: chat.complete && kept.length === entries.length };
}

function changed(chat: Chat, messageId: string, change: (entry: Entry) => Entry): Chat {
  const at = chat.entries.findIndex((entry) => entry.messageId === messageId);
  const entry = chat.entries[at];
  return entry === undefined ? chat : { ...chat, entries: chat.entries.with(at, change(entry)) };
}

function reacted(entry: Entry, event: Extract<DurableEvent, { type: "REACT" }>): Entry {
  if (entry.reactions.some(({ reactionId }) => reactionId === event.messageId)) return entry;
  const reaction = { reactionId: event.messageId, senderId: event.senderId, reaction: event.message };
  return { ...entry, reactions: [...entry.reactions, reaction] };
}

function joined(chat: Chat, person: Person): Chat {
  const others = chat.members.filter(({ userId }) => userId !== person.userId);
  return { ...chat, members: [...others, person] };
}

/** Somebody has read up to a message. One that lies before the known one changes nothing. */
export function read(chat: Chat, userId: string, messageId: string): Chat {
  const before = chat.receipts.get(userId);
  if (before !== undefined && placeOf(chat, messageId) < placeOf(chat, before)) return chat;
  return { ...chat, receipts: new Map(chat.receipts).set(userId, messageId) };
}

/** Where a message stands among those loaded; -1 before them all. */
const placeOf = (chat: Chat, messageId: string) => chat.entries.findIndex((entry) => entry.messageId === messageId);

/** Who has read exactly up to each message, `me` aside: where their circles stand. */
export function readersOf(chat: Chat, me: string): ReadonlyMap<string, readonly string[]> {
  const readers = new Map<string, string[]>();
  for (const [userId, messageId] of chat.receipts) {
    if (userId === me || !chat.members.some((member) => member.userId === userId)) continue;
    readers.set(messageId, [...(readers.get(messageId) ?? []), userId]);
  }
  return readers;
}

/** The seq up to which everybody but `me` has read; 0 when nobody else is there, or somebody has read nothing that is loaded. */
export function readByAll(chat: Chat, me: string): number {
  const others = chat.members.filter(({ userId }) => userId !== me);
  if (others.length === 0) return 0;
  return Math.min(
    ...others.map(({ userId }) => {
      const messageId = chat.receipts.get(userId);
      return messageId === undefined ? 0 : (chat.entries[placeOf(chat, messageId)]?.seq ?? 0);
    }),
  );
}

/** The first message that was new when the chat was opened: the divider stands before it. */
export function firstNew(chat: Chat, me: string): string | undefined {
  if (chat.marker === undefined) return undefined;
  const { messageId: marker, seq: opened } = chat.marker;
  const at = marker === null ? -1 : placeOf(chat, marker);
  // The marker lies before what is loaded: so does the divider.
  if (at === -1 && !(marker === null && chat.complete)) return undefined;
  const unread = chat.entries.slice(at + 1).find(({ senderId }) => senderId !== me);
  // What came since is being read as it comes.
  return unread !== undefined && unread.seq <= opened ? unread.messageId : undefined;
}

const entryOf = (message: Message, key = message.messageId): Entry => ({
  key,
  messageId: message.messageId,
  senderId: message.senderId,
  text: message.content,
  sentAt: message.timeStamp,
  seq: message.seq,
  edited: message.edited,
  deleted: message.deleted,
  replyTo: message.replyTo,
  reactions: message.reactions.map(({ reactionId, senderId, reaction }) => ({ reactionId, senderId, reaction })),
});
