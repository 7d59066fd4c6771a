/** An SSE client: a standard EventSource that also keeps the text of the stream. */
import { EventSource, type EventSourceFetchInit, type FetchLikeResponse } from "eventsource";
import { Arrivals, type Fields, hasFields } from "./arrivals.ts";
import { seqIn } from "./cursors.ts";

/** Every event of a stream. CONTRACT section 5. */
export const STREAM_EVENTS = [
  "message",
  "typing",
  "presence",
  "receipt",
  "notification",
  "message_edited",
  "message_deleted",
  "reaction_added",
  "reaction_removed",
  "member_joined",
  "member_left",
  "conversation_created",
  "conversation_updated",
  "conversation_deleted",
  "reset",
] as const;

/** An event as the EventSource gave it. */
export interface StreamEvent {
  readonly type: (typeof STREAM_EVENTS)[number];
  /** The last id that the stream printed up to here: a cursor. */
  readonly lastEventId: string;
  readonly data: Fields;
}

/** The credentials and headers of a stream's requests. */
export interface StreamOptions {
  readonly token?: string;
  /** Appended to the path, such as "?last_event_id=7". */
  readonly query?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** A request of the EventSource and its answer. */
export interface StreamRequest {
  readonly status: number;
  readonly headers: Headers;
  /** Its Last-Event-ID. */
  readonly from: string | undefined;
}

export class Stream {
  /** Every answered request, in order. */
  readonly requests: StreamRequest[] = [];
  /** The text of the stream. */
  text = "";
  /** Resolves with the moment, in milliseconds since the epoch, at which the stream first ended or was refused. */
  readonly ended: Promise<number>;
  /** Resolves when the EventSource has given up for good. */
  readonly over: Promise<void>;
  readonly #source: EventSource;
  readonly #arrivals = new Arrivals<StreamEvent>();
  #end: (at: number) => void = () => undefined;

  private constructor(url: string, options: StreamOptions) {
    this.ended = new Promise((resolve) => {
      this.#end = resolve;
    });
    this.#source = new EventSource(url, { fetch: (input, init) => this.#fetch(String(input), init, options) });
    for (const type of STREAM_EVENTS)
      this.#source.addEventListener(type, ({ data, lastEventId }: MessageEvent) =>
        this.#arrivals.take({ type, lastEventId, data: JSON.parse(String(data)) as Fields }),
      );
    this.over = new Promise((resolve) => {
      this.#source.addEventListener("error", () => {
        this.#end(Date.now());
        if (this.#source.readyState !== EventSource.CLOSED) return;
        resolve();
        this.#arrivals.end("the stream is over");
      });
    });
  }

  /** Resolves when the stream is open, or was refused. */
  static open(url: string, { query = "", ...options }: StreamOptions): Promise<Stream> {
    const stream = new Stream(`${url}${query}`, options);
    return new Promise((resolve) => {
      stream.#source.addEventListener("open", () => resolve(stream));
      void stream.over.then(() => resolve(stream));
    });
  }

  /** Everything that arrived, in order. */
  get events(): readonly StreamEvent[] {
    return this.#arrivals.items;
  }

  /** The `data` of the events of one type. */
  of(type: StreamEvent["type"]): readonly Fields[] {
    return this.events.filter((event) => event.type === type).map(({ data }) => data);
  }

  /** Every id of the stream, in order: cursors. */
  get cursors(): readonly string[] {
    return [...this.text.matchAll(/^id: ?(.*)$/gm)].map(([, id = ""]) => id);
  }

  /** The seq in every id of the stream, in order. */
  get ids(): readonly number[] {
    return this.cursors.map(seqIn);
  }

  /** The `data` of the first event of this type that has these fields. */
  async receives(type: StreamEvent["type"], fields: Fields = {}, ms?: number): Promise<Fields> {
    const match = (event: StreamEvent) => event.type === type && hasFields(event.data, fields);
    return (await this.#arrivals.receives(match, ms)).data;
  }

  /** Resolves when a durable event with this seq has arrived. */
  async reaches(seq: number): Promise<void> {
    await this.#arrivals.receives(({ lastEventId }) => seqIn(lastEventId) >= seq);
  }

  close(): void {
    this.#source.close();
    this.#arrivals.end("the stream was closed");
  }

  async #fetch(url: string, init: EventSourceFetchInit, options: StreamOptions): Promise<FetchLikeResponse> {
    const { token } = options;
    const bearer: Record<string, string> = token === undefined ? {} : { authorization: `Bearer ${token}` };
    const asked: Record<string, string> = { ...bearer, ...options.headers, ...init.headers };
    const { body, status, headers, redirected, url: from } = await fetch(url, { ...init, headers: asked });
    this.requests.push({ status, headers, from: asked["Last-Event-ID"] });
    return { body: body?.pipeThrough(this.#keeping()) ?? null, status, headers, redirected, url: from };
  }

  #keeping(): TransformStream<Uint8Array, Uint8Array> {
    const decoder = new TextDecoder();
    return new TransformStream({
      transform: (chunk, to) => {
        this.text += decoder.decode(chunk, { stream: true });
        to.enqueue(chunk);
      },
    });
  }
}
