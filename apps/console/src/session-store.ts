/** Connects a session to the SDK: events change its state, and the user's actions go to the SDK. */
import { type Choice, type Client, type Events, SignalboxError } from "@signalbox/client";
import type { Draft, Entry, User } from "./chat.ts";
import { ActionTimes, EVENT_NAMES, keyOf, latencyOf, lineOf, type NamedEvent } from "./event-log.ts";
import { createHistory, type History } from "./history.ts";
import { createRoomListLoader, type RoomListLoader } from "./room-list-loader.ts";
import { type Change, initialSession, reduce, type Session } from "./session.ts";

export interface SessionStoreDeps {
  readonly client: Client;
  readonly me: User;
  /** The name of the gateway. */
  readonly node: string;
}

/** The rooms at the top of the list for which names are loaded at once; for the others, on their next event. */
const NAMED_FIRST = 20;

export class SessionStore {
  private readonly client: Client;
  private readonly node: string;
  private readonly watchers = new Set<() => void>();
  private readonly times = new ActionTimes();
  private current: Session;
  private lineCount = 0;
  /** The last message that was marked as read. */
  private lastRead: string | undefined;
  private readonly roomList: RoomListLoader;
  private readonly history: History;
  /** The connection was live once. It resumes from there, so that no event is missing after a page of the history. */
  private wasLive = false;
  /** The token was renewed since the connection was last live. */
  private renewed = false;

  constructor({ client, me, node }: SessionStoreDeps) {
    this.client = client;
    this.node = node;
    this.current = initialSession(me);
    this.roomList = createRoomListLoader(client.rooms, {
      loaded: (rooms) => {
        this.change({ type: "roomsLoaded", rooms });
        for (const { id, last } of this.current.rooms.slice(0, NAMED_FIRST)) this.loadNames(id, last?.senderId);
      },
      failed: (error) => this.fail(error),
    });
    this.history = createHistory(client, {
      changed: (change) => this.change(change),
      failed: (error) => this.fail(error),
    });
  }

  get session(): Session {
    return this.current;
  }

  /** Calls `watcher` after each change. Returns a function that ends it. */
  watch(watcher: () => void): () => void {
    this.watchers.add(watcher);
    return () => this.watchers.delete(watcher);
  }

  /** Signs in and connects. Rejects when signing in fails. */
  async start(): Promise<void> {
    const { realtime } = this.client;
    for (const name of EVENT_NAMES) realtime.on(name, (event) => this.take({ name, event } as NamedEvent));
    await this.client.signIn(this.current.me);
    this.connect();
  }

  /** Ends the connection, and rejects the actions that wait. */
  stop(): void {
    this.client.realtime.disconnect();
    this.client.realtime.removeAllListeners();
    this.watchers.clear();
  }

  /** Signs in again after the connection was stopped. */
  reconnect(): void {
    this.run(
      this.client.signIn(this.current.me).then(() => {
        this.connect();
      }),
    );
  }

  private connect(): void {
    // A failure is reported by a `connection` event.
    this.client.realtime.connect().catch(() => {});
  }

  open(chatId: string): void {
    this.change({ type: "opened", chatId });
    // Before that, events between a page of the history and the first READY would be missing.
    if (this.wasLive) this.history.open(chatId);
  }

  /** Loads the page before the oldest message, unless a page is loading. */
  loadOlder(): void {
    const { chat } = this.current;
    const oldest = chat?.entries[0];
    if (chat === undefined || oldest === undefined || chat.complete || chat.sinceRequest !== undefined) return;
    this.history.loadOlder(chat.chatId, oldest.messageId);
  }

  /** Sends a message, or a refused one again under its key. */
  send(chatId: string, text: string, replyTo?: Entry, key: string = newKey()): void {
    const draft: Draft = { chatId, key, text, sentAt: new Date().toISOString(), replyTo, failed: undefined };
    this.change({ type: "submitted", draft });
    this.times.start(key, performance.now());
    const { realtime } = this.client;
    const options = { clientMessageId: key };
    const sent =
      replyTo === undefined
        ? realtime.sendMessage(chatId, text, options)
        : realtime.replyToMessage(chatId, replyTo.messageId, text, options);
    sent.then(
      (event) => this.change({ type: "committed", event }),
      (error: unknown) => this.change({ type: "refused", key, why: reasonOf(error) }),
    );
  }

  discard(key: string): void {
    this.change({ type: "discarded", key });
  }

  edit(chatId: string, messageId: string, text: string): void {
    this.times.start(`EDIT_MSG ${messageId}`, performance.now());
    this.run(this.client.realtime.editMessage(chatId, messageId, text));
  }

  remove(chatId: string, messageId: string): void {
    this.times.start(`DELETE_MSG ${messageId}`, performance.now());
    this.run(this.client.realtime.deleteMessage(chatId, messageId));
  }

