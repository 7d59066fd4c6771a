/** An application service that records a homeserver's transactions, with a configurable answer. */
import { createServer } from "node:http";
import { listenOn } from "../support/loopback.ts";
import { until } from "../support/until.ts";
import type { Content, MatrixEvent } from "./matrix-client.ts";

/** One attempt of a transaction. */
export interface Recorded {
  readonly transactionId: string;
  /** The status of its answer. */
  readonly status: number;
  readonly body: {
    readonly events: readonly (MatrixEvent & { readonly room_id: string })[];
    readonly ephemeral?: readonly { readonly type: string; readonly content: Content }[];
  };
}

const WAIT_MS = 60_000;

export class Recorder {
  /** In the order of arrival. */
  readonly transactions: Recorded[] = [];
  /** The status of answers from now on. */
  status = 200;
  readonly #server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const id = /^\/_matrix\/app\/v1\/transactions\/([^/?]+)/.exec(request.url ?? "")?.[1];
      const status = id === undefined ? 404 : this.status;
      const text = Buffer.concat(chunks).toString("utf8");
      if (id !== undefined)
        this.transactions.push({ transactionId: id, status, body: JSON.parse(text) as Recorded["body"] });
      response.writeHead(status, { "content-type": "application/json" }).end("{}");
    });
  });

  async listen(port: number): Promise<void> {
    await listenOn(this.#server, port);
  }

  /** Resolves when an accepted transaction matches. */
  async receives(match: (recorded: Recorded) => boolean): Promise<void> {
    await until(
      () => this.transactions.some((recorded) => recorded.status === 200 && match(recorded)),
      WAIT_MS,
      () => `nothing recorded for ${String(match)}`,
    );
  }

  receivesEvent(id: string): Promise<void> {
    return this.receives(({ body }) => body.events.some((event) => event.event_id === id));
  }

  /** Removes and returns the transactions since the last call. */
  cut(): readonly Recorded[] {
    return this.transactions.splice(0);
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }
}
