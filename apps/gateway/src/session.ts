import type { Duplex } from "node:stream";
import type { RateLimit } from "@signalbox/core/commands/rate-limit";
import type { Writer } from "@signalbox/core/commands/writer";
import type { Hub } from "@signalbox/core/delivery/hub";
import type { Signal } from "@signalbox/core/delivery/signal";
import type { ResetReason } from "@signalbox/core/delivery/subscriber";
import type { Bytes } from "@signalbox/core/model/bytes";
import { toBytes } from "@signalbox/core/model/bytes";
import type { EventRow, Head } from "@signalbox/core/model/rows";
import { reportFault } from "@signalbox/core/ports/faults";
import type { Presence } from "@signalbox/core/presence/presence";
import type { Access } from "@signalbox/node/access";
import type { Log } from "@signalbox/node/log";
import type { Claims } from "@signalbox/node/tokens";
import { CLOSE, type CloseReason } from "@signalbox/protocol/close";
import { type Cursor, encodeCursor } from "@signalbox/protocol/cursor";
import type { SessionFrame } from "@signalbox/protocol/down";
import { encodeFrame } from "@signalbox/protocol/encode";
import { Problem } from "@signalbox/protocol/errors";
import type { WebSocket } from "ws";
import { Connection, type ConnectionDeps, type Transport } from "./connection.ts";
import { textFrame } from "./frame.ts";
import { HEARTBEAT_MS } from "./heartbeat.ts";
import type { Outgoing } from "./outbox.ts";

/** Time that a session may stay without AUTH, or without RESUME when it asked for one, in milliseconds. */
const PATIENCE_MS = 5000;
/** Time that a peer has to read its close frame, in milliseconds. */
const CLOSE_MS = 1000;

export interface SessionDeps extends ConnectionDeps {
  readonly hub: Hub;
  readonly access: Access;
  readonly writer: Writer;
  readonly presence: Pick<Presence, "choose">;
  readonly rateLimit: RateLimit;
  readonly log: Log;
}

/** The stage of a session's life. `held`: nothing is delivered before the RESUME that the client announced. */
export type SessionState =
  | { readonly kind: "anonymous"; readonly timer: NodeJS.Timeout }
  | { readonly kind: "entering" }
  | { readonly kind: "held"; readonly timer: NodeJS.Timeout }
  | { readonly kind: "live" }
  | { readonly kind: "closed" };

/** One WebSocket: its stages from AUTH to the close frame, and the frames of its own life. CONTRACT section 4. */
export class Session implements Transport {
  readonly deps: SessionDeps;
  readonly connection: Connection;
  state: SessionState;
  readonly #ws: WebSocket;
  readonly #resumes: boolean;
  #pongDue = false;

  /** `resumes`: the client names its cursors before anything is delivered. */
  constructor(ws: WebSocket, socket: Duplex, resumes: boolean, deps: SessionDeps) {
    this.#ws = ws;
    this.#resumes = resumes;
    this.deps = deps;
    this.connection = new Connection(this, socket, deps);
    this.state = { kind: "anonymous", timer: this.#timeout() };
  }

  /** Checks the token, takes the session into the hub and says READY. */
  async authenticate(token: string): Promise<void> {
    if (this.state.kind !== "anonymous") return;
    clearTimeout(this.state.timer);
    this.state = { kind: "entering" };
    // No frame is read before its user is known.
    this.#ws.pause();
    try {
      await this.#enter(await this.deps.access.verify(token));
    } catch (error) {
      const refused = error instanceof Problem && error.code === "unauthenticated";
      if (!refused) reportFault(this.deps.faults, "session", error);
      this.connection.close(refused ? "unauthenticated" : "internal");
    }
  }

  /** Replays after the cursors that the client names, then goes live. */
  async resume(cursors: ReadonlyMap<string, Cursor>): Promise<void> {
    if (this.state.kind !== "held")
      throw new Problem("invalid", "RESUME is the first frame of a connection with ?resume=1");
    clearTimeout(this.state.timer);
    this.state = { kind: "live" };
    await this.connection.deliver(cursors);
  }

  send(frame: SessionFrame): void {
    this.sendBytes(toBytes(encodeFrame(frame)));
  }

  sendBytes(payload: Bytes): void {
    this.connection.push(textFrame(payload));
  }

  pause(): void {
    this.#ws.pause();
  }

  unpause(): void {
    this.#ws.resume();
  }

  /** The peer broke the protocol, and the socket has sent a close frame by itself: the peer has a moment to read it. */
  closing(): void {
    this.end();
    this.#ws.resume();
    setTimeout(() => this.#ws.terminate(), CLOSE_MS).unref();
  }

  /** The socket is gone, or about to be. */
  end(): void {
    const { state } = this;
    this.state = { kind: "closed" };
    if (state.kind === "anonymous" || state.kind === "held") clearTimeout(state.timer);
    this.connection.end();
  }

  pong(): void {
    this.#pongDue = false;
  }

  // Transport: calls of the connection.

  /** The row itself: the outbox makes a frame of it when it writes. */
  encodeEvent(event: EventRow): Outgoing {
    return event;
  }

  encodeSignal(signal: Signal): Outgoing {
    return signal;
  }

  encodeReset(chatId: string, reason: ResetReason, { seq, mark }: Head): Bytes {
    const cursor = encodeCursor(seq, mark);
    return textFrame(toBytes(encodeFrame({ type: "RESET", chatId, reason, seq, cursor })));
  }

  ping(): void {
    this.#pongDue = true;
    this.#ws.ping();
  }

  alive(): boolean {
    return !this.#pongDue;
  }

  caughtUp(resumed: boolean): void {
    if (resumed) this.send({ type: "RESUMED" });
  }

  finish(reason: CloseReason): void {
    // A peer that does not read would not take the rest either.
    if (reason !== "slow") this.connection.outbox.flush();
    this.closing();
    this.#ws.close(CLOSE[reason].code, CLOSE[reason].reason);
  }

  async #enter(claims: Claims): Promise<void> {
    const { connection } = this;
    const rooms = await connection.enter(claims, null, HEARTBEAT_MS);
    if (rooms === undefined) return;
    const ready = { sessionId: connection.id, userId: claims.userId, heartbeatMs: HEARTBEAT_MS };
    this.send({ type: "READY", ...ready, rooms: cursorsOf(rooms) });
    this.#ws.resume();
    if (this.#resumes) {
      this.state = { kind: "held", timer: this.#timeout() };
      return;
    }
    this.state = { kind: "live" };
    void connection.deliver(null);
  }

  #timeout(): NodeJS.Timeout {
    return setTimeout(() => this.connection.close("timeout"), PATIENCE_MS);
  }
}

const cursorsOf = (rooms: ReadonlyMap<string, Head>): Record<string, string> =>
  Object.fromEntries([...rooms].map(([roomId, { seq, mark }]) => [roomId, encodeCursor(seq, mark)]));
