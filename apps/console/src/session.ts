/** The state of one user's half of the page, and a pure reducer over the SDK's events and the answers to requests. */
import type {
  ConnectionChanged,
  DurableEvent,
  Message,
  MessageReplied,
  MessageSent,
  Reset,
  RoomState,
  RoomSummary,
  Status,
} from "@signalbox/client";
import * as chats from "./chat.ts";
import { type Line, MAX_LINES, type NamedEvent } from "./event-log.ts";
import * as lists from "./rooms.ts";

export interface Session {
  me: chats.User;
  connection: ConnectionChanged;
  rooms: readonly lists.Room[];
  /** The list of rooms was loaded. */
  roomsLoaded: boolean;
  /** The open chat. */
  chat: chats.Chat | undefined;
  /** The user's own messages, in all chats, until they are stored. */
  drafts: readonly chats.Draft[];
  /** Users that are missing here are offline. */
  presence: ReadonlyMap<string, Status>;
  names: ReadonlyMap<string, string>;
  /** The other users that type, by chat. */
  typing: Readonly<Record<string, readonly string[]>>;
  /** The newest first. */
  log: readonly Line[];
  /** The last failure, in words. */
  problem: string | undefined;
}

export type Change =
  | { type: "event"; named: NamedEvent; line: Line | undefined }
  | { type: "roomsLoaded"; rooms: readonly RoomSummary[] }
  | { type: "opened"; chatId: string }
  | { type: "loading"; chatId: string }
  | { type: "loaded"; chatId: string; messages: readonly Message[]; newest: boolean }
  | { type: "loadFailed"; chatId: string }
  | { type: "stateLoaded"; chatId: string; state: RoomState }
  | { type: "submitted"; draft: chats.Draft }
  | { type: "committed"; event: MessageSent | MessageReplied }
  | { type: "refused"; key: string; why: string }
  | { type: "discarded"; key: string }
  | { type: "read"; chatId: string }
  | { type: "problem"; problem: string | undefined };

/** The most users with a presence, and with a name. */
const MAX_USERS = 10_000;
/** The SDK lets as many actions wait. */
const MAX_DRAFTS = 1000;

export const initialSession = (me: chats.User): Session => ({
  me,
  connection: { state: "connecting" },
  rooms: [],
  roomsLoaded: false,
  chat: undefined,
  drafts: [],
  presence: new Map(),
  names: new Map([[me.userId, me.name]]),
  typing: {},
  log: [],
  problem: undefined,
});

export function reduce(session: Session, change: Change): Session {
  switch (change.type) {
    case "event":
      return applyEvent(change.line === undefined ? session : logged(session, change.line), change.named);
    case "roomsLoaded":
      return { ...session, rooms: lists.withList(session.rooms, change.rooms), roomsLoaded: true };
    case "opened":
      return { ...session, chat: chats.emptyChat(change.chatId) };
    case "submitted":
      return { ...session, drafts: [...without(session.drafts, change.draft.key), change.draft].slice(-MAX_DRAFTS) };
    case "committed":
      return stored(session, change.event);
    case "refused":
      return { ...session, drafts: refused(session.drafts, change.key, change.why) };
    case "discarded":
      return { ...session, drafts: without(session.drafts, change.key) };
    case "read":
      return { ...session, rooms: lists.withUnread(session.rooms, change.chatId, 0) };
    case "problem":
      return { ...session, problem: change.problem };
    case "stateLoaded":
      return withState(session, change.chatId, change.state);
    case "loading":
      return within(session, change.chatId, chats.loading);
    case "loaded":
      return within(session, change.chatId, (chat) => chats.loaded(chat, change.messages, change.newest));
    case "loadFailed":
      return within(session, change.chatId, chats.loadFailed);
  }
}

const without = (drafts: readonly chats.Draft[], key: string | undefined) =>
  drafts.filter((draft) => draft.key !== key);

const refused = (drafts: readonly chats.Draft[], key: string, why: string) =>
  drafts.map((draft) => (draft.key === key ? { ...draft, failed: why } : draft));

