/** What a session does with the frames that it is sent: a table from type to function. CONTRACT sections 3 and 4. */
import type { Metrics } from "@signalbox/node/metrics";
import { Problem } from "@signalbox/protocol/errors";
import { parse, parseJson } from "@signalbox/protocol/parse";
import { ACTION_TYPES, Action, CONTROL_TYPES, Control, Ref } from "@signalbox/protocol/up";
import type { Session } from "./session.ts";

/** Answers of one session that may be under way; further frames are left in the socket, whose sender then waits. */
const IN_FLIGHT = 256;
/** A session that goes on for this long in spite of `rate_limited` is closed. */
const DEFIANCE_MS = 10_000;
/** After this long without a refusal, a session has not gone on. */
const CALM_MS = 2000;

type ControlOf<T extends Control["type"]> = Extract<Control, { type: T }>;
type Handlers = {
  readonly [T in Control["type"]]: (session: Session, frame: ControlOf<T>, ref: Ref) => void | Promise<void>;
};

const handlers: Handlers = {
  async AUTH(session, { token }, ref) {
    const claims = await session.deps.access.admit(token);
    if (claims.userId !== session.userId) return session.close("forbidden");
    session.renew(claims);
    if (ref !== undefined) session.send({ type: "ACK", ref, data: { expiresAt: claims.expiresAt.toISOString() } });
  },
  RESUME: (session, { rooms }) => session.resume(new Map(Object.entries(rooms))),
  ACTIVE() {
    // Presence is what this is for; hearing it is enough as long as nobody is called idle.
  },
  PING: (session, _frame, ref) => session.send(ref === undefined ? { type: "PONG" } : { type: "PONG", ref }),
};

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
      if (ACTION_TYPES.has(type)) return this.#act(parse(Action, frame), ref);
      const control = parse(Control, frame);
      if (kind === "anonymous" && control.type === "AUTH") void this.enter(control.token);
      else this.#control(control, ref);
    } catch (error) {
      this.#refuse(error, ref);
    }
  }

  #control<T extends Control["type"]>(frame: ControlOf<T>, ref: Ref): void {
    const answered = handlers[frame.type as T](this.#session, frame, ref);
    if (answered !== undefined) void this.#underWay(answered.catch((error: unknown) => this.#refuse(error, ref)));
  }

  #act(action: Action, ref: Ref): void {
    const { writer, rateLimit } = this.#session.deps;
    const { userId, service } = this.#session.claims;
    const actor = { userId, service };
    const admission = rateLimit.take(actor);
    // Nobody waits for it yet when it is refused before the turn of those ahead of it has come.
    admission.catch(() => undefined);
    // Actions commit in the order in which they arrive, also when the answers of the limit overtake each other.
    const turn = this.#turn.then(() => admission);
    this.#turn = turn.catch(() => undefined);
    const answered = turn
      .then(() => writer.act(actor, action, this.#seated(action)))
      .then(
        (data) => {
          this.#metrics.actions.inc({ type: action.type, outcome: "ok" });
          if (ref !== undefined) this.#session.sendBytes(`{"type":"ACK","ref":${refBytes(ref)},"data":${data}}`);
        },
        (error: unknown) => {
          this.#metrics.actions.inc({ type: action.type, outcome: error instanceof Problem ? error.code : "internal" });
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

  /** Whether the hub knows already that the user is in the action's room: then typing there needs no store. */
  #seated(action: Action): boolean {
    const { state, deps } = this.#session;
    return state.kind === "live" && "chatId" in action && deps.hub.seated(state.seat, action.chatId);
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
    if (now - this.#refusedSince >= DEFIANCE_MS) this.#session.close("rateLimited");
  }
}

const refBytes = (ref: string | number): string =>
  typeof ref === "number" ? String(ref) : Buffer.from(JSON.stringify(ref), "utf8").toString("latin1");
