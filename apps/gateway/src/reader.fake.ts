import {
  type ClientRequest,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type OutgoingHttpHeaders,
  type RequestOptions,
  request,
} from "node:http";
import type { Socket } from "node:net";
import { eventually, type Options, openGateway } from "./gateway.fake.ts";

export interface Told {
  readonly event: string;
  readonly id: string | undefined;
  // biome-ignore lint/suspicious/noExplicitAny: each test knows the data of its events.
  readonly data: any;
}

/** A reader of one stream that keeps all it receives. */
export class Reader {
  readonly request: ClientRequest;
  response: IncomingMessage | undefined;
  text = "";
  /** "end": the stream was ended as it should be; "cut": it was not. */
  over: "end" | "cut" | undefined;

  constructor(url: string, options: RequestOptions = {}) {
    this.request = request(url, options, (response) => {
      this.response = response;
      response.setEncoding("utf8");
      response.on("data", (chunk: string) => (this.text += chunk));
      response.on("end", () => (this.over = "end"));
      response.on("error", () => (this.over = "cut"));
    });
    this.request.on("error", () => (this.over ??= "cut"));
    this.request.end();
  }

  get socket(): Socket {
    return this.request.socket as Socket;
  }

  /** Everything of a stream that is no comment. */
  get events(): Told[] {
    return this.blocks.flatMap((block) => {
      const field = (name: string) => new RegExp(`^${name}: (.*)$`, "m").exec(block)?.[1];
      const event = field("event");
      return event === undefined ? [] : [{ event, id: field("id"), data: JSON.parse(field("data") ?? "") }];
    });
  }

  /** The text between empty lines. */
  get blocks(): string[] {
    return this.text.split("\n\n").slice(0, -1);
  }

  of(event: string): Told[] {
    return this.events.filter((each) => each.event === event);
  }

  /** Resolves with the `count`th event of this name. */
  receives(event: string, count = 1): Promise<Told> {
    return eventually(() => {
      const told = this.of(event)[count - 1];
      if (told === undefined) throw new Error(`no ${event} (${count}) came: ${this.over ?? "open"}`);
      return told;
    });
  }

  /** Resolves with the answer's head. */
  answered(): Promise<{ status: number | undefined; headers: IncomingHttpHeaders }> {
    return eventually(() => {
      if (this.response === undefined) throw new Error(`there is no answer: ${this.over ?? "open"}`);
      return { status: this.response.statusCode, headers: this.response.headers };
    });
  }

  /** Resolves with how the answer ended. */
  ends(): Promise<"end" | "cut"> {
    return eventually(() => {
      if (this.over === undefined) throw new Error("the stream is open");
      return this.over;
    });
  }

  /** Resolves with the problem that it was answered with. */
  async problem() {
    const { status, headers } = await this.answered();
    await this.ends();
    return { status, headers, code: JSON.parse(this.text).code };
  }
}

/** A gateway for tests of its streams. */
export async function openStreams(options: Options = {}) {
  const gateway = await openGateway(options);
  const { port, tokenOf, engine } = gateway;
  const pathOf = (chatId: string, query = "") => `/chat/api/v1/conversations/${chatId}/signals${query}`;
  /** Asks for a stream with these headers. */
  const ask = (path: string, headers: OutgoingHttpHeaders = {}, more: RequestOptions = {}) =>
    new Reader(`http://127.0.0.1:${port}${path}`, { headers, agent: false, ...more });
  const authorization = async (userId: string, ttl?: number) => ({
    Authorization: `Bearer ${await tokenOf(userId, ttl)}`,
  });
  /** Opens a stream of `userId` and waits for its head. */
  const read = async (userId: string, chatId: string, query = "", headers: OutgoingHttpHeaders = {}) => {
    const reader = ask(pathOf(chatId, query), { ...(await authorization(userId)), ...headers });
    await eventually(() => {
      if (!reader.text.startsWith("retry: ")) throw new Error(`the stream did not begin: ${reader.text}`);
    });
    return reader;
  };
  /** A ticket as `POST /v1/tickets` makes them. */
  const ticketOf = async (userId: string, more: Record<string, unknown> = {}) => {
    const ticket = crypto.randomUUID();
    const claims = { userId, service: false, issuedAt: 0, expiresAt: Date.now() + 3_600_000, ...more };
    await engine.tickets.put(ticket, JSON.stringify(claims), 30_000);
    return ticket;
  };
  return { ...gateway, pathOf, ask, authorization, read, ticketOf };
}