/** A message is stored. Its promise and its event both report that; the second one changes nothing. */
function stored(session: Session, event: MessageSent | MessageReplied): Session {
  const drafts = without(session.drafts, event.clientMessageId);
  return within({ ...session, drafts }, event.chatId, (chat) => chats.applyEvent(chat, event));
}

/** Changes the open chat, if it is this one. */
function within(session: Session, chatId: string, change: (chat: chats.Chat) => chats.Chat): Session {
  return session.chat?.chatId === chatId ? { ...session, chat: change(session.chat) } : session;
}

const logged = (session: Session, line: Line): Session => ({
  ...session,
  log: [line, ...session.log.slice(0, MAX_LINES - 1)],
});

function withState(session: Session, chatId: string, state: RoomState): Session {
  const named = state.members.flatMap(({ user_id, name }) => (name === null ? [] : [[user_id, name] as const]));
  const names = put(session.names, named);
  // An event is newer than an answer.
  const unknown = state.members.filter(({ user_id }) => !session.presence.has(user_id));
  const presence = put(
    session.presence,
    unknown.map(({ user_id, status }) => [user_id, status]),
  );
  return within({ ...session, names, presence }, chatId, (chat) => chats.withState(chat, state));
}

/** Maps, not objects: a user id may equal a property that every object has. */
function put<Value>(map: ReadonlyMap<string, Value>, entries: readonly (readonly [string, Value])[]) {
  const next = new Map(map);
  for (const [key, value] of entries) if (next.has(key) || next.size < MAX_USERS) next.set(key, value);
  return next;
}

function applyEvent(session: Session, { name, event }: NamedEvent): Session {
  switch (name) {
    case "connection":
      return connected(session, event);
    case "presence":
      return { ...session, presence: put(session.presence, [[event.userId, event.status]]) };
    case "typing":
      return typing(session, event.chatId, event.senderId, true);
    case "stopTyping":
      return typing(session, event.chatId, event.senderId, false);
    case "messageRead":
      return wasRead(session, event);
    case "notification": {
      const { chatId, unreadCount } = event;
      return { ...session, rooms: lists.withUnread(session.rooms, chatId, unreadCount) };
    }
    case "marker":
      return session;
    case "reset":
      return reset(session, event);
    default:
      return applyDurable(session, event);
  }
}

/** Presence and typing end with the connection: the next one reports them again. */
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
  const next = within(session, event.chatId, (chat) => chats.withReceipt(chat, event.senderId, event.messageId));
  // This may be another device of the user: after the last message nothing is unread.
  const all = next.chat?.chatId === event.chatId && next.chat.entries.at(-1)?.messageId === event.messageId;
  if (event.senderId !== session.me.userId || !all) return next;
  return { ...next, rooms: lists.withUnread(next.rooms, event.chatId, 0) };
}

function applyDurable(session: Session, event: DurableEvent): Session {
  const { me } = session;
  const removed = event.type === "DELETE_CHAT" || (event.type === "USER_LEAVE" && event.senderId === me.userId);
  if (removed) return withoutRoom(session, event.chatId);
  const names = event.type === "USER_JOIN" ? put(session.names, [[event.message, event.username]]) : session.names;
  const rooms = lists.applyEvent(session.rooms, event, me.userId);
  const next = { ...session, names, rooms };
  if (event.type === "SEND_MSG" || event.type === "REPLY") return stored(next, event);
  return within(next, event.chatId, (chat) => chats.applyEvent(chat, event));
}

/** Events of a room are lost to the page: it is loaded again (session-store.ts), or gone. */
function reset(session: Session, { reason, chatId, seq }: Reset): Session {
  if (reason === "not_member") return withoutRoom(session, chatId);
  return reason === "diverged" ? { ...session, rooms: lists.rewound(session.rooms, chatId, seq) } : session;
}

/** The user is no longer in a room. */
function withoutRoom(session: Session, chatId: string): Session {
  const { [chatId]: _, ...rest } = session.typing;
  return {
    ...session,
    typing: rest,
    rooms: lists.without(session.rooms, chatId),
    chat: session.chat?.chatId === chatId ? undefined : session.chat,
  };
}
