/** A WebSocket client for tests: it keeps every frame that it is sent, and waits for conditions. */
import { isDeepStrictEqual } from "node:util";
import { WebSocket } from "ws";

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
  readonly rooms: Readonly<Record<string, number>>;
}

export type Fields = Readonly<Record<string, unknown>>;
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

interface Waiter {
  readonly matches: (frame: Frame) => boolean;
  resolve(frame: Frame): void;
  reject(error: Error): void;
}

/** How long a frame or a close may take, in milliseconds, unless a test says otherwise. */
const PATIENCE_MS = 10_000;

export class Client {
  /** Everything that arrived, in order. */
  readonly frames: Frame[] = [];
  /** Resolves when the socket is closed. */
  readonly closed: Promise<Closing>;
  readonly #ws: WebSocket;
  readonly #waiters = new Set<Waiter>();
  #closing: Closing | undefined;
  #asked = 0;

  private constructor(ws: WebSocket) {
    this.#ws = ws;
    ws.on("message", (data: Buffer) => this.#take(JSON.parse(data.toString("utf8")) as Frame));
    this.closed = new Promise((resolve) => {
      ws.on("close", (code, reason) => {
        this.#closing = { code, reason: reason.toString("utf8"), at: Date.now() };
        resolve(this.#closing);
        for (const waiter of [...this.#waiters]) waiter.reject(new Error(`the socket was closed with ${code}`));
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
  receives(match: Match, ms = PATIENCE_MS): Promise<Frame> {
    const matches = typeof match === "function" ? match : (frame: Frame) => has(frame, match);
    const present = this.frames.find(matches);
    if (present !== undefined) return Promise.resolve(present);
    if (this.#closing !== undefined)
      return Promise.reject(new Error(`the socket was closed with ${this.#closing.code}`));
    return this.#wait(matches, `no frame with ${typeof match === "function" ? match : JSON.stringify(match)}`, ms);
  }

  /** Sends a frame with a `ref` of its own; resolves with its ACK, ERROR or PONG. */
  asks(frame: Fields, ms = PATIENCE_MS): Promise<Frame> {
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

  #take(frame: Frame): void {
    this.frames.push(frame);
    for (const waiter of [...this.#waiters]) if (waiter.matches(frame)) waiter.resolve(frame);
  }

  #wait(matches: Waiter["matches"], what: string, ms: number): Promise<Frame> {
    return new Promise((resolve, reject) => {
      const end = <T>(settle: (value: T) => void) => {
        return (value: T) => {
          clearTimeout(timer);
          this.#waiters.delete(waiter);
          settle(value);
        };
      };
      const waiter: Waiter = { matches, resolve: end(resolve), reject: end(reject) };
      const timer = setTimeout(() => {
        const last = this.frames.slice(-20).map(({ type }) => type);
        waiter.reject(new Error(`${what} within ${ms} ms; the last were ${last.join(" ") || "none"}`));
      }, ms);
      this.#waiters.add(waiter);
    });
  }
}

const has = (frame: Frame, fields: Fields): boolean =>
  Object.entries(fields).every(([name, value]) => isDeepStrictEqual((frame as unknown as Fields)[name], value));
