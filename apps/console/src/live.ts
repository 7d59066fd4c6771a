/** A session that is connected: the SDK's events go into the state, what the person does goes to the SDK. */
import { type Choice, type Client, type Events, SignalboxError } from "@signalbox/client";
import type { Draft, Entry, Person } from "./chat.ts";
import { createHistory, type History } from "./history.ts";
import { createListing, type Listing } from "./listing.ts";
import { type Change, reduce, type Session, signedIn } from "./session.ts";
import { Calls, EVENT_NAMES, type Heard, keyOf, latencyOf, lineOf } from "./wire.ts";

export interface LiveDeps {
  readonly client: Client;
  readonly me: Person;
  /** What the gateway is called. */
  readonly node: string;
}

/** Of so many rooms at the top of the list are names asked for at once, of the others when something happens there. */
const MET_FIRST = 20;

export class Live {
  private readonly client: Client;
  private readonly node: string;
  private readonly watchers = new Set<() => void>();
  private readonly calls = new Calls();
  private current: Session;
  private lines = 0;
  /** The last message that was marked as read. */
  private marked: string | undefined;
  private readonly listing: Listing;
  private readonly history: History;
  /** The connection was live once: it resumes from there, so that a page of the history and what is heard meet. */
  private begun = false;
  /** The token was renewed since the connection was live last. */
  private renewed = false;

