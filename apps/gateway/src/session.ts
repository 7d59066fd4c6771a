import type { Duplex } from "node:stream";
import type { RateLimit } from "@signalbox/core/commands/rate-limit";
import type { Writer } from "@signalbox/core/commands/writer";
import type { Hub } from "@signalbox/core/delivery/hub";
import type { Signal } from "@signalbox/core/delivery/signal";
import { createSubscriber, type Sink, type Subscriber } from "@signalbox/core/delivery/subscriber";
import type { Bytes } from "@signalbox/core/model/bytes";
import { toBytes } from "@signalbox/core/model/bytes";
import type { EventRow } from "@signalbox/core/model/rows";
import type { Presence } from "@signalbox/core/presence/presence";
import type { Access } from "@signalbox/node/access";
import type { Log } from "@signalbox/node/log";
import type { Claims } from "@signalbox/node/tokens";
import { CLOSE, type CloseReason } from "@signalbox/protocol/close";
import type { SessionFrame } from "@signalbox/protocol/down";
import { encodeFrame } from "@signalbox/protocol/encode";
import { Problem } from "@signalbox/protocol/errors";
import type { WebSocket } from "ws";
import type { Flusher } from "./flusher.ts";
import { textFrame } from "./frame.ts";
import { HEARTBEAT_MS, type Heartbeat, type HeartbeatTarget } from "./heartbeat.ts";
import { Outbox, type Written } from "./outbox.ts";
import type { OpenSession } from "./sessions.ts";

/** How long a session may stay without AUTH, or without RESUME when it asked for one. */
const PATIENCE_MS = 5000;
/** How long a peer may take to read its close frame. */
const CLOSE_MS = 1000;

export interface SessionDeps {
  readonly hub: Hub;
  readonly writer: Writer;
  readonly presence: Pick<Presence, "choose">;
  readonly rateLimit: RateLimit;
  readonly access: Access;
  readonly flusher: Flusher;
  readonly heartbeat: Heartbeat;
  readonly written: Written;
  readonly bufferBytes: number;
  readonly log: Log;
}

/** Where a session is in its life. */
export type SessionState =
  | { readonly kind: "anonymous"; readonly timer: NodeJS.Timeout }
  | { readonly kind: "entering" }
  | { readonly kind: "parked"; readonly subscriber: Subscriber; readonly timer: NodeJS.Timeout }
  | { readonly kind: "live"; readonly subscriber: Subscriber }
  | { readonly kind: "closed" };

/** One WebSocket: decodes nothing and decides nothing, it knows how far it is and puts what it is given into its outbox. */
export class Session implements Sink, HeartbeatTarget, OpenSession {
  readonly id = crypto.randomUUID();
  readonly deps: SessionDeps;
  state: SessionState;
  /** Why we ended it; undefined when the peer did, or the network. */
  closedFor: CloseReason | undefined;
  #claims: Claims | undefined;
  readonly #ws: WebSocket;
  readonly #outbox: Outbox;
  readonly #resumes: boolean;
  #pongDue = false;
  #stopBeating: (() => void) | undefined;
  #stopExpiry: (() => void) | undefined;

  /** `resumes`: the client says where it was before anything is delivered. */
  constructor(ws: WebSocket, socket: Duplex, resumes: boolean, deps: SessionDeps) {
    this.#ws = ws;
    this.#resumes = resumes;
    this.deps = deps;
    const { flusher, written, bufferBytes: limit } = deps;
    this.#outbox = new Outbox({ outlet: socket, flusher, limit, written });
    this.state = { kind: "anonymous", timer: setTimeout(() => this.close("timeout"), PATIENCE_MS) };
  }

