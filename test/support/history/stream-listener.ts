/** A standard EventSource on one room, which comes back with the last id that the stream printed. */
import { EventSource } from "eventsource";
import { type Cursor, HeardRoom, type Listener, type Surroundings } from "./heard.ts";

/** The durable events that these tests cause. */
const DURABLE = ["message", "conversation_created", "conversation_updated"] as const;
/** Before a refused stream is asked for again. */
const AGAIN_MS = 300;

export interface StreamOptions {
  readonly name: string;
  readonly token: string;
  /** The room's stream at a gateway, or at a proxy before it. */
  readonly url: () => string;
  readonly chatId: string;
  /** The cursor of the room now. */
  readonly from: Cursor;
  readonly around: Surroundings;
}

export class StreamListener implements Listener {
  readonly name: string;
  readonly rooms: ReadonlyMap<string, HeardRoom>;
  readonly #room: HeardRoom;
  readonly #options: StreamOptions;
  #source: EventSource | undefined;
  #ended: boolean = false;

  private constructor(options: StreamOptions) {
    this.#options = options;
    this.name = options.name;
    this.#room = new HeardRoom(options.chatId, options.from, options.around);
    this.rooms = new Map([[options.chatId, this.#room]]);
  }

  /** Resolves when the stream is open. */
  static async open(options: StreamOptions): Promise<StreamListener> {
    const listener = new StreamListener(options);
    await new Promise<void>((resolve) => listener.#connect(resolve));
    return listener;
  }

  close(): void {
    this.#ended = true;
    this.#source?.close();
  }

  #connect(opened: () => void): void {
    const { url, token } = this.#options;
    const headers = { authorization: `Bearer ${token}`, "Last-Event-ID": String(this.#room.cursor) };
    const source = new EventSource(url(), {
      // After a reconnect by itself it names its own last id.
      fetch: (input, init) => fetch(input, { ...init, headers: { ...headers, ...init.headers } }),
    });
    this.#source = source;
    source.addEventListener("open", opened);
    for (const type of DURABLE)
      source.addEventListener(type, ({ data, lastEventId }: MessageEvent) => {
        const { id } = JSON.parse(String(data)) as { id?: string };
        this.#room.event(lastEventId, type === "message" ? id?.replace(/^msg-/, "") : undefined);
      });
    source.addEventListener("reset", ({ data }: MessageEvent) => {
      const { reason, cursor } = JSON.parse(String(data)) as { reason: string; cursor: Cursor };
      this.#room.reset(reason, cursor);
    });
    source.addEventListener("error", () => {
      // A refusal ends an EventSource; a page asks again by another.
      if (source.readyState !== EventSource.CLOSED || this.#ended) return;
      setTimeout(() => {
        if (!this.#ended) this.#connect(opened);
      }, AGAIN_MS).unref();
    });
  }
}
