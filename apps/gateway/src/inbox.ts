/** Incoming frames of one session, in their order, and their answers. CONTRACT sections 3 and 4. */
import type { Actor } from "@signalbox/core/model/actor";
import type { Bytes } from "@signalbox/core/model/bytes";
import { reportedProblem } from "@signalbox/node/http/problem";
import type { Metrics } from "@signalbox/node/metrics";
import { Problem } from "@signalbox/protocol/errors";
import { parse, parseJson } from "@signalbox/protocol/parse";
import { ACTION_TYPES, Action, CONTROL_TYPES, Control, Ref } from "@signalbox/protocol/up";
import { type FreeControl, handleFree, handleLimited, isLimited, type LimitedControl } from "./handlers.ts";
import type { Session } from "./session.ts";

/** Answers of one session that may be under way; further frames are left in the socket, and their sender waits. */
const IN_FLIGHT = 256;
/** A session that goes on for this long in spite of `rate_limited` is closed. */
const FLOOD_GRACE_MS = 10_000;
/** A session has paused when it got no refusal for this long. */
const CALM_MS = 2000;
/** Frames that take no token of their user's limit: a session may send so many at once, and so many a second. */
const FREE_FRAMES = 1000;
const FREE_FRAMES_PER_SECOND = 200;

/** Frames that take a token of their user's limit, and their turn among the session's. */
type Limited = Action | LimitedControl;

const isAction = (frame: Limited | FreeControl): frame is Action => ACTION_TYPES.has(frame.type);

export class Inbox {
  readonly #session: Session;
  readonly #metrics: Pick<Metrics, "frames" | "actions">;
  /** Settles when the last action that was read has been let through or refused. */
  #turn: Promise<unknown> = Promise.resolve();
  /** Frames that came in one piece with the AUTH: pausing a socket does not hold back bytes that were read already. */
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
    const { connection, state } = this.#session;
    const { kind } = state;
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
      if (kind === "anonymous" && type !== "AUTH") return connection.close("unauthenticated");
      if (ACTION_TYPES.has(type)) return this.#act(parse(Action, frame), ref);
      const control = parse(Control, frame);
      if (isLimited(control)) return this.#act(control, ref);
      if (!this.#spend()) return connection.close("rateLimited");
      if (kind === "anonymous" && control.type === "AUTH") void this.enter(control.token);
      else this.#control(control, ref);
    } catch (error) {
      if (this.#spend()) this.#refuse(error, ref);
      else connection.close("rateLimited");
    }
  }

  /** False when the session sent too many frames that take no token. */
  #spend(): boolean {
    const now = performance.now();
    this.#freeFrames =
      Math.min(FREE_FRAMES, this.#freeFrames + ((now - this.#spentAt) / 1000) * FREE_FRAMES_PER_SECOND) - 1;
    this.#spentAt = now;
    return this.#freeFrames >= 0;
  }

  #control(frame: FreeControl, ref: Ref): void {
    const answered = handleFree(this.#session, frame, ref);
    if (answered !== undefined) void this.#underWay(answered.catch((error: unknown) => this.#refuse(error, ref)));
  }

  #act(frame: Limited, ref: Ref): void {
    const { connection, deps } = this.#session;
    const { userId, service } = connection.claims;
    const actor = { userId, service, hidden: deps.hub.appearsOffline(userId) };
    // A marker shows no activity: scrolling moves it. For a choice of presence, the registry decides.
    if (isAction(frame)) deps.hub.active(userId);
    const admission = deps.rateLimit.take(actor);
    // Handled below: without this, a refusal before the turn of those ahead would count as unhandled.
    admission.catch(() => undefined);
    // Actions commit in the order in which they arrive, even when the answers of the limit overtake each other.
    const turn = this.#turn.then(() => admission);
    this.#turn = turn.catch(() => undefined);
    const answered = turn
      .then(() => this.#perform(actor, frame))
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

  /** Resolves with the data of the frame's ACK. */
  #perform(actor: Actor, frame: Limited): Promise<Bytes> {
    if (!isAction(frame)) return handleLimited(this.#session, actor, frame);
    const { connection, deps, state } = this.#session;
    const { subscriber } = connection;
    // The hub knows that the user is in the room: typing there needs no look into the store.
    const isLive =
      state.kind === "live" &&
      subscriber !== undefined &&
      "chatId" in frame &&
      deps.hub.isLiveIn(subscriber, frame.chatId);
    return deps.writer.act(actor, frame, isLive);
  }

  async #underWay(answered: Promise<void>): Promise<void> {
    if (++this.#inFlight === IN_FLIGHT) this.#session.pause();
    await answered;
    if (this.#inFlight-- === IN_FLIGHT) this.#session.unpause();
  }

  #refuse(error: unknown, ref: Ref): void {
    const { connection, deps } = this.#session;
    const {
      code,
      message: detail,
      retryAfterMs,
    } = reportedProblem(error, deps.log, "a frame could not be handled", {
      session: connection.id,
    });
    this.#session.send({
      type: "ERROR",
      ...(ref === undefined ? {} : { ref }),
      code,
      detail,
      ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    });
    if (code === "rate_limited") this.#countRefusal();
  }

  #countRefusal(): void {
    const now = performance.now();
    if (now - this.#refusedAt > CALM_MS) this.#refusedSince = now;
    this.#refusedAt = now;
    if (now - this.#refusedSince >= FLOOD_GRACE_MS) this.#session.connection.close("rateLimited");
  }
}

const refBytes = (ref: string | number): string =>
  typeof ref === "number" ? String(ref) : Buffer.from(JSON.stringify(ref), "utf8").toString("latin1");
