/** An application service that writes down what a homeserver pushes, and answers as it is told. */
import { once } from "node:events";
import { createServer } from "node:http";
import { until } from "../support/until.ts";
import type { Content, MatrixEvent } from "./matrix-client.ts";

/** A transaction as it came, each try of it. */
export interface Recorded {
  readonly transactionId: string;
  /** What it was answered. */
  readonly status: number;
  readonly body: {
    readonly events: readonly (MatrixEvent & { readonly room_id: string })[];
    readonly ephemeral?: readonly { readonly type: string; readonly content: Content }[];
  };
}

const WAIT_MS = 60_000;

export class Recorder {
  /** In the order of their arrival. */
  readonly transactions: Recorded[] = [];
  /** What transactions are answered from now on. */
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
    this.#server.listen(port, "127.0.0.1");
    await once(this.#server, "listening");
  }

  /** Resolves when a transaction that was taken brought what `match` is true for. */
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

  /** What came since the last call. */
  cut(): readonly Recorded[] {
    return this.transactions.splice(0);
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }
}
