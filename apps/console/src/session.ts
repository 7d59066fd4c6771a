/** What one person sees: a store with a pure reducer. The SDK's events and the answers to requests go in, the page shows what comes out. */
import type {
  ConnectionChanged,
  DurableEvent,
  Message,
  MessageReplied,
  MessageSent,
  RoomState,
  RoomSummary,
  Status,
} from "@signalbox/client";
import * as chats from "./chat.ts";
import * as lists from "./rooms.ts";
import { type Heard, LINES_MAX, type Line } from "./wire.ts";

export interface Session {
  me: chats.Person;
  connection: ConnectionChanged;
  rooms: readonly lists.Room[];
  /** The list of rooms came. */
  listed: boolean;
  /** The one that is open. */
  chat: chats.Chat | undefined;
  /** What the person sends, in all chats, until it is stored. */
  drafts: readonly chats.Draft[];
  /** Who is not in it is offline. */
  presence: ReadonlyMap<string, Status>;
  names: ReadonlyMap<string, string>;
  /** Who types, by chat; oneself aside. */
  typing: Readonly<Record<string, readonly string[]>>;
  /** The newest first. */
  wire: readonly Line[];
  /** What went wrong last, in words. */
  problem: string | undefined;
}

export type Change =
  | { type: "heard"; heard: Heard; line: Line | undefined }
  | { type: "listed"; rooms: readonly RoomSummary[] }
  | { type: "opened"; chatId: string }
  | { type: "closed" }
  | { type: "loading"; chatId: string }
  | { type: "loaded"; chatId: string; messages: readonly Message[]; newest: boolean }
  | { type: "notLoaded"; chatId: string }
  | { type: "described"; chatId: string; state: RoomState }
  | { type: "drafted"; draft: chats.Draft }
  | { type: "committed"; event: MessageSent | MessageReplied }
  | { type: "refused"; key: string; why: string }
  | { type: "discarded"; key: string }
  | { type: "read"; chatId: string }
  | { type: "problem"; problem: string | undefined };

/** How many people's presence and names are kept. */
const PEOPLE_MAX = 10_000;
/** As many as the SDK lets wait. */
const DRAFTS_MAX = 1000;

export const signedIn = (me: chats.Person): Session => ({
  me,
  connection: { state: "connecting" },
  rooms: [],
  listed: false,
  chat: undefined,
  drafts: [],
  presence: new Map(),
  names: new Map([[me.userId, me.name]]),
  typing: {},
  wire: [],
  problem: undefined,
});

export function reduce(session: Session, change: Change): Session {
  switch (change.type) {
    case "heard":
      return hear(change.line === undefined ? session : onWire(session, change.line), change.heard);
    case "listed":
      return { ...session, rooms: lists.listed(session.rooms, change.rooms), listed: true };
    case "opened":
      return { ...session, chat: chats.opening(change.chatId) };
    case "closed":
      return { ...session, chat: undefined };
    case "drafted":
      return { ...session, drafts: [...without(session.drafts, change.draft.key), change.draft].slice(-DRAFTS_MAX) };
    case "committed":
      return stored(session, change.event);
    case "refused":
      return { ...session, drafts: refused(session.drafts, change.key, change.why) };
    case "discarded":
      return { ...session, drafts: without(session.drafts, change.key) };
    case "read":
      return { ...session, rooms: lists.counted(session.rooms, change.chatId, 0) };
    case "problem":
      return { ...session, problem: change.problem };
    case "described":
      return described(session, change.chatId, change.state);
    case "loading":
      return within(session, change.chatId, chats.loading);
    case "loaded":
      return within(session, change.chatId, (chat) => chats.loaded(chat, change.messages, change.newest));
    case "notLoaded":
      return within(session, change.chatId, chats.notLoaded);
  }
}

const without = (drafts: readonly chats.Draft[], key: string | undefined) =>
  drafts.filter((draft) => draft.key !== key);

const refused = (drafts: readonly chats.Draft[], key: string, why: string) =>
  drafts.map((draft) => (draft.key === key ? { ...draft, failed: why } : draft));

/** A message of theirs is stored: its promise or its event says so, whichever comes first. */
function stored(session: Session, event: MessageSent | MessageReplied): Session {
  const drafts = without(session.drafts, event.clientMessageId);
  return within({ ...session, drafts }, event.chatId, (chat) => chats.hear(chat, event));
}

