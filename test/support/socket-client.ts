/** A WebSocket client that keeps every frame it is sent. */
import { WebSocket } from "ws";
import { Arrivals, type Fields } from "./arrivals.ts";

/** A frame as it came. The fields are those that tests read; the frame's type says which of them are there. */
export interface Frame {
  readonly type: string;
  readonly chatId: string;
  readonly messageId: string;
  readonly senderId: string;
  readonly recipientId: string;
  readonly message: string;
  readonly timeStamp: string;
  readonly editedAt: string;
  readonly seq: number;
  readonly mark: string | undefined;
  readonly cursor: string;
  readonly code: string;
  readonly reason: string;
  readonly detail: string;
  readonly retryAfterMs: number;
  readonly ref: string | number | undefined;
  readonly data: Frame;
  readonly replyTo: Fields;
  readonly userId: string;
  readonly status: string;
  readonly lastActiveAt: string | null;
  readonly kind: string;
  readonly unreadCount: number;
  readonly mentionCount: number;
  /** The cursor of each room. */
  readonly rooms: Readonly<Record<string, string>>;
}

/** Where each room is resumed from: its cursor, or a bare seq, which is not checked. */
export type ResumeFrom = Readonly<Record<string, string | number>>;

/** The credentials and headers of a handshake; all are left out unless given. */
export interface SocketOptions {
  readonly token?: string;
  readonly protocols?: readonly string[];
  readonly origin?: string;
  /** Appended to the URL, such as "?resume=1". */
  readonly query?: string;
}

export interface Closing {
  readonly code: number;
  readonly reason: string;
  /** Milliseconds since the epoch. */
  readonly at: number;
}

export class Client {
  /** Resolves when the socket is closed. */
  readonly closed: Promise<Closing>;
  readonly #ws: WebSocket;
  readonly #arrivals = new Arrivals<Frame>();
  #asked = 0;

  private constructor(ws: WebSocket) {
    this.#ws = ws;
    ws.on("message", (data: Buffer) => this.#arrivals.take(JSON.parse(data.toString("utf8")) as Frame));
    this.closed = new Promise((resolve) => {
      ws.on("close", (code, reason) => {
        resolve({ code, reason: reason.toString("utf8"), at: Date.now() });
        this.#arrivals.end(`the socket was closed with ${code}`);
      });
    });
  }

  /** Resolves when the socket is open; rejects with "Unexpected server response: <status>" when HTTP refuses it. */
  static open(url: string, { token, protocols = [], origin, query = "" }: SocketOptions = {}): Promise<Client> {
    const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
    const ws = new WebSocket(`${url}${query}`, [...protocols], {
      headers,
      ...(origin === undefined ? {} : { origin }),
    });
    return new Promise((resolve, reject) => {
      ws.on("error", reject);
      // Listens before the socket is open: frames may come in the packet that opens it.
      const client = new Client(ws);
      ws.on("open", () => resolve(client));
    });
  }

  /** Everything that arrived, in order. */
  get frames(): readonly Frame[] {
    return this.#arrivals.items;
  }

  /** The subprotocol that the server selected; "" for none. */
  get protocol(): string {
    return this.#ws.protocol;
  }

  /** The durable events of a room, in the order of arrival. */
  events(chatId: string): readonly Frame[] {
    return this.frames.filter((frame) => frame.chatId === chatId && frame.seq !== undefined && frame.type !== "RESET");
  }

  /** The seqs of a room's durable events, in the order of arrival. */
  seqs(chatId: string): number[] {
    return this.events(chatId).map(({ seq }) => seq);
  }

  /** The frames of one type. */
  of(type: string): readonly Frame[] {
    return this.frames.filter((frame) => frame.type === type);
  }

  send(frame: Fields): void {
    this.raw(JSON.stringify(frame));
  }

  raw(data: string | Buffer): void {
    this.#ws.send(data);
  }

  /** As `Arrivals.receives`. */
  receives(match: Fields | ((frame: Frame) => boolean), ms?: number): Promise<Frame> {
    return this.#arrivals.receives(match, ms);
  }

  /** Sends a frame with a `ref` of its own; resolves with its ACK, ERROR or PONG. */
  asks(frame: Fields, ms?: number): Promise<Frame> {
    const ref = `ask-${++this.#asked}`;
    this.send({ ...frame, ref });
    return this.receives({ ref }, ms);
  }

  /** Sends an action; resolves with the event of its ACK, and rejects when the answer is an ERROR. */
  async acts(action: Fields): Promise<Frame> {
    const answer = await this.asks(action);
    if (answer.type !== "ACK") throw new Error(`${String(action.type)} was answered ${answer.code}: ${answer.detail}`);
    return answer.data;
  }

  /** Resumes; resolves at RESUMED. For a session with "?resume=1". */
  async resumes(rooms: ResumeFrom): Promise<void> {
    this.send({ type: "RESUME", rooms });
    await this.receives({ type: "RESUMED" });
  }

  /** Resolves when all that the server had sent before has arrived. */
  async settled(): Promise<void> {
    await this.asks({ type: "PING" });
  }

  /** Leaves what the server sends in the socket, until `readOn`. */
  stopReading(): void {
    this.#ws.pause();
  }

  readOn(): void {
    this.#ws.resume();
  }

  close(): void {
    this.#ws.close();
  }
}
