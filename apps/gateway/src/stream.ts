import type { ServerResponse } from "node:http";
import type { Hub } from "@signalbox/core/delivery/hub";
import type { Signal } from "@signalbox/core/delivery/signal";
import { createSubscriber, type Sink, type Subscriber } from "@signalbox/core/delivery/subscriber";
import type { Bytes } from "@signalbox/core/model/bytes";
import type { EventRow } from "@signalbox/core/model/rows";
import type { Claims } from "@signalbox/node/tokens";
import type { CloseReason } from "@signalbox/protocol/close";
import { Problem } from "@signalbox/protocol/errors";
import { encodeRetry, SSE_COMMENT } from "@signalbox/protocol/sse";
import { COMMENT_MS, type HeartbeatTarget } from "./heartbeat.ts";
import { Outbox } from "./outbox.ts";
import type { SessionDeps } from "./session.ts";
import type { OpenSession } from "./sessions.ts";
import { encode, type Sse } from "./sse.ts";

/** How long a peer may take to read what it was still sent at the end. */
const CLOSE_MS = 1000;
/** Comments in a row that nothing was taken between, after which nobody is there. */
const PATIENCE = 2;
/** Ends of a peer that does not read: nothing more is written to it. */
const CUT: ReadonlySet<CloseReason> = new Set(["slow", "heartbeat"]);

const HEADERS = {
  "Content-Type": "text/event-stream",
  "Cache-Control": "no-cache",
  "X-Accel-Buffering": "no",
  // A reader that comes again after a drain is to find another node, not this one at the end of a connection that was kept.
  Connection: "close",
};

export interface StreamDeps
  extends Pick<SessionDeps, "access" | "flusher" | "heartbeat" | "written" | "bufferBytes" | "log"> {
  readonly hub: Pick<Hub, "joining" | "announceArrival" | "sendCurrentState" | "leave">;
  readonly sse: Sse;
}

/** Who asks for which room, and the last event that they have. */
export interface Subscription {
  readonly claims: Claims;
  readonly roomId: string;
  /** Absent: from now on. */
  readonly cursor: number | undefined;
}

type StreamState =
  /** It has not begun to answer. */
  | { readonly kind: "entering" }
  | { readonly kind: "live"; readonly stopBeating: () => void; readonly stopExpiry: () => void }
  | { readonly kind: "closed" };

/** One stream of server-sent events, of one room. CONTRACT section 5, "SSE". */
export class Stream implements Sink, HeartbeatTarget, OpenSession {
  readonly id = crypto.randomUUID();
  userId = "";
  /** Why we ended it; undefined when the peer did, or the network. */
  closedFor: CloseReason | undefined;
  readonly #response: ServerResponse;
  readonly #deps: StreamDeps;
  readonly #outbox: Outbox;
  #state: StreamState = { kind: "entering" };
  #issuedAt = new Date(0);
  #subscriber: Subscriber | undefined;
  #unanswered = 0;

  constructor(response: ServerResponse, deps: StreamDeps) {
    this.#response = response;
    this.#deps = deps;
    const { flusher, written, bufferBytes: limit } = deps;
    this.#outbox = new Outbox({ outlet: response, flusher, limit, written });
  }

  /** Takes a subscriber in the room, and begins to answer. Until it has, it rejects with what is to be answered instead. */
  async open({ claims, roomId, cursor }: Subscription): Promise<void> {
    // It may have been closed while its token was checked: a subscriber taken now would never be given back.
    this.#mustBeWanted();
    this.userId = claims.userId;
    this.#issuedAt = claims.issuedAt;
    const { hub, access } = this.#deps;
    const subscriber = createSubscriber(this, roomId);
    this.#subscriber = subscriber;
    const entered = hub.joining.attach(subscriber, claims.service);
    // Asked only when a revocation would reach this subscriber, and before anything is said of the room.
    await entered.catch(() => undefined);
    await access.checkRevoked(claims);
    await entered;
    this.#mustBeWanted();
    await hub.announceArrival(subscriber);
    this.#mustBeWanted();
    this.#begin(claims);
    void this.#deliver(subscriber, cursor === undefined ? null : new Map([[roomId, cursor]]));
  }