  get claims(): Claims {
    if (this.#claims === undefined) throw new Error("a session was asked for its user before it had one");
    return this.#claims;
  }

  get userId(): string {
    return this.claims.userId;
  }

  /** Checks the token, takes the session into the hub and says READY. */
  async authenticate(token: string): Promise<void> {
    if (this.state.kind !== "anonymous") return;
    clearTimeout(this.state.timer);
    this.state = { kind: "entering" };
    // Nothing is read before there is somebody to act for.
    this.#ws.pause();
    try {
      await this.#enter(await this.deps.access.verify(token));
    } catch (error) {
      const refused = error instanceof Problem && error.code === "unauthenticated";
      if (!refused) this.deps.log.warn({ err: error, session: this.id }, "a session could not be opened");
      this.close(refused ? "unauthenticated" : "internal");
    }
  }

  /** Goes on under a fresh token of the same user. */
  renew(claims: Claims): void {
    if (this.state.kind === "closed") return;
    this.#claims = claims;
    this.#stopExpiry?.();
    this.#stopExpiry = this.deps.heartbeat.expire(this, claims.expiresAt);
  }

  /** Replays from where the client was, then goes live. */
  async resume(cursors: ReadonlyMap<string, number>): Promise<void> {
    if (this.state.kind !== "parked")
      throw new Problem("invalid", "RESUME is the first frame of a connection with ?resume=1");
    const { subscriber, timer } = this.state;
    clearTimeout(timer);
    this.state = { kind: "live", subscriber };
    await this.#deliver(subscriber, cursors);
  }

  send(frame: SessionFrame): void {
    this.sendBytes(toBytes(encodeFrame(frame)));
  }

  sendBytes(payload: Bytes): void {
    if (!this.#outbox.push(textFrame(payload))) this.close("slow");
  }

  /** Ends the session: what waits is written first, except for one that does not read. */
  close(reason: CloseReason): void {
    if (this.state.kind === "closed") return;
    this.closedFor = reason;
    if (reason !== "slow") this.#outbox.flush();
    this.closing();
    this.#ws.close(CLOSE[reason].code, CLOSE[reason].reason);
  }

  /** A close frame is the last that is sent: the peer has a moment to read it. */
  closing(): void {
    this.end();
    this.#ws.resume();
    setTimeout(() => this.#ws.terminate(), CLOSE_MS).unref();
  }

  /** The socket is gone, or about to: everything that the session held is given back. */
  end(): void {
    const { state } = this;
    this.state = { kind: "closed" };
    if (state.kind === "anonymous" || state.kind === "parked") clearTimeout(state.timer);
    if (this.#subscriber !== undefined) this.deps.hub.leave(this.#subscriber);
    this.#subscriber = undefined;
    this.#stopBeating?.();
    this.#stopExpiry?.();
    this.#outbox.close();
  }

  pause(): void {
    this.#ws.pause();
  }

  unpause(): void {
    this.#ws.resume();
  }

  // What the hub puts in.

  event(event: EventRow): void {
    if (!this.#outbox.push(event)) this.close("slow");
  }

  signal(signal: Signal): void {
    if (!this.#outbox.signal(signal.key, signal)) this.close("slow");
  }

  reset(chatId: string, reason: "too_old" | "not_member", seq: number): void {
    this.send({ type: "RESET", chatId, reason, seq });
  }

  revoked(at: Date): void {
    if (this.claims.issuedAt <= at) this.close("revoked");
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

  // What the heartbeat asks.

  ping(): void {
    this.#pongDue = true;
    this.#ws.ping();
  }

  pong(): void {
    this.#pongDue = false;
  }

  alive(): boolean {
    return !this.#pongDue;
  }

  lost(): void {
    this.close("heartbeat");
  }

  expired(): void {
    this.close("unauthenticated");
  }

  #subscriber: Subscriber | undefined;

  async #enter(claims: Claims): Promise<void> {
    // It may have been closed while its token was checked: a subscriber taken now would never be given back.
    if (this.state.kind !== "entering") return;
    this.#claims = claims;
    this.#outbox.recipient = claims.userId;
    const subscriber = createSubscriber(this);
    this.#subscriber = subscriber;
    const rooms = await this.deps.hub.joining.attach(subscriber);
    // Asked only now that a revocation would reach this subscriber: one that came before is seen here, a later one ends the session.
    await this.deps.access.checkRevoked(claims);
    await this.deps.hub.announceArrival(subscriber);
    if (this.state.kind !== "entering") return;
    this.#stopBeating = this.deps.heartbeat.add(this);
    this.renew(claims);
    const ready = { sessionId: this.id, userId: claims.userId, heartbeatMs: HEARTBEAT_MS };
    this.send({ type: "READY", ...ready, rooms: Object.fromEntries(rooms) });
    this.#ws.resume();
    if (this.#resumes) {
      this.state = { kind: "parked", subscriber, timer: setTimeout(() => this.close("timeout"), PATIENCE_MS) };
      return;
    }
    this.state = { kind: "live", subscriber };
    void this.#deliver(subscriber, null);
  }

  /** Has the hub bring the subscriber to the present. What it could not finish, the client asks for again when it resumes. */
  async #deliver(subscriber: Subscriber, cursors: ReadonlyMap<string, number> | null): Promise<void> {
    const { hub, log } = this.deps;
    try {
      await hub.joining.resumeFrom(subscriber, cursors);
      if (cursors !== null) this.send({ type: "RESUMED" });
      hub.sendCurrentState(subscriber, cursors !== null);
    } catch (error) {
      log.warn({ err: error, session: this.id }, "a session could not be brought to the present");
      this.close("internal");
    }
  }
}
