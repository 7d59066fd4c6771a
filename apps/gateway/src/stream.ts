import type { ServerResponse } from "node:http";
import type { Signal } from "@signalbox/core/delivery/signal";
import type { ResetReason } from "@signalbox/core/delivery/subscriber";
import type { Bytes } from "@signalbox/core/model/bytes";
import type { EventRow, Head } from "@signalbox/core/model/rows";
import type { Access } from "@signalbox/node/access";
import type { Log } from "@signalbox/node/log";
import type { Claims } from "@signalbox/node/tokens";
import type { CloseReason } from "@signalbox/protocol/close";
import { type Cursor, encodeCursor } from "@signalbox/protocol/cursor";
import { Problem } from "@signalbox/protocol/errors";
import { encodeRetry, SSE_COMMENT } from "@signalbox/protocol/sse";
import { Connection, type ConnectionDeps, type Transport } from "./connection.ts";
import { COMMENT_MS } from "./heartbeat.ts";
import type { Outgoing } from "./outbox.ts";
import { encode, type Sse } from "./sse.ts";

/** Time that a peer has to read the rest at the end, in milliseconds. */
const CLOSE_MS = 1000;
/** Comments in a row of which the peer took no byte, after which it counts as gone. */
const PATIENCE = 2;
/** Ends of a peer that does not read: nothing more is written to it. */
const CUT: ReadonlySet<CloseReason> = new Set(["slow", "heartbeat"]);

const HEADERS = {
  "Content-Type": "text/event-stream",
  "Cache-Control": "no-cache",
  "X-Accel-Buffering": "no",
  // After a drain, the reader's next request must reach another node: a connection that was kept leads to this one.
  Connection: "close",
};

export interface StreamDeps extends ConnectionDeps {
  readonly access: Access;
  readonly sse: Sse;
  readonly log: Log;
}

/** A user's request for the events of one room. */
export interface Subscription {
  readonly claims: Claims;
  readonly roomId: string;
  /** The last event that the reader has; absent: from now on. */
  readonly cursor: Cursor | undefined;
}

/** One stream of server-sent events, of one room. CONTRACT section 5, "SSE". */
export class Stream implements Transport {
  readonly connection: Connection;
  readonly #response: ServerResponse;
  readonly #sse: Sse;
  /** The answer has begun: from then on, its end is all that the reader is told. */
  #begun = false;
  #unanswered = 0;

  constructor(response: ServerResponse, deps: StreamDeps) {
    this.#response = response;
    this.#sse = deps.sse;
    this.connection = new Connection(this, response, deps);
  }

  /** Subscribes to the room and begins to answer. A rejection comes before the answer has begun, and is to be answered instead. */
  async open({ claims, roomId, cursor }: Subscription): Promise<void> {
    const { connection } = this;
    if ((await connection.enter(claims, roomId, COMMENT_MS)) === undefined) throw this.#endedEarly();
    this.#begun = true;
    this.#response.req.socket.setKeepAlive(true, COMMENT_MS);
    this.#response.writeHead(200, HEADERS);
    connection.push(encodeRetry(1000 + Math.random() * 2000));
    void connection.deliver(cursor === undefined ? null : new Map([[roomId, cursor]]));
  }

  // Transport: calls of the connection.

  encodeEvent(event: EventRow): Outgoing {
    const last =
      event.type === "DELETE_CHAT" || (event.type === "USER_LEAVE" && event.userId === this.connection.userId);
    // The room lets the subscriber go only after it has delivered this.
    if (last) setImmediate(() => this.#endOutside());
    return this.#sse.event(event);
  }

  encodeSignal(signal: Signal): Outgoing | undefined {
    const bytes = this.#sse.signal(signal);
    return bytes === "" ? undefined : bytes;
  }

  encodeReset(_roomId: string, reason: ResetReason, { seq, mark }: Head): Bytes {
    return encode({ event: "reset", data: { reason, cursor: encodeCursor(seq, mark) } });
  }

  /** A write that fails shows nothing: a peer that vanished takes all that fits its buffers. A comment that stays does. */
  ping(): void {
    this.#unanswered = this.connection.outbox.stuck() ? this.#unanswered + 1 : 0;
    this.connection.push(SSE_COMMENT);
  }

  alive(): boolean {
    return this.#unanswered < PATIENCE;
  }

  caughtUp(): void {
    this.#endOutside();
  }

  finish(reason: CloseReason): void {
    const { connection } = this;
    const { socket } = this.#response.req;
    if (!this.#begun) return connection.end();
    if (reason === "restart") connection.outbox.push(encodeRetry(500 + Math.random() * 4500));
    if (!CUT.has(reason)) connection.outbox.flush();
    connection.end();
    if (CUT.has(reason)) return void socket.destroy();
    this.#response.end();
    setTimeout(() => socket.destroy(), CLOSE_MS).unref();
  }

  /** The answer when the connection ended before the stream began. */
  #endedEarly(): Problem {
    return this.connection.closedFor === "revoked"
      ? new Problem("unauthenticated", "revoked")
      : new Problem("unavailable", "this node stops", { retryAfterMs: 1000 });
  }

  /** Ends a stream outside its room. The reader asks again, and is told that there is no such room. */
  #endOutside(): void {
    if (this.connection.subscriber?.rooms.size === 0) this.connection.close("normal");
  }
}
