/** What a session does with the frames that it is sent. CONTRACT sections 3 and 4. */

import type { Actor } from "@signalbox/core/model/actor";
import type { Bytes } from "@signalbox/core/model/bytes";
import { toBytes } from "@signalbox/core/model/bytes";
import type { Metrics } from "@signalbox/node/metrics";
import { Problem } from "@signalbox/protocol/errors";
import { parse, parseJson } from "@signalbox/protocol/parse";
import { ACTION_TYPES, Action, CONTROL_TYPES, Control, Ref } from "@signalbox/protocol/up";
import type { Session } from "./session.ts";

/** Answers of one session that may be under way; further frames are left in the socket, whose sender then waits. */
const IN_FLIGHT = 256;
/** A session that goes on for this long in spite of `rate_limited` is closed. */
const FLOOD_GRACE_MS = 10_000;
/** After this long without a refusal, a session has not gone on. */
const CALM_MS = 2000;
/** Frames that take no token of their user's limit: a session may send so many at once, and so many a second; a flood ends it. */
const FREE_FRAMES = 1000;
const FREE_FRAMES_PER_SECOND = 200;

type ControlOf<T extends Control["type"]> = Extract<Control, { type: T }>;

/** Frames that take a token of their user's limit, and their turn among the session's. */
type Limited = Action | ControlOf<"PRESENCE" | "MARKER">;
const isLimited = (frame: Action | Control): frame is Limited =>
  ACTION_TYPES.has(frame.type) || frame.type === "PRESENCE" || frame.type === "MARKER";

type Unlimited = Exclude<Control, Limited>;
type UnlimitedOf<T extends Unlimited["type"]> = Extract<Unlimited, { type: T }>;
type Handlers = {
  readonly [T in Unlimited["type"]]: (session: Session, frame: UnlimitedOf<T>, ref: Ref) => void | Promise<void>;
};

const handlers: Handlers = {
  async AUTH(session, { token }, ref) {
    const claims = await session.deps.access.authenticate(token);
    if (claims.userId !== session.userId) return session.close("forbidden");
    session.renew(claims);
    if (ref !== undefined) session.send({ type: "ACK", ref, data: { expiresAt: claims.expiresAt.toISOString() } });
  },
  RESUME: (session, { rooms }) => session.resume(new Map(Object.entries(rooms))),
  ACTIVE: (session) => session.deps.hub.active(session.userId),
  PING: (session, _frame, ref) => session.send(ref === undefined ? { type: "PONG" } : { type: "PONG", ref }),
};

/** Does what a frame asks for; resolves with what its ACK says. */
async function perform(session: Session, actor: Actor, frame: Limited): Promise<Bytes> {
  const { writer, presence, hub } = session.deps;
  switch (frame.type) {
    case "PRESENCE": {
      const { userId, status, activeAt, user } = await presence.choose(actor.userId, frame.status);
      hub.chosen(user);
      return toBytes(
        JSON.stringify({ type: "PRESENCE", userId, status, lastActiveAt: activeAt?.toISOString() ?? null }),
      );
    }
    case "MARKER": {
      const { chatId, messageId } = frame;
      await writer.setMarker(actor, chatId, messageId);
      return toBytes(JSON.stringify({ type: "MARKER", chatId, messageId }));
    }
    default:
      return writer.act(actor, frame, seated(session, frame));
  }
}

/** Whether the hub knows already that the user is in the action's room: then typing there needs no store. */
const seated = ({ state, deps }: Session, action: Action): boolean =>
  state.kind === "live" && "chatId" in action && deps.hub.isLiveIn(state.subscriber, action.chatId);

/** Reads a session's frames, in their order. */
export class Inbox {
  readonly #session: Session;
  readonly #metrics: Pick<Metrics, "frames" | "actions">;
  /** Settles when the last action that was read has been let through or refused. */
  #turn: Promise<unknown> = Promise.resolve();
  /** Frames that came in one piece with the AUTH: pausing a socket does not hold back what was read already. */
  #early: (string | undefined)[] = [];
  #inFlight = 0;
  #refusedSince = 0;
  #refusedAt = 0;
  #freeFrames = FREE_FRAMES;
  #spentAt = performance.now();

  constructor(session: Session, metrics: Pick<Metrics, "frames" | "actions">) {
    this.#session = session;
    this.#metrics = metrics;
  }

  /** Lets the session in by this token. Resolves when it is in, or closed. */
  async enter(token: string): Promise<void> {
    await this.#session.authenticate(token);
    const early = this.#early;
    this.#early = [];
    for (const json of early) this.receive(json);
  }

