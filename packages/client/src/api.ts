/** What the SDK offers. `createClient` (client.ts) makes it. */
import type {
  Choice,
  Events,
  MessageDeleted,
  MessageEdited,
  MessageRead,
  MessageReplied,
  MessageSent,
  Original,
  ReactionAdded,
  ReactionRemoved,
  Status,
} from "./events.ts";

/** A JWT, or what fetches one: called again before the last one expires, and after it was refused. */
export type Auth = string | (() => Promise<string>);

/** The part of a WebSocket that the SDK uses: a browser's, Node 22's, or that of the package `ws`. */
export interface Socket {
  readonly readyState: number;
  send(text: string): void;
  close(code?: number): void;
  addEventListener(type: "open" | "error", listener: () => void): void;
  addEventListener(type: "message", listener: (event: { readonly data: unknown }) => void): void;
  addEventListener(type: "close", listener: (event: { readonly code: number }) => void): void;
}
export type SocketConstructor = new (url: string, protocols: string[]) => Socket;

interface Where {
  /** Where `signIn` posts to: an absolute URL, or a path at the API. `/dev/sign-in` (standalone's own) when absent. */
  readonly authUrl?: string;
  /** What opens sockets: in Node 20, the class of the package `ws`. `globalThis.WebSocket` when absent. */
  readonly WebSocket?: SocketConstructor;
  /** `globalThis.fetch` when absent. */
  readonly fetch?: typeof fetch;
}

/** `url`: where API and gateway are reached together; otherwise each one's own. `http(s)://…`, a path behind it is kept. */
export type ClientOptions = Where &
  ({ readonly url: string } | { readonly apiUrl: string; readonly gatewayUrl: string });

/** A message of a chat's history. */
export interface Message {
  messageId: string;
  chatId: string;
  senderId: string;
  content: string;
  timeStamp: string;
  edited: boolean;
  editedAt: string | null;
  seq: number;
  replyTo: Original | null;
  /** It stays in its place, with empty `content`. */
  deleted: boolean;
  reactions: { reactionId: string; senderId: string; reaction: string; timeStamp: string }[];
  eventId?: string;
  messageType?: string;
  file?: { filename: string | null; mime_type: string | null; size: number | null; mxc_uri: string | null };
  threadRootEventId?: string;
}

export type Role = "owner" | "member";

export interface Room {
  id: string;
  name: string;
  metadata: Record<string, unknown>;
  created_by: string;
  created_at: string;
  matrix_room_id: string | null;
  member_count: number;
  seq: number;
}

/** A room among the user's own. */
export interface RoomSummary extends Room {
  last_message: Omit<Message, "replyTo" | "reactions"> | null;
  unread_count: number;
  cursor: number;
  role: Role;
}

export interface Member {
  user_id: string;
  role: Role;
  joined_at: string;
}

/** A room at one moment. Ids of messages are printed as `evt-<messageId>` here, and every method takes them so. */
export interface RoomState {
  room: Room;
  members: (Member & {
    name: string | null;
    status: Status;
    last_active_at: string | null;
    last_read_event_id: string | null;
    read_at: string | null;
    typing: boolean;
  })[];
  engagement: { mode: string | null; overrides: Record<string, string> };
  plan: Record<string, unknown> | null;
  active_sidekicks: ({ id: string } & Record<string, unknown>)[];
  active_call: Record<string, unknown> | null;
  unread_count: number;
  mention_count: number;
  last_read_event_id: string | null;
  muted_until: string | null;
  snoozed_event_ids: string[];
  cursor: number;
}