  /** Ends the stream. Before it has begun, `open` rejects with why. */
  close(reason: CloseReason): void {
    if (this.#state.kind === "closed") return;
    this.closedFor = reason;
    const { kind } = this.#state;
    const { socket } = this.#response.req;
    if (kind === "live" && reason === "restart") this.#outbox.push(encodeRetry(500 + Math.random() * 4500));
    if (kind === "live" && !CUT.has(reason)) this.#outbox.flush();
    this.end();
    if (kind === "entering") return;
    if (CUT.has(reason)) return void socket.destroy();
    this.#response.end();
    setTimeout(() => socket.destroy(), CLOSE_MS).unref();
  }

  /** The connection is gone, or about to: everything that the stream held is given back. */
  end(): void {
    const state = this.#state;
    if (state.kind === "closed") return;
    this.#state = { kind: "closed" };
    if (this.#subscriber !== undefined) this.#deps.hub.leave(this.#subscriber);
    this.#outbox.close();
    if (state.kind === "entering") return;
    state.stopBeating();
    state.stopExpiry();
  }

  // What the hub puts in.

  event(event: EventRow): void {
    this.#push(this.#deps.sse.event(event));
    const last = event.type === "DELETE_CHAT" || (event.type === "USER_LEAVE" && event.userId === this.userId);
    // The feed takes the subscriber out only after it has delivered this.
    if (last) setImmediate(() => this.#endOutside());
  }

  signal(signal: Signal): void {
    const bytes = this.#deps.sse.signal(signal);
    if (bytes !== "" && !this.#outbox.signal(signal.key, bytes)) this.close("slow");
  }

  reset(_roomId: string, reason: "too_old" | "not_member", seq: number): void {
    this.#push(encode({ event: "reset", data: { reason, cursor: seq } }));
  }

  revoked(at: Date): void {
    if (this.#issuedAt <= at) this.close("revoked");
  }

  fail(): void {
    this.close("internal");
  }

  ready(): boolean {
    return this.#outbox.ready();
  }

  drained(): Promise<boolean> {
    return this.#outbox.drained();
  }

  // What the heartbeat asks. A write that fails is not to be relied on: a peer that vanished takes what fits its buffers.

  ping(): void {
    this.#unanswered = this.#outbox.stuck() ? this.#unanswered + 1 : 0;
    this.#push(SSE_COMMENT);
  }

  alive(): boolean {
    return this.#unanswered < PATIENCE;
  }

  lost(): void {
    this.close("heartbeat");
  }

  expired(): void {
    this.close("unauthenticated");
  }

  #push(bytes: Bytes): void {
    if (!this.#outbox.push(bytes)) this.close("slow");
  }

  #mustBeWanted(): void {
    if (this.#state.kind === "entering") return;
    throw this.closedFor === "revoked"
      ? new Problem("unauthenticated", "revoked")
      : new Problem("unavailable", "this node stops", { retryAfterMs: 1000 });
  }

  #begin(claims: Claims): void {
    const { heartbeat } = this.#deps;
    this.#state = {
      kind: "live",
      stopBeating: heartbeat.add(this, COMMENT_MS),
      stopExpiry: heartbeat.expire(this, claims.expiresAt),
    };
    this.#response.req.socket.setKeepAlive(true, COMMENT_MS);
    this.#response.writeHead(200, HEADERS);
    this.#push(encodeRetry(1000 + Math.random() * 2000));
  }

  /** Has the hub bring the subscriber to the present. What it could not finish, the reader asks for again when it reconnects. */
  async #deliver(subscriber: Subscriber, cursors: ReadonlyMap<string, number> | null): Promise<void> {
    try {
      await this.#deps.hub.joining.resumeFrom(subscriber, cursors);
      this.#deps.hub.sendCurrentState(subscriber, cursors !== null);
      this.#endOutside();
    } catch (error) {
      this.#deps.log.warn({ err: error, session: this.id }, "a stream could not be brought to the present");
      this.close("internal");
    }
  }

  /** Whoever is out of the room gets nothing more: the end has their reader ask again, and hear that there is no such room. */
  #endOutside(): void {
    if (this.#subscriber?.rooms.size === 0) this.close("normal");
  }
}
