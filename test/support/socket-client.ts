/** A WebSocket client for tests: it keeps every frame that it is sent, and waits for conditions. */
import { WebSocket } from "ws";
import { Arrivals, type Fields } from "./arrivals.ts";

export type { Fields };

/** A frame as it came; the fields are those that tests read, each there or not as the frame's type says. */
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
  readonly rooms: Readonly<Record<string, number>>;
}

export type Match = Fields | ((frame: Frame) => boolean);

/** How a socket is opened; without anything it says nothing of who it is. */
export interface Knock {
  readonly token?: string;
  readonly protocols?: readonly string[];
  readonly origin?: string;
  /** Behind the URL: "?resume=1". */
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
  static open(url: string, { token, protocols = [], origin, query = "" }: Knock = {}): Promise<Client> {
    const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
    const ws = new WebSocket(`${url}${query}`, [...protocols], {
      headers,
      ...(origin === undefined ? {} : { origin }),
    });
    return new Promise((resolve, reject) => {
      ws.on("error", reject);
      // Frames may come in the packet that opens the socket: they are listened for before anybody waits.
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

  /** The durable events of a room, in the order of their arrival. */
  events(chatId: string): readonly Frame[] {
    return this.frames.filter((frame) => frame.chatId === chatId && frame.seq !== undefined && frame.type !== "RESET");
  }

  /** What arrived of one type. */
  of(type: string): readonly Frame[] {
    return this.frames.filter((frame) => frame.type === type);
  }

  send(frame: Fields): void {
    this.raw(JSON.stringify(frame));
  }

  raw(data: string | Buffer): void {
    this.#ws.send(data);
  }

  /** The first frame, of those that arrived and those to come, that has these fields. */
  receives(match: Match, ms?: number): Promise<Frame> {
    return this.#arrivals.receives(match, ms);
  }

  /** Sends a frame with a `ref` of its own; resolves with its ACK, ERROR or PONG. */
  asks(frame: Fields, ms?: number): Promise<Frame> {
    const ref = `ask-${++this.#asked}`;
    this.send({ ...frame, ref });
    return this.receives({ ref }, ms);
  }

  /** Acts and resolves with the event that the ACK brings; rejects when the answer is an ERROR. */
  async acts(action: Fields): Promise<Frame> {
    const answer = await this.asks(action);
    if (answer.type !== "ACK") throw new Error(`${String(action.type)} was answered ${answer.code}: ${answer.detail}`);
    return answer.data;
  }

  /** Resolves when everything that the server had put out for this socket before has arrived. */
  async settled(): Promise<void> {
    await this.asks({ type: "PING" });
  }

  /** Reads nothing more, until `reads`. */
  stalls(): void {
    this.#ws.pause();
  }

  reads(): void {
    this.#ws.resume();
  }

  close(): void {
    this.#ws.close();
  }
}
