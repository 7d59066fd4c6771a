/**
 * A client as in CONTRACT section 4: it reconnects by the table of close codes, resumes from its cursors, repeats unanswered
 * actions, and records every event out of sequence.
 */
import { randomUUID } from "node:crypto";
import { CLOSE } from "@signalbox/protocol/close";
import { WebSocket } from "ws";
import type { Fields } from "../arrivals.ts";
import { seqIn } from "../cursors.ts";
import type { Closing, Frame } from "../socket-client.ts";
import { until } from "../until.ts";

/** The bounds of the random delay before the first reconnect, and before any. */
const FIRST_DELAY_MS = 100;
const LONGEST_DELAY_MS = 800;
const HANDSHAKE_MS = 5000;

const NEXT: ReadonlyMap<number, (typeof CLOSE)[keyof typeof CLOSE]["next"]> = new Map(
  Object.values(CLOSE).map(({ code, next }) => [code, next]),
);

/** A durable event as it came. */
export interface Seen {
  readonly seq: number;
  readonly type: string;
  /** Its JSON without the recipient's part: byte for byte as in the store. */
  readonly body: string;
  /** Milliseconds since the epoch. */
  readonly at: number;
}

/** A room as this client knows it. */
export interface SeenRoom {
  /** The seq after which it began. */
  readonly from: number;
  /** The seq of the newest event, of READY, or of RESET. */
  cursor: number;
  /** The cursor itself, for the next RESUME. */
  place: string;
  /** True while the events say that the user is a member. */
  member: boolean;
  readonly events: Seen[];
}

interface Question {
  readonly frame: Fields;
  answer(frame: Frame): void;
}

export interface ResumingClientOptions {
  readonly userId: string;
  readonly token: string;
  /** The URL to try next; `attempt` counts them. */
  readonly door: (attempt: number) => string;
  /** For messages of failed tests. */
  readonly name: string;
}

export class ResumingClient {
  readonly name: string;
  readonly userId: string;
  readonly rooms = new Map<string, SeenRoom>();
  /** Frames without a seq other than PRESENCE: TYPING, STOP_TYPING, READ_MSG and the like. */
  readonly signals: (Frame & { readonly at: number })[] = [];
  /** PRESENCE frames. */
  readonly presences: (Frame & { readonly at: number })[] = [];
  readonly resets: Frame[] = [];
  readonly closings: Closing[] = [];
  /** Broken promises: a gap, an event twice, out of order or after a USER_LEAVE. */
  readonly faults: string[] = [];
  /** True once the replay is complete and actions are taken. */
  live: boolean = false;
  readonly #options: ResumingClientOptions;
  readonly #questions = new Map<string, Question>();
  #ws: WebSocket | undefined;
  #attempt = 0;
  #failures = 0;
  #timer: NodeJS.Timeout | undefined;
  #known: boolean = false;
  #ended: boolean = false;

  private constructor(options: ResumingClientOptions) {
    this.#options = options;
    this.name = options.name;
    this.userId = options.userId;
  }

  /** Connects for the first time; resolves at READY. */
  static async open(options: ResumingClientOptions): Promise<ResumingClient> {
    const client = new ResumingClient(options);
    client.#connect();
    await until(
      () => client.live,
      20_000,
      () => `${client.name} was not let in; closed with ${client.closings.map(({ code }) => code).join() || "nothing"}`,
    );
    return client;
  }

  /** Sends an action; resolves with its ACK or ERROR, perhaps that of a repetition after a reconnect. */
  asks(action: Fields): Promise<Frame> {
    const ref = randomUUID();
    const frame = { ...action, ref };
    return new Promise((answer) => {
      this.#questions.set(ref, { frame, answer });
      if (this.live) this.#send(frame);
    });
  }

  /** Resolves when all that the server had sent before has arrived. */
  async settled(): Promise<void> {
    await this.asks({ type: "PING" });
  }

  /** The statuses of a user in the PRESENCE frames, in order. */
  statuses({ id }: { readonly id: string }): readonly string[] {
    return this.presences.filter(({ userId }) => userId === id).map(({ status }) => status);
  }

  /** The room's events so far. */
  events(chatId: string): readonly Seen[] {
    return this.rooms.get(chatId)?.events ?? [];
  }

  cursor(chatId: string): number {
    return this.rooms.get(chatId)?.cursor ?? 0;
  }

  /** Leaves what is sent in the socket. */
  stopReading(): void {
    this.#ws?.pause();
  }

  readOn(): void {
    this.#ws?.resume();
  }

  /** Cuts the connection; `reconnect` opens the next. */
  drop(): void {
    this.live = false;
    this.close();
  }

  reconnect(): void {
    this.#ended = false;
    this.#connect();
  }

