/** The interfaces of the SDK. `createClient` (client.ts) implements them. */
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

/** A JWT, or a function that fetches one: it is called again before the last one expires, and after a refusal. */
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

interface Surroundings {
  /** The endpoint of `signIn`: an absolute URL, or a path at the API. `/dev/sign-in` when absent, which only a server for trials has. */
  readonly authUrl?: string;
  /** The class that opens sockets. The global one when absent; Node 20 has none, so pass that of the package `ws`. */
  readonly WebSocket?: SocketConstructor;
  /** `globalThis.fetch` when absent. */
  readonly fetch?: typeof fetch;
}

/**
 * Addresses are `http(s)://…`; a path is kept. `url` is where both API and gateway are; `apiUrl` and `gatewayUrl` are for each one, and win
 * over `url`.
 */
export type ClientOptions = Surroundings &
  (
    | { readonly url: string; readonly apiUrl?: string | undefined; readonly gatewayUrl?: string | undefined }
    | { readonly url?: undefined; readonly apiUrl: string; readonly gatewayUrl: string }
  );

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
  /** A deleted message stays in its place, with empty `content`. */
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

/** A room in the user's list. */
export interface RoomSummary extends Room {
  last_message: Omit<Message, "replyTo" | "reactions"> | null;
  unread_count: number;
  cursor: string;
  role: Role;
}

export interface Member {
  user_id: string;
  role: Role;
  joined_at: string;
}

/** The state of a room at one moment. Message ids are `evt-<messageId>` here; every method takes them in this form, too. */
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
  cursor: string;
}

export interface Rooms {
  /** The user's rooms, at most 100 on a page; `next_cursor` leads to the next one, and is null on the last. */
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
  /** Adds a user, or changes their role. */
  putMember(chatId: string, userId: string, role?: Role): Promise<Member>;
  /** Removes a user, or the caller. */
  removeMember(chatId: string, userId: string): Promise<void>;
  /** A consistent snapshot of a room, with its members' presence, typing and receipts. */
  state(chatId: string): Promise<RoomState>;
}

export interface SendOptions {
  /** 1 to 64 characters: sends with the same id make one message. Generated when absent; needed only by a program that sends again after a restart. */
  readonly clientMessageId?: string;
  /** User ids. */
  readonly mentions?: readonly string[];
}

/**
 * Actions resolve when they are committed, with the event as the user receives it. Without a connection they wait, in their order within
 * a chat, at most 1,000 of them (`queue_full`). An action is sent again when its answer was lost, or when the server is briefly
 * unavailable, and takes effect once. Actions reject with a `SignalboxError`: the server's refusal, or `disconnected`.
 */
export interface Realtime {
  /** Connects, and reconnects until `disconnect()`. Resolves when the connection is live; rejects when it is stopped before that. */
  connect(): Promise<void>;
  /** Ends the connection, and rejects the actions that wait. */
  disconnect(): void;
  /** Adds a handler. It gets each event once, those of a chat in their order. Returns a function that removes it. An error of a handler is reported as uncaught. */
  on<Name extends keyof Events>(name: Name, handler: (event: Events[Name]) => void): () => void;
  removeAllListeners(): void;

  sendMessage(chatId: string, message: string, options?: SendOptions): Promise<MessageSent>;
  editMessage(chatId: string, messageId: string, message: string): Promise<MessageEdited>;
  deleteMessage(chatId: string, messageId: string): Promise<MessageDeleted>;
  replyToMessage(chatId: string, messageId: string, message: string, options?: SendOptions): Promise<MessageReplied>;
  addReaction(chatId: string, messageId: string, reaction: string): Promise<ReactionAdded>;
  removeReaction(reactionId: string): Promise<ReactionRemoved>;
  /** Marks all messages up to this one as read. */
  markAsRead(chatId: string, messageId: string): Promise<MessageRead>;

  /** Call it on every key stroke: a frame is sent at most every 2 s per chat, and none without a connection. */
  sendTyping(chatId: string): void;
  /** Ends typing early; sending the message ends it, too. */
  stopTyping(chatId: string): void;
  /** The other users that type in a chat now; changes with every `typing` and `stopTyping`. Empty without a connection. */
  typing(chatId: string): readonly string[];
  /** Reports that the user is active; sent at most once a minute. Actions and typing count as activity already. */
  active(): void;
}

export interface Client {
  readonly realtime: Realtime;
  readonly rooms: Rooms;
  /** Sets the JWT, or its source, for all requests from now on. A running connection uses it next; for another user, `disconnect()` first. */
  setAuth(auth: Auth): void;
  /** Posts the credentials to `authUrl`, and uses the token in the answer. Rejects with a `SignalboxError` when there is none. */
  signIn(credentials: unknown): Promise<void>;
  /** A page of a chat's messages, newest first. `limit`: at most 100, 50 when absent. `before`: a message id; the page holds the messages before it. */
  getMessages(chatId: string, limit?: number, before?: string): Promise<{ messages: Message[] }>;
  /** The presence of 1 to 1,000 users. Users that share no chat with the caller are `offline`. */
  getPresence(userIds: readonly string[]): Promise<Record<string, Status>>;
  /** Sets the user's status; it outlives the connection. */
  setPresence(status: Choice): Promise<void>;
  /** Moves the user's own marker, forwards or backwards. Only the user's own devices get an event. */
  setMarker(chatId: string, messageId: string): Promise<void>;
}
