import type { Socket, SocketConstructor } from "./api.ts";

type Listener = (event: { data: unknown; code: number }) => void;

/** A WebSocket with the test as its other end. */
export class FakeSocket implements Socket {
  readonly url: string;
  readonly protocols: readonly string[];
  readyState = 0;
  /** The frames that the client sent, parsed. */
  readonly sent: { readonly type: string; readonly [field: string]: unknown }[] = [];
  /** The code with which the client closed it. */
  closedWith: number | undefined;
  /** Called with each frame that the client sends. */
  answer: (frame: { readonly type: string; readonly [field: string]: unknown }) => void = () => undefined;
  readonly #listeners: { readonly type: string; readonly listener: Listener }[] = [];

  constructor(url: string, protocols: readonly string[]) {
    this.url = url;
    this.protocols = protocols;
  }

  addEventListener(type: string, listener: Listener): void {
    this.#listeners.push({ type, listener });
  }

  send(text: string): void {
    const frame = JSON.parse(text) as FakeSocket["sent"][number];
    this.sent.push(frame);
    this.answer(frame);
  }

  close(code = 1005): void {
    this.closedWith ??= code;
    if (this.readyState < 2) this.readyState = 2;
  }

  /** The server accepts the connection. */
  open(): void {
    this.readyState = 1;
    this.#emit("open");
  }

  /** The server sends a frame, also after the end. */
  say(frame: object | string): void {
    this.#emit("message", { data: typeof frame === "string" ? frame : JSON.stringify(frame) });
  }

  /** The socket cannot be opened, and has an error event alone. */
  fail(): void {
    this.#emit("error");
  }

  /** The socket closes, with the events of a browser. */
  end(code: number): void {
    this.readyState = 3;
    if (code === 1006) this.#emit("error");
    this.#emit("close", { code });
  }

  #emit(type: string, event: Partial<Parameters<Listener>[0]> = {}): void {
    for (const each of this.#listeners) if (each.type === type) each.listener({ data: undefined, code: 0, ...event });
  }
}

/** A WebSocket class that keeps its sockets, and calls `made` with each. */
export function fakeSockets(made: (socket: FakeSocket) => void = () => undefined) {
  const sockets: FakeSocket[] = [];
  class WebSocket extends FakeSocket {
    constructor(url: string, protocols: readonly string[]) {
      super(url, protocols);
      sockets.push(this);
      made(this);
    }
  }
  return { sockets, WebSocket: WebSocket as SocketConstructor };
}