  constructor({ client, me, node }: LiveDeps) {
    this.client = client;
    this.node = node;
    this.current = signedIn(me);
    this.listing = createListing(client.rooms, {
      listed: (rooms) => {
        this.change({ type: "listed", rooms });
        for (const { id, last } of this.current.rooms.slice(0, MET_FIRST)) this.meet(id, last?.senderId);
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

  /** Calls `watcher` after each change. Returns what ends it. */
  watch(watcher: () => void): () => void {
    this.watchers.add(watcher);
    return () => this.watchers.delete(watcher);
  }

  /** Signs in and connects. Rejects when the first does not work. */
  async start(): Promise<void> {
    const { realtime } = this.client;
    for (const name of EVENT_NAMES) realtime.on(name, (event) => this.hear({ name, event } as Heard));
    await this.client.signIn(this.current.me);
    this.connect();
  }

  /** Ends the connection, and everything that waits for it. */
  stop(): void {
    this.client.realtime.disconnect();
    this.client.realtime.removeAllListeners();
    this.watchers.clear();
  }

  /** Signs in again after the connection was stopped. */
  restart(): void {
    this.run(
      this.client.signIn(this.current.me).then(() => {
        this.connect();
      }),
    );
  }

  private connect(): void {
    // How it goes is heard as `connection`.
    this.client.realtime.connect().catch(() => {});
  }

  open(chatId: string): void {
    this.change({ type: "opened", chatId });
    // What is said between a page of the history and the connection's beginning would be in neither.
    if (this.begun) this.history.open(chatId);
  }

  close(): void {
    this.change({ type: "closed" });
  }

  /** Loads the page before the oldest message, unless one is on its way. */
  older(): void {
    const { chat } = this.current;
    const oldest = chat?.entries[0];
    if (chat === undefined || oldest === undefined || chat.complete || chat.heard !== undefined) return;
    this.history.older(chat.chatId, oldest.messageId);
  }

  /** Sends a message, or one that was refused once more. */
  send(chatId: string, text: string, replyTo?: Entry, key: string = newKey()): void {
    const draft: Draft = { chatId, key, text, sentAt: new Date().toISOString(), replyTo, failed: undefined };
    this.change({ type: "drafted", draft });
    this.calls.called(key, performance.now());
    const { realtime } = this.client;
    const options = { clientMessageId: key };
    const sent =
      replyTo === undefined
        ? realtime.sendMessage(chatId, text, options)
        : realtime.replyToMessage(chatId, replyTo.messageId, text, options);
    sent.then(
      (event) => this.change({ type: "committed", event }),
      (error: unknown) => this.change({ type: "refused", key, why: wordsOf(error) }),
    );
  }

  discard(key: string): void {
    this.change({ type: "discarded", key });
  }

  edit(chatId: string, messageId: string, text: string): void {
    this.calls.called(`EDIT_MSG ${messageId}`, performance.now());
    this.run(this.client.realtime.editMessage(chatId, messageId, text));
  }

  remove(chatId: string, messageId: string): void {
    this.calls.called(`DELETE_MSG ${messageId}`, performance.now());
    this.run(this.client.realtime.deleteMessage(chatId, messageId));
  }

  /** Adds a reaction, or takes back the person's own. */
  react(chatId: string, entry: Entry, reaction: string): void {
    const { realtime } = this.client;
    const own = entry.reactions.find((each) => each.senderId === this.current.me.userId && each.reaction === reaction);
    const key = own === undefined ? `REACT ${entry.messageId} ${reaction}` : `DELETE_REACT ${own.reactionId}`;
    this.calls.called(key, performance.now());
    this.run(
      own === undefined
        ? realtime.addReaction(chatId, entry.messageId, reaction)
        : realtime.removeReaction(own.reactionId),
    );
  }

  /** The person sees everything up to this message. */
  read(chatId: string, messageId: string): void {
    if (this.marked === messageId) return;
    this.marked = messageId;
    this.change({ type: "read", chatId });
    this.listing.outdate();
    const marked = this.client.realtime.markAsRead(chatId, messageId);
    this.run(
      marked.catch((error: unknown) => {
        this.marked = undefined;
        throw error;
      }),
    );
  }

  /** The text that is being written has changed. */
  typing(chatId: string, text: string): void {
    if (text === "") this.client.realtime.stopTyping(chatId);
    else this.client.realtime.sendTyping(chatId);
  }

  /** The person did something. */
  active(): void {
    this.client.realtime.active();
  }

  choose(status: Choice): void {
    this.run(this.client.setPresence(status));
  }

  /** Makes a room with these people and opens it. */
  createRoom(name: string, members: readonly string[]): void {
    this.run(this.client.rooms.create({ name, members }).then(({ id }) => this.open(id)));
  }

  dismiss(): void {
    this.change({ type: "problem", problem: undefined });
  }

  private change(change: Change): void {
    this.current = reduce(this.current, change);
    for (const watcher of this.watchers) watcher();
  }

  /** Says what went wrong, if something does. */
  private run(work: Promise<unknown>): void {
    work.catch((error: unknown) => this.fail(error));
  }

  private fail(error: unknown): void {
    this.change({ type: "problem", problem: wordsOf(error) });
  }

  private hear(heard: Heard): void {
    const { event } = heard;
    const called = this.calls.take(keyOf(event));
    const now = Date.now();
    const latencyMs = latencyOf(event, called, called === undefined ? now : performance.now());
    const line = lineOf(heard, { number: this.lines++, at: now, node: this.node, latencyMs });
    const unheardOf = "seq" in event && !this.current.rooms.some(({ id }) => id === event.chatId);
    this.change({ type: "heard", heard, line });
    if (unheardOf) this.listing.ask();
    if ("senderId" in event) this.meet(event.chatId, event.senderId);
    this.follow(heard);
  }

  /** Somebody appears in a chat: if they have no name yet, they are asked for. */
  private meet(chatId: string, userId: string | undefined): void {
    const known = userId === undefined || this.current.names.has(userId);
    if (!known && this.current.rooms.some(({ id }) => id === chatId)) this.history.meet(chatId);
  }

  /** What has to be asked for after an event. */
  private follow(heard: Heard): void {
    const { chat, me } = this.current;
    switch (heard.name) {
      case "connection":
        if (heard.event.state === "live") this.live();
        if (heard.event.state === "stopped") this.stopped(heard.event.code);
        break;
      case "messageDeleted":
        // It may have been among the unread.
        this.listing.ask();
        break;
      case "messageRead":
        // On another device, or not up to the end: how many are left the list knows.
        if (heard.event.senderId === me.userId && heard.event.messageId !== this.marked) this.listing.ask();
        break;
      case "userJoined":
      case "roomState":
        if (heard.event.chatId === chat?.chatId) this.history.describe(chat.chatId);
        if (heard.name === "roomState") this.listing.ask();
        break;
      case "reset":
        if (heard.event.reason === "not_member") break;
        this.listing.ask();
        if (heard.event.chatId === chat?.chatId) this.open(chat.chatId);
        break;
      default:
        break;
    }
  }

  private live(): void {
    this.renewed = false;
    this.listing.ask();
    const { chat } = this.current;
    if (!this.begun && chat !== undefined) this.history.open(chat.chatId);
    this.begun = true;
  }

  /** A token that came to its end is replaced, once: the next one is no better when that is refused, too. */
  private stopped(code: Events["connection"]["code"]): void {
    if ((code !== 4401 && code !== "unauthenticated") || this.renewed) return;
    this.renewed = true;
    this.restart();
  }
}

/** Works in pages without TLS, too, where `randomUUID` is missing. */
const newKey = () =>
  Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");

/** What went wrong, as the SDK says it. */
export const wordsOf = (error: unknown) => (error instanceof SignalboxError ? error.message : "Something went wrong.");
