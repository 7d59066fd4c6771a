/** The frames of a session that are no actions. CONTRACT section 4. */
import type { Actor } from "@signalbox/core/model/actor";
import { type Bytes, toBytes } from "@signalbox/core/model/bytes";
import type { Control, Ref } from "@signalbox/protocol/up";
import type { Session } from "./session.ts";

/** Frames that take a token of their user's rate limit, and their turn among the session's actions. */
export type LimitedControl = Extract<Control, { type: "PRESENCE" | "MARKER" }>;
export type FreeControl = Exclude<Control, LimitedControl>;

type LimitedOf<T extends LimitedControl["type"]> = Extract<LimitedControl, { type: T }>;
type FreeOf<T extends FreeControl["type"]> = Extract<FreeControl, { type: T }>;
type LimitedHandlers = {
  readonly [T in LimitedControl["type"]]: (session: Session, actor: Actor, frame: LimitedOf<T>) => Promise<Bytes>;
};
type FreeHandlers = {
  readonly [T in FreeControl["type"]]: (session: Session, frame: FreeOf<T>, ref: Ref) => void | Promise<void>;
};

/** Each resolves with the data of its ACK. */
const limited: LimitedHandlers = {
  async PRESENCE({ deps }, actor, { status: choice }) {
    const { userId, status, activeAt, user } = await deps.presence.choose(actor.userId, choice);
    deps.hub.chosen(user);
    return toBytes(JSON.stringify({ type: "PRESENCE", userId, status, lastActiveAt: activeAt?.toISOString() ?? null }));
  },
  async MARKER({ deps }, actor, { chatId, messageId }) {
    await deps.writer.setMarker(actor, chatId, messageId);
    return toBytes(JSON.stringify({ type: "MARKER", chatId, messageId }));
  },
};

const free: FreeHandlers = {
  async AUTH(session, { token }, ref) {
    const claims = await session.deps.access.authenticate(token);
    if (claims.userId !== session.connection.userId) return session.connection.close("forbidden");
    session.connection.renew(claims);
    if (ref !== undefined) session.send({ type: "ACK", ref, data: { expiresAt: claims.expiresAt.toISOString() } });
  },
  RESUME: (session, { rooms }) => session.resume(new Map(Object.entries(rooms))),
  ACTIVE: (session) => session.deps.hub.active(session.connection.userId),
  PING: (session, _frame, ref) => session.send(ref === undefined ? { type: "PONG" } : { type: "PONG", ref }),
};

export const isLimited = (frame: Control): frame is LimitedControl => frame.type in limited;

/** Does a limited frame; resolves with the data of its ACK. */
export const handleLimited = <T extends LimitedControl["type"]>(
  session: Session,
  actor: Actor,
  frame: LimitedOf<T>,
): Promise<Bytes> => limited[frame.type as T](session, actor, frame);

/** Does a free frame, and answers it. */
export const handleFree = <T extends FreeControl["type"]>(
  session: Session,
  frame: FreeOf<T>,
  ref: Ref,
): void | Promise<void> => free[frame.type as T](session, frame, ref);