  /** Ends for good. */
  close(): void {
    this.#ended = true;
    clearTimeout(this.#timer);
    this.#ws?.terminate();
  }

  #connect(): void {
    const { door, token } = this.#options;
    const url = `${door(this.#attempt++)}${this.#known ? "?resume=1" : ""}`;
    const ws = new WebSocket(url, {
      headers: { authorization: `Bearer ${token}` },
      handshakeTimeout: HANDSHAKE_MS,
      perMessageDeflate: false,
    });
    this.#ws = ws;
    // Frames of an earlier connection are ignored.
    ws.on("message", (data: Buffer) => void (this.#ws === ws && this.#take(data.toString("utf8"))));
    // "close" follows.
    ws.on("error", () => {});
    ws.on("close", (code, reason) => {
      this.closings.push({ code, reason: reason.toString("utf8"), at: Date.now() });
      if (this.#ws !== ws) return;
      this.live = false;
      this.#failures++;
      if (this.#ended || !["resume", "backoff"].includes(NEXT.get(code) ?? "")) return;
      const longest = Math.min(FIRST_DELAY_MS * 2 ** (this.#failures - 1), LONGEST_DELAY_MS);
      this.#timer = setTimeout(() => this.#connect(), Math.random() * longest);
    });
  }

  #take(json: string): void {
    const frame = JSON.parse(json) as Frame;
    if (frame.type === "READY") return this.#ready(frame);
    if (frame.type === "RESUMED") return this.#goLive();
    if (frame.type === "RESET") return this.#reset(frame);
    if (frame.seq !== undefined) return this.#event(frame, json);
    if (typeof frame.ref === "string") return this.#answered(frame, frame.ref);
    (frame.type === "PRESENCE" ? this.presences : this.signals).push({ ...frame, at: Date.now() });
  }

  #ready({ rooms }: Frame): void {
    const ours = new Map([...this.rooms].filter(([, { member }]) => member));
    // New rooms continue from the cursor of READY.
    for (const [chatId, place] of Object.entries(rooms))
      if (!ours.has(chatId)) this.#begin(chatId, seqIn(place), place);
    if (!this.#known) {
      this.#known = true;
      return this.#goLive();
    }
    const behind = [...ours].filter(([chatId, { place }]) => rooms[chatId] !== place);
    this.#send({ type: "RESUME", rooms: Object.fromEntries(behind.map(([chatId, { place }]) => [chatId, place])) });
  }

  #goLive(): void {
    this.live = true;
    this.#failures = 0;
    for (const { frame } of this.#questions.values()) this.#send(frame);
  }

  #begin(chatId: string, seq: number, place: string): SeenRoom {
    const room = this.rooms.get(chatId) ?? { from: seq, cursor: seq, place, member: true, events: [] };
    room.cursor = seq;
    room.place = place;
    room.member = true;
    this.rooms.set(chatId, room);
    return room;
  }

  #reset(frame: Frame): void {
    this.resets.push(frame);
    const room = this.rooms.get(frame.chatId);
    if (room === undefined) return;
    // The server lost events of the room: those that are kept here are not its events any more.
    if (frame.reason === "diverged") {
      this.rooms.delete(frame.chatId);
      this.#begin(frame.chatId, frame.seq, frame.cursor);
      return;
    }
    room.cursor = frame.seq;
    room.place = frame.cursor;
    if (frame.reason === "not_member") room.member = false;
  }

  #event(frame: Frame, json: string): void {
    const { chatId, seq, mark, type } = frame;
    const about = `${this.name}: ${type} ${seq} of ${chatId}`;
    const before = this.rooms.get(chatId);
    const enters = type === "NEW_CHAT" || (type === "USER_JOIN" && frame.message === this.userId);
    if (before?.member !== true && !enters) this.faults.push(`${about} while not a member (${before?.cursor})`);
    if (before !== undefined && seq <= before.cursor) this.faults.push(`${about} after ${before.cursor}`);
    const room = before?.member === true ? before : this.#begin(chatId, seq - 1, `${seq - 1}`);
    if (seq > room.cursor + 1) this.faults.push(`${about} after ${room.cursor}: a gap`);
    room.cursor = seq;
    room.place = mark === undefined ? `${seq}` : `${seq}-${mark}`;
    room.events.push({ seq, type, body: json.slice(json.indexOf('"seq"')), at: Date.now() });
    if (type === "DELETE_CHAT" || (type === "USER_LEAVE" && frame.senderId === this.userId)) room.member = false;
  }

  #answered(frame: Frame, ref: string): void {
    this.#questions.get(ref)?.answer(frame);
    this.#questions.delete(ref);
  }

  #send(frame: Fields): void {
    if (this.#ws?.readyState === WebSocket.OPEN) this.#ws.send(JSON.stringify(frame));
  }
}