/** Changes the chat that is open, when it is this one. */
function within(session: Session, chatId: string, change: (chat: chats.Chat) => chats.Chat): Session {
  return session.chat?.chatId === chatId ? { ...session, chat: change(session.chat) } : session;
}

const onWire = (session: Session, line: Line): Session => ({
  ...session,
  wire: [line, ...session.wire.slice(0, LINES_MAX - 1)],
});

function described(session: Session, chatId: string, state: RoomState): Session {
  const named = state.members.flatMap(({ user_id, name }) => (name === null ? [] : [[user_id, name] as const]));
  const names = put(session.names, named);
  // What was heard is newer than what was asked for.
  const unheardOf = state.members.filter(({ user_id }) => !session.presence.has(user_id));
  const presence = put(
    session.presence,
    unheardOf.map(({ user_id, status }) => [user_id, status]),
  );
  return within({ ...session, names, presence }, chatId, (chat) => chats.described(chat, state));
}

/** Not objects: a user may be called as something that every object has. */
function put<Value>(map: ReadonlyMap<string, Value>, entries: readonly (readonly [string, Value])[]) {
  const next = new Map(map);
  for (const [key, value] of entries) if (next.has(key) || next.size < PEOPLE_MAX) next.set(key, value);
  return next;
}

function hear(session: Session, heard: Heard): Session {
  switch (heard.name) {
    case "connection":
      return connected(session, heard.event);
    case "presence":
      return { ...session, presence: put(session.presence, [[heard.event.userId, heard.event.status]]) };
    case "typing":
      return typing(session, heard.event.chatId, heard.event.senderId, true);
    case "stopTyping":
      return typing(session, heard.event.chatId, heard.event.senderId, false);
    case "messageRead":
      return wasRead(session, heard.event);
    case "notification": {
      const { chatId, unreadCount } = heard.event;
      return { ...session, rooms: lists.counted(session.rooms, chatId, unreadCount) };
    }
    case "marker":
      return session;
    case "reset":
      return heard.event.reason === "not_member" ? gone(session, heard.event.chatId) : session;
    default:
      return happened(session, heard.event);
  }
}

/** Who is here and who types is forgotten with the connection: the next one tells it again. */
function connected(session: Session, connection: ConnectionChanged): Session {
  const lost = session.connection.state === "live" && connection.state !== "live";
  if (!lost) return { ...session, connection };
  return { ...session, connection, presence: new Map(), typing: {} };
}

function typing(session: Session, chatId: string, userId: string, types: boolean): Session {
  if (userId === session.me.userId) return session;
  const others = (session.typing[chatId] ?? []).filter((each) => each !== userId);
  const { [chatId]: _, ...rest } = session.typing;
  const now = types ? [...others, userId] : others;
  return { ...session, typing: now.length === 0 ? rest : { ...rest, [chatId]: now } };
}

function wasRead(session: Session, event: { chatId: string; senderId: string; messageId: string }): Session {
  const next = within(session, event.chatId, (chat) => chats.read(chat, event.senderId, event.messageId));
  // On another device of theirs, perhaps: when it is the last one, nothing is left.
  const all = next.chat?.chatId === event.chatId && next.chat.entries.at(-1)?.messageId === event.messageId;
  if (event.senderId !== session.me.userId || !all) return next;
  return { ...next, rooms: lists.counted(next.rooms, event.chatId, 0) };
}

function happened(session: Session, event: DurableEvent): Session {
  const { me } = session;
  const removed = event.type === "DELETE_CHAT" || (event.type === "USER_LEAVE" && event.senderId === me.userId);
  if (removed) return gone(session, event.chatId);
  const names = event.type === "USER_JOIN" ? put(session.names, [[event.message, event.username]]) : session.names;
  const rooms = lists.hear(session.rooms, event, me.userId);
  const next = { ...session, names, rooms };
  if (event.type === "SEND_MSG" || event.type === "REPLY") return stored(next, event);
  return within(next, event.chatId, (chat) => chats.hear(chat, event));
}

/** A room is the person's no more. */
function gone(session: Session, chatId: string): Session {
  const { [chatId]: _, ...rest } = session.typing;
  return {
    ...session,
    typing: rest,
    rooms: lists.without(session.rooms, chatId),
    chat: session.chat?.chatId === chatId ? undefined : session.chat,
  };
}
