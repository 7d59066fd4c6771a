/** A WebSocket client that resumes from its cursors, and repeats unanswered actions. */
import { randomUUID } from "node:crypto";
import { WebSocket } from "ws";
import type { Fields } from "../arrivals.ts";
import { until } from "../until.ts";
import { type Cursor, cursorOf, HeardRoom, type Listener, type Surroundings } from "./heard.ts";

/** The longest delay before a reconnect. */
const RECONNECT_MS = 400;
const READY_MS = 20_000;

interface Frame {
  readonly type: string;
  readonly chatId: string;
  readonly seq?: number;
  readonly mark?: string;
  readonly messageId?: string;
  readonly reason: string;
  readonly cursor?: Cursor;
  readonly rooms: Readonly<Record<string, Cursor>>;
  readonly ref?: string;
  readonly code: string;
  readonly data: { readonly seq: number; readonly messageId: string };
}

export interface SocketOptions {
  readonly name: string;
  readonly token: string;
  /** The `/realtime` of a gateway, or of a proxy before it. */
  readonly url: () => string;
  readonly around: Surroundings;
}

export class SocketListener implements Listener {
  readonly name: string;
  readonly rooms = new Map<string, HeardRoom>();
  readonly #options: SocketOptions;
  readonly #questions = new Map<string, { readonly frame: Fields; answer(frame: Frame): void }>();
  #ws: WebSocket | undefined;
  #live: boolean = false;
  #known: boolean = false;
  #ended: boolean = false;

  private constructor(options: SocketOptions) {
    this.#options = options;
    this.name = options.name;
  }

  /** Connects; resolves at READY. */
  static async open(options: SocketOptions): Promise<SocketListener> {
    const listener = new SocketListener(options);
    listener.#connect();
    await until(
      () => listener.#live,
      READY_MS,
      () => `${listener.name} was not let in`,
    );
    return listener;
  }

  /** Sends an action; resolves with its ACK or ERROR, perhaps that of a repetition after a reconnect. */
  asks(action: Fields): Promise<Frame> {
    const ref = randomUUID();
    const frame = { ...action, ref };
    return new Promise((answer) => {
      this.#questions.set(ref, { frame, answer });
      if (this.#live) this.#send(frame);
    });
  }

  close(): void {
    this.#ended = true;
    this.#ws?.terminate();
  }

  #connect(): void {
    if (this.#ended) return;
    const { url, token } = this.#options;
    const ws = new WebSocket(`${url()}${this.#known ? "?resume=1" : ""}`, {
      headers: { authorization: `Bearer ${token}` },
      handshakeTimeout: 5000,
    });
    this.#ws = ws;
    ws.on("message", (data: Buffer) => this.#take(JSON.parse(data.toString("utf8")) as Frame));
    // "close" follows.
    ws.on("error", () => {});
    ws.on("close", () => {
      this.#live = false;
      setTimeout(() => this.#connect(), Math.random() * RECONNECT_MS).unref();
    });
  }

  #take(frame: Frame): void {
    const { type, chatId, seq, ref } = frame;
    const room = this.rooms.get(chatId);
    if (type === "READY") this.#ready(frame.rooms);
    else if (type === "RESUMED") this.#goLive();
    else if (type === "RESET") room?.reset(frame.reason, frame.cursor ?? seq ?? 0);
    else if (ref !== undefined) this.#answered(frame, ref);
    else if (seq !== undefined)
      room?.event(cursorOf({ ...frame, seq }), type === "SEND_MSG" ? frame.messageId : undefined);
  }

  #ready(rooms: Readonly<Record<string, Cursor>>): void {
    for (const [chatId, cursor] of Object.entries(rooms))
      if (!this.rooms.has(chatId)) this.rooms.set(chatId, new HeardRoom(chatId, cursor, this.#options.around));
    if (!this.#known) {
      this.#known = true;
      this.#goLive();
      return;
    }
    const behind = [...this.rooms.values()].filter(({ chatId, cursor }) => rooms[chatId] !== cursor);
    this.#send({ type: "RESUME", rooms: Object.fromEntries(behind.map(({ chatId, cursor }) => [chatId, cursor])) });
  }

  #goLive(): void {
    this.#live = true;
    for (const { frame } of this.#questions.values()) this.#send(frame);
  }

  #answered(frame: Frame, ref: string): void {
    this.#questions.get(ref)?.answer(frame);
    this.#questions.delete(ref);
  }

  #send(frame: Fields): void {
    if (this.#ws?.readyState === WebSocket.OPEN) this.#ws.send(JSON.stringify(frame));
  }
}
