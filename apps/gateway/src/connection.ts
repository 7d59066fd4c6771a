import type { Hub } from "@signalbox/core/delivery/hub";
import type { Position } from "@signalbox/core/delivery/replay";
import type { Signal } from "@signalbox/core/delivery/signal";
import { createSubscriber, type ResetReason, type Sink, type Subscriber } from "@signalbox/core/delivery/subscriber";
import type { Bytes } from "@signalbox/core/model/bytes";
import type { EventRow, Head } from "@signalbox/core/model/rows";
import { type Faults, reportFault } from "@signalbox/core/ports/faults";
import type { Access } from "@signalbox/node/access";
import type { Claims } from "@signalbox/node/tokens";
import type { CloseReason } from "@signalbox/protocol/close";
import type { Heartbeat, HeartbeatTarget, PingPeriod } from "./heartbeat.ts";
import { type Flusher, Outbox, type Outgoing, type Outlet, type Written } from "./outbox.ts";
import type { OpenSession } from "./sessions.ts";

/** The parts of a session that a WebSocket and a stream of server-sent events do each in its own way. */
export interface Transport {
  /** The event in the form in which it waits in the outbox. */
  encodeEvent(event: EventRow): Outgoing;
  /** The same of a signal; undefined for one that this transport does not carry. */
  encodeSignal(signal: Signal): Outgoing | undefined;
  /** Tells the client that events of the room up to `seq` will not come. */
  encodeReset(roomId: string, reason: ResetReason, head: Head): Bytes;
  /** Sends a ping, or anything else that shows that the peer is there. */
  ping(): void;
  /** False when the peer did not answer the last ping; asked 10 s after it. */
  alive(): boolean;
  /** All missed events are in the outbox. `resumed`: the client named cursors. */
  caughtUp(resumed: boolean): void;
  /** Writes the last bytes, gives everything back by `Connection.end`, and ends the connection. Called once. */
  finish(reason: CloseReason): void;
}

export interface ConnectionDeps {
  readonly hub: Pick<Hub, "joining" | "announceArrival" | "sendCurrentState" | "leave">;
  readonly access: Pick<Access, "checkRevoked">;
  readonly flusher: Flusher;
  readonly heartbeat: Heartbeat;
  readonly written: Written;
  /** Bytes that may wait for one session. */
  readonly bufferBytes: number;
  readonly faults: Faults;
}

/**
 * One session between the hub and its outbox, of a socket or a stream: its user and token, its subscriber, its pings, and
 * the reason of its end.
 */
export class Connection implements Sink, HeartbeatTarget, OpenSession {
  readonly id = crypto.randomUUID();
  readonly outbox: Outbox;
  /** Empty before `enter`. */
  userId = "";
  /** Its place in the hub, from `enter` to `end`. */
  subscriber: Subscriber | undefined;
  /** The reason for which this node ended it; undefined when the peer did, or the network. */
  closedFor: CloseReason | undefined;
  readonly #transport: Transport;
  readonly #deps: ConnectionDeps;
  #ended = false;
  #claims: Claims | undefined;
  #stopPings: (() => void) | undefined;
  #stopExpiry: (() => void) | undefined;

  constructor(transport: Transport, outlet: Outlet, deps: ConnectionDeps) {
    this.#transport = transport;
    this.#deps = deps;
    const { flusher, bufferBytes: limit, written } = deps;
    this.outbox = new Outbox({ outlet, flusher, limit, written });
  }

  /** The claims of the newest token. Throws before `enter`. */
  get claims(): Claims {
    if (this.#claims === undefined) throw new Error("a session was asked for its user before it had one");
    return this.#claims;
  }

  /**
   * Takes the session into the hub, where it gets nothing before `deliver`. Resolves with the end of each of its rooms, or
   * with undefined when it ended meanwhile; rejects as `Joining.attach` and `Access.checkRevoked`. `scope`: the one room that it
   * is for, null for all rooms of the user. `pingMs`: how often it is pinged.
   */
  async enter(
    claims: Claims,
    scope: string | null,
    pingMs: PingPeriod,
  ): Promise<ReadonlyMap<string, Head> | undefined> {
    // A subscriber of a session that ended while its token was checked would never be given back.
    if (this.#ended) return undefined;
    const { hub, access, heartbeat } = this.#deps;
    this.#claims = claims;
    this.userId = claims.userId;
    this.outbox.recipient = claims.userId;
    const subscriber = createSubscriber(this, scope);
    this.subscriber = subscriber;
    const entered = hub.joining.attach(subscriber, claims.service);
    // A later revocation reaches the subscriber. An earlier one is looked up now, before any word about the room.
    await entered.catch(() => undefined);
    await access.checkRevoked(claims);
    const rooms = await entered;
    await hub.announceArrival(subscriber);
    if (this.#ended) return undefined;
    this.#stopPings = heartbeat.add(this, pingMs);
    this.renew(claims);
    return rooms;
  }

  /** Goes on under a fresh token of the same user. */
  renew(claims: Claims): void {
    if (this.#ended) return;
    this.#claims = claims;
    this.#stopExpiry?.();
    this.#stopExpiry = this.#deps.heartbeat.expire(this, claims.expiresAt);
  }

  /**
   * Has the hub send all missed events after `cursors`, by room, and then the current state; null: from `enter` on. A failure
   * closes the session, and its client asks again when it resumes.
   */
  async deliver(cursors: ReadonlyMap<string, Position> | null): Promise<void> {
    const { hub, faults } = this.#deps;
    const { subscriber } = this;
    if (subscriber === undefined) return;
    try {
      await hub.joining.resumeFrom(subscriber, cursors);
      this.#transport.caughtUp(cursors !== null);
      hub.sendCurrentState(subscriber, cursors !== null);
    } catch (error) {
      reportFault(faults, "session", error);
      this.close("internal");
    }
  }

  /** Puts a frame into the outbox; a session that reads too slowly for it is closed. */
  push(frame: Outgoing): void {
    if (!this.outbox.push(frame)) this.close("slow");
  }

  close(reason: CloseReason): void {
    if (this.#ended) return;
    this.closedFor = reason;
    this.#transport.finish(reason);
  }

  /** Gives back everything that the session holds. The transport calls it when its socket is gone, or about to be. */
  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    if (this.subscriber !== undefined) this.#deps.hub.leave(this.subscriber);
    this.subscriber = undefined;
    this.#stopPings?.();
    this.#stopExpiry?.();
    this.outbox.close();
  }

  // Sink: calls of the hub.

  event(event: EventRow): void {
    if (!this.outbox.push(this.#transport.encodeEvent(event))) this.close("slow");
  }

  signal(signal: Signal): void {
    const frame = this.#transport.encodeSignal(signal);
    if (frame !== undefined && !this.outbox.signal(signal.key, frame)) this.close("slow");
  }

  reset(roomId: string, reason: ResetReason, head: Head): void {
    this.push(this.#transport.encodeReset(roomId, reason, head));
  }

  revoked(at: Date): void {
    if (this.claims.issuedAt <= at) this.close("revoked");
  }

  fail(): void {
    this.close("internal");
  }

  ready(): boolean {
    return this.outbox.ready();
  }

  drained(): Promise<boolean> {
    return this.outbox.drained();
  }

  // HeartbeatTarget: calls of the heartbeat.

  ping(): void {
    this.#transport.ping();
  }

  alive(): boolean {
    return this.#transport.alive();
  }
}