export interface Rooms {
  /** The user's rooms, at most 100 at once; `next_cursor` leads on. */
  list(page?: {
    readonly limit?: number;
    readonly cursor?: string;
  }): Promise<{ data: RoomSummary[]; next_cursor: string | null }>;
  create(room: {
    readonly name: string;
    readonly members?: readonly string[];
    readonly metadata?: Record<string, unknown>;
  }): Promise<Room>;
  update(
    chatId: string,
    change: { readonly name?: string; readonly metadata?: Record<string, unknown> },
  ): Promise<Room>;
  delete(chatId: string): Promise<void>;
  /** Adds somebody, or gives them another role. */
  putMember(chatId: string, userId: string, role?: Role): Promise<Member>;
  /** Takes somebody out, or oneself. */
  removeMember(chatId: string, userId: string): Promise<void>;
  /** One consistent look at a room, its members' presence, typing and receipts included. */
  state(chatId: string): Promise<RoomState>;
}

export interface SendOptions {
  /** 1 to 64 characters: sends with the same one are one message. Made up when absent, which is enough unless the program itself may die and send again. */
  readonly clientMessageId?: string;
  /** User ids. */
  readonly mentions?: readonly string[];
}

/**
 * Actions resolve when they are committed, with the event as the user receives it. While there is no connection they wait, in their
 * order within a chat, at most 1,000 (`queue_full`), and are sent once there is one; a lost answer or a server that is briefly unable is asked
 * again, and doubles nothing. They reject with a `SignalboxError`: what the server refused, or `disconnected`.
 */
export interface Realtime {
  /** Connects and stays connected until `disconnect()`. Resolves when it is live for the first time; rejects when it is stopped before. */
  connect(): Promise<void>;
  /** Ends the connection. Actions that wait reject. */
  disconnect(): void;
  /** Each event reaches a handler once, and those of a chat in their order. Returns what ends it. A handler that throws is reported and passed over. */
  on<Name extends keyof Events>(name: Name, handler: (event: Events[Name]) => void): () => void;
  removeAllListeners(): void;

  sendMessage(chatId: string, message: string, options?: SendOptions): Promise<MessageSent>;
  editMessage(chatId: string, messageId: string, message: string): Promise<MessageEdited>;
  deleteMessage(chatId: string, messageId: string): Promise<MessageDeleted>;
  replyToMessage(chatId: string, messageId: string, message: string, options?: SendOptions): Promise<MessageReplied>;
  addReaction(chatId: string, messageId: string, reaction: string): Promise<ReactionAdded>;
  removeReaction(reactionId: string): Promise<ReactionRemoved>;
  /** Everything up to this message. */
  markAsRead(chatId: string, messageId: string): Promise<MessageRead>;

  /** Call it with every key stroke: it is sent at most every 2 s per chat, and not at all without a connection. */
  sendTyping(chatId: string): void;
  /** Ends it early; sending the message does so too. */
  stopTyping(chatId: string): void;
  /** Who types in a chat now, oneself aside; changes with every `typing` and `stopTyping`. Empty without a connection. */
  typing(chatId: string): readonly string[];
  /** The person did something; sent at most once a minute. Actions and typing say so by themselves. */
  active(): void;
}

export interface Client {
  readonly realtime: Realtime;
  readonly rooms: Rooms;
  /** The JWT to be used from now on. A connection that runs goes on with it; for another user, `disconnect()` first. */
  setAuth(auth: Auth): void;
  /** Posts the credentials to `authUrl`, and uses the token that it answers with. Rejects with what it answered otherwise. */
  signIn(credentials: unknown): Promise<void>;
  /** A chat's messages, newest first, at most 100 (50 when absent), those before `before` when given. */
  getMessages(chatId: string, limit?: number, before?: string): Promise<{ messages: Message[] }>;
  /** What people are now: 1 to 1,000 ids. Who shares no chat with the user is `offline`. */
  getPresence(userIds: readonly string[]): Promise<Record<string, Status>>;
  /** Chooses what to be; it outlives the connection. */
  setPresence(status: Choice): Promise<void>;
  /** Moves the user's own marker, which only their own devices are told of. It may move backwards. */
  setMarker(chatId: string, messageId: string): Promise<void>;
}