  /** Takes one frame; undefined for one that is not text. */
  receive(json: string | undefined): void {
    const { kind } = this.#session.state;
    if (kind === "closed") return;
    if (kind === "entering") return void this.#early.push(json);
    let ref: Ref;
    try {
      if (json === undefined) throw new Problem("invalid", "a frame is text");
      const frame = parseJson(json);
      const { type, ref: given } =
        frame !== null && typeof frame === "object" ? (frame as Record<string, unknown>) : {};
      ref = parse(Ref, given);
      const known = typeof type === "string" && (ACTION_TYPES.has(type) || CONTROL_TYPES.has(type));
      if (!known) throw new Problem("invalid", "type: no known action");
      this.#metrics.frames.inc({ type });
      if (kind === "anonymous" && type !== "AUTH") return this.#session.close("unauthenticated");
      const asked = ACTION_TYPES.has(type) ? parse(Action, frame) : parse(Control, frame);
      if (isLimited(asked)) return this.#act(asked, ref);
      if (!this.#spend()) return this.#session.close("rateLimited");
      if (kind === "anonymous" && asked.type === "AUTH") void this.enter(asked.token);
      else this.#control(asked, ref);
    } catch (error) {
      if (this.#spend()) this.#refuse(error, ref);
      else this.#session.close("rateLimited");
    }
  }

  /** False when the session sent too many frames that are no actions. */
  #spend(): boolean {
    const now = performance.now();
    this.#freeFrames =
      Math.min(FREE_FRAMES, this.#freeFrames + ((now - this.#spentAt) / 1000) * FREE_FRAMES_PER_SECOND) - 1;
    this.#spentAt = now;
    return this.#freeFrames >= 0;
  }

  #control<T extends Unlimited["type"]>(frame: UnlimitedOf<T>, ref: Ref): void {
    const answered = handlers[frame.type as T](this.#session, frame, ref);
    if (answered !== undefined) void this.#underWay(answered.catch((error: unknown) => this.#refuse(error, ref)));
  }

  #act(frame: Limited, ref: Ref): void {
    const { rateLimit, hub } = this.#session.deps;
    const { userId, service } = this.#session.claims;
    const actor = { userId, service, hidden: hub.appearsOffline(userId) };
    // Scrolling is not, and whether a choice is something that they did, the registry knows.
    if (ACTION_TYPES.has(frame.type)) hub.active(userId);
    const admission = rateLimit.take(actor);
    // Nobody waits for it yet when it is refused before the turn of those ahead of it has come.
    admission.catch(() => undefined);
    // Actions commit in the order in which they arrive, also when the answers of the limit overtake each other.
    const turn = this.#turn.then(() => admission);
    this.#turn = turn.catch(() => undefined);
    const answered = turn
      .then(() => perform(this.#session, actor, frame))
      .then(
        (data) => {
          this.#metrics.actions.inc({ type: frame.type, outcome: "ok" });
          if (ref !== undefined) this.#session.sendBytes(`{"type":"ACK","ref":${refBytes(ref)},"data":${data}}`);
        },
        (error: unknown) => {
          this.#metrics.actions.inc({ type: frame.type, outcome: error instanceof Problem ? error.code : "internal" });
          this.#refuse(error, ref);
        },
      );
    void this.#underWay(answered);
  }

  async #underWay(answered: Promise<void>): Promise<void> {
    if (++this.#inFlight === IN_FLIGHT) this.#session.pause();
    await answered;
    if (this.#inFlight-- === IN_FLIGHT) this.#session.unpause();
  }

  #refuse(error: unknown, ref: Ref): void {
    const problem = error instanceof Problem ? error : new Problem("internal", "something went wrong on our side");
    if (problem !== error)
      this.#session.deps.log.error({ err: error, session: this.#session.id }, "a frame could not be handled");
    const { code, message: detail, retryAfterMs } = problem;
    this.#session.send({
      type: "ERROR",
      ...(ref === undefined ? {} : { ref }),
      code,
      detail,
      ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    });
    if (code === "rate_limited") this.#limited();
  }

  #limited(): void {
    const now = performance.now();
    if (now - this.#refusedAt > CALM_MS) this.#refusedSince = now;
    this.#refusedAt = now;
    if (now - this.#refusedSince >= FLOOD_GRACE_MS) this.#session.close("rateLimited");
  }
}

const refBytes = (ref: string | number): string =>
  typeof ref === "number" ? String(ref) : Buffer.from(JSON.stringify(ref), "utf8").toString("latin1");