  /** Adds a reaction, or removes the user's own one. */
  react(chatId: string, entry: Entry, reaction: string): void {
    const { realtime } = this.client;
    const own = entry.reactions.find((each) => each.senderId === this.current.me.userId && each.reaction === reaction);
    const key = own === undefined ? `REACT ${entry.messageId} ${reaction}` : `DELETE_REACT ${own.reactionId}`;
    this.times.start(key, performance.now());
    this.run(
      own === undefined
        ? realtime.addReaction(chatId, entry.messageId, reaction)
        : realtime.removeReaction(own.reactionId),
    );
  }

  /** Marks all messages up to this one as read. */
  read(chatId: string, messageId: string): void {
    if (this.lastRead === messageId) return;
    this.lastRead = messageId;
    this.change({ type: "read", chatId });
    this.roomList.invalidate();
    const done = this.client.realtime.markAsRead(chatId, messageId);
    this.run(
      done.catch((error: unknown) => {
        this.lastRead = undefined;
        throw error;
      }),
    );
  }

  /** Reports a change of the text in the text field. */
  typing(chatId: string, text: string): void {
    if (text === "") this.client.realtime.stopTyping(chatId);
    else this.client.realtime.sendTyping(chatId);
  }

  /** Reports activity of the user. */
  active(): void {
    this.client.realtime.active();
  }

  setPresence(status: Choice): void {
    this.run(this.client.setPresence(status));
  }

  /** Creates a room with these users and opens it. */
  createRoom(name: string, members: readonly string[]): void {
    this.run(this.client.rooms.create({ name, members }).then(({ id }) => this.open(id)));
  }

  dismissProblem(): void {
    this.change({ type: "problem", problem: undefined });
  }

  private change(change: Change): void {
    this.current = reduce(this.current, change);
    for (const watcher of this.watchers) watcher();
  }

  /** Reports a failure of `work`. */
  private run(work: Promise<unknown>): void {
    work.catch((error: unknown) => this.fail(error));
  }

  private fail(error: unknown): void {
    this.change({ type: "problem", problem: reasonOf(error) });
  }

  private take(named: NamedEvent): void {
    const { event } = named;
    const startedAt = this.times.take(keyOf(event));
    const now = Date.now();
    const latencyMs = latencyOf(event, startedAt, startedAt === undefined ? now : performance.now());
    const line = lineOf(named, { number: this.lineCount++, at: now, node: this.node, latencyMs });
    const isNewRoom = "seq" in event && !this.current.rooms.some(({ id }) => id === event.chatId);
    this.change({ type: "event", named, line });
    if (isNewRoom) this.roomList.reload();
    if ("senderId" in event) this.loadNames(event.chatId, event.senderId);
    this.requestAfter(named);
  }

  /** Loads the names of a chat in which a user without a known name appears. */
  private loadNames(chatId: string, userId: string | undefined): void {
    const known = userId === undefined || this.current.names.has(userId);
    if (!known && this.current.rooms.some(({ id }) => id === chatId)) this.history.loadNames(chatId);
  }

  /** Requests the data that an event makes outdated. */
  private requestAfter({ name, event }: NamedEvent): void {
    const { chat, me } = this.current;
    switch (name) {
      case "connection":
        if (event.state === "live") this.onLive();
        if (event.state === "stopped") this.onStopped(event.code);
        break;
      case "messageDeleted":
        // The message may have been unread.
        this.roomList.reload();
        break;
      case "messageRead":
        // From another device, or not the last message: the list has the number of unread messages.
        if (event.senderId === me.userId && event.messageId !== this.lastRead) this.roomList.reload();
        break;
      case "userJoined":
      case "roomState":
        if (event.chatId === chat?.chatId) this.history.loadState(chat.chatId);
        if (name === "roomState") this.roomList.reload();
        break;
      case "reset":
        if (event.reason === "not_member") break;
        this.roomList.reload();
        if (event.chatId === chat?.chatId) this.open(chat.chatId);
        break;
      default:
        break;
    }
  }

  private onLive(): void {
    this.renewed = false;
    this.roomList.reload();
    const { chat } = this.current;
    if (!this.wasLive && chat !== undefined) this.history.open(chat.chatId);
    this.wasLive = true;
  }

  /** Replaces an expired token, once: if the server refuses the next one, too, another one would not help. */
  private onStopped(code: Events["connection"]["code"]): void {
    if ((code !== 4401 && code !== "unauthenticated") || this.renewed) return;
    this.renewed = true;
    this.reconnect();
  }
}

/** Not `randomUUID`, which is missing on pages without TLS. */
const newKey = () =>
  Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");

/** The reason of a failure, for the user. */
export const reasonOf = (error: unknown) => (error instanceof SignalboxError ? error.detail : "Something went wrong.");
