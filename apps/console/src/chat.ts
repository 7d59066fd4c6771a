/** The state of one chat: the loaded messages, and the events since. Pure. */
import type { DurableEvent, Message, Original, RoomState } from "@signalbox/client";

export interface Reaction {
  reactionId: string;
  senderId: string;
  reaction: string;
}

/** A message that is stored. */
export interface Entry {
  /** Stays the same from the moment at which the message is sent here. */
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

/** An own message that is not stored yet. */
export interface Draft {
  chatId: string;
  /** Its `clientMessageId`. */
  key: string;
  text: string;
  sentAt: string;
  /** The message that this one answers. */
  replyTo: Entry | undefined;
  /** The reason of the refusal. */
  failed: string | undefined;
}

export interface User {
  userId: string;
  name: string;
}

export interface Chat {
  chatId: string;
  /** In the order of their seqs. */
  entries: readonly Entry[];
  members: readonly User[];
  /** The last message that each member has read, by user id. */
  receipts: ReadonlyMap<string, string>;
  /** The user's last read message when the chat was opened, and the room's seq at that time; undefined while unknown. */
  marker: { messageId: string | null; seq: number } | undefined;
  /** There are no older messages, or there is no space for them. */
  complete: boolean;
  /** While a page is loading: the events since the request, which the page may hold or not. Undefined otherwise. */
  sinceRequest: readonly DurableEvent[] | undefined;
}

/** The most messages that are kept. Dropped ones are loaded again on scrolling. */
export const MAX_ENTRIES = 2000;
/** The messages on a page of the history. */
export const PAGE_SIZE = 50;

/** A chat that is being opened: its first page is loading. */
export const emptyChat = (chatId: string): Chat => ({
  chatId,
  entries: [],
  members: [],
  receipts: new Map(),
  marker: undefined,
  complete: false,
  sinceRequest: [],
});

/** A page was requested. */
export const loading = (chat: Chat): Chat => ({ ...chat, sinceRequest: chat.sinceRequest ?? [] });

/** The request of a page failed. */
export const loadFailed = (chat: Chat): Chat => ({ ...chat, sinceRequest: undefined });

/** A page was loaded: the newest one, or the one before the loaded messages. */
export function loaded(chat: Chat, page: readonly Message[], newest: boolean): Chat {
  const keys = new Map(chat.entries.map(({ messageId, key }) => [messageId, key]));
  const fresh = page.map((message) => entryOf(message, keys.get(message.messageId)));
  const known = new Set(fresh.map(({ messageId }) => messageId));
  // Messages after the newest page came since the server read it.
  const last = Math.max(0, ...fresh.map(({ seq }) => seq));
  const rest = chat.entries.filter(({ messageId, seq }) => !known.has(messageId) && !(newest && seq <= last));
  const entries = [...fresh, ...rest].sort((one, other) => one.seq - other.seq);
  const complete = page.length < PAGE_SIZE || entries.length >= MAX_ENTRIES;
  const merged = { ...chat, entries, complete, sinceRequest: undefined };
  // The events since the request are applied again: twice has the same effect as once.
  return (chat.sinceRequest ?? []).reduce(applyEvent, merged);
}

/** The state of the room was loaded: members and receipts. The marker is that of the first time. */
export function withState(chat: Chat, state: RoomState): Chat {
  const receipts = new Map(chat.receipts);
  for (const { user_id, last_read_event_id } of state.members)
    if (last_read_event_id !== null) receipts.set(user_id, bare(last_read_event_id));
  const own = state.last_read_event_id;
  return {
    ...chat,
    members: state.members.map(({ user_id, name }) => ({ userId: user_id, name: name ?? user_id })),
    receipts,
    marker: chat.marker ?? { messageId: own === null ? null : bare(own), seq: state.room.seq },
  };
}

/** Message ids are `evt-<uuid>` in the state of a room, and the UUID alone in events. */
const bare = (eventId: string) => eventId.replace(/^evt-/, "");

/** Applies a durable event of the chat. Twice has the same effect as once. */
export function applyEvent(chat: Chat, event: DurableEvent): Chat {
  if (chat.sinceRequest === undefined) return apply(chat, event);
  return apply({ ...chat, sinceRequest: [...chat.sinceRequest, event].slice(-MAX_ENTRIES) }, event);
}

function apply(chat: Chat, event: DurableEvent): Chat {
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
    deleted: event.deleted === true,
    replyTo: event.type === "REPLY" ? event.replyTo : null,
    reactions: [],
  };
  const at = chat.entries.findLastIndex(({ seq }) => seq < entry.seq) + 1;
  const entries = chat.entries.toSpliced(at, 0, entry);
  const kept = entries.slice(-MAX_ENTRIES);
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

function joined(chat: Chat, person: User): Chat {
  const others = chat.members.filter(({ userId }) => userId !== person.userId);
  return { ...chat, members: [...others, person] };
}

/** A user has read up to a message. A message before the known one changes nothing. */
export function withReceipt(chat: Chat, userId: string, messageId: string): Chat {
  const before = chat.receipts.get(userId);
  if (before !== undefined && indexOf(chat, messageId) < indexOf(chat, before)) return chat;
  return { ...chat, receipts: new Map(chat.receipts).set(userId, messageId) };
}

/** The index of a message among the loaded ones; -1 before them all. */
const indexOf = (chat: Chat, messageId: string) => chat.entries.findIndex((entry) => entry.messageId === messageId);

/** For each message, the other users for which it is the last read one: their avatars stand there. */
export function readersOf(chat: Chat, me: string): ReadonlyMap<string, readonly string[]> {
  const readers = new Map<string, string[]>();
  for (const [userId, messageId] of chat.receipts) {
    if (userId === me || !chat.members.some((member) => member.userId === userId)) continue;
    readers.set(messageId, [...(readers.get(messageId) ?? []), userId]);
  }
  return readers;
}

/** The seq up to which all members but `me` have read; 0 without other members, or when one has read no loaded message. */
export function readByAll(chat: Chat, me: string): number {
  const others = chat.members.filter(({ userId }) => userId !== me);
  if (others.length === 0) return 0;
  return Math.min(
    ...others.map(({ userId }) => {
      const messageId = chat.receipts.get(userId);
      return messageId === undefined ? 0 : (chat.entries[indexOf(chat, messageId)]?.seq ?? 0);
    }),
  );
}

/** The first message that was new when the chat was opened: the divider stands before it. */
export function firstNew(chat: Chat, me: string): string | undefined {
  if (chat.marker === undefined) return undefined;
  const { messageId: marker, seq: opened } = chat.marker;
  const at = marker === null ? -1 : indexOf(chat, marker);
  // The marker is before the loaded messages, and so is the divider.
  if (at === -1 && !(marker === null && chat.complete)) return undefined;
  const unread = chat.entries.slice(at + 1).find(({ senderId }) => senderId !== me);
  // Later messages are read as they come.
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
