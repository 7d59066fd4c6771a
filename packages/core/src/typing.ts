import { encodeBody } from "@signalbox/protocol/encode";
import type { ActionOf } from "@signalbox/protocol/up";
import { forward } from "./bridged.ts";
import { toBytes } from "./bytes.ts";
import type { Clock } from "./clock.ts";
import { addressed, type Command, inRoom } from "./command.ts";
import type { Actor } from "./draft.ts";
import type { Bytes } from "./ports.ts";

/** The longest that anybody types without saying so again: what Matrix allows. A wrong number on the wire must not last longer. */
const LONGEST_MS = 30_000;

/**
 * Who types in one room, as this node tells its sessions. Every node keeps a relative deadline of its own and makes the one
 * stop itself: nothing crosses the network to end it, and no node's death leaves anybody typing. DESIGN 4.
 */
export class Typing {
  readonly #clock: Clock;
  readonly #changed: (userId: string, remainingMs: number) => void;
  readonly #deadlines = new Map<string, { readonly at: number; readonly callOff: () => void }>();

  /** `changed`: told of who starts, with how long that lasts unless they go on, and of who stops, with 0. */
  constructor(clock: Clock, changed: (userId: string, remainingMs: number) => void) {
    this.#clock = clock;
    this.#changed = changed;
  }

  /** `userId` started, or goes on: told once, however often it is refreshed. */
  started(userId: string, remainingMs: number): void {
    const before = this.#deadlines.get(userId);
    before?.callOff();
    const ms = Math.min(Math.max(remainingMs, 0), LONGEST_MS);
    const callOff = this.#clock.after(ms, () => this.stopped(userId));
    this.#deadlines.set(userId, { at: this.#clock.now() + ms, callOff });
    if (before === undefined) this.#changed(userId, ms);
  }

  /** `userId` stopped: by word, by sending their message, or by silence. */
  stopped(userId: string): void {
    const deadline = this.#deadlines.get(userId);
    if (deadline === undefined) return;
    deadline.callOff();
    this.#deadlines.delete(userId);
    this.#changed(userId, 0);
  }

  has(userId: string): boolean {
    return this.#deadlines.has(userId);
  }

  /** Who types now, and for how many milliseconds more unless they go on. */
  now(): [userId: string, remainingMs: number][] {
    const now = this.#clock.now();
    return [...this.#deadlines].map(([userId, { at }]) => [userId, at - now]);
  }

  close(): void {
    for (const { callOff } of this.#deadlines.values()) callOff();
    this.#deadlines.clear();
  }
}

/**
 * The rule of typing: told to the room, written nowhere. It takes its turn among its sender's messages, so that it ends with
 * the one behind it and not with the one before. Whoever appears offline is answered, and nobody is told. `known`: the actor is
 * known to be in the room, which no homeserver has to be told of, and `actor.hidden` says how they appear.
 */
export function type(
  actor: Actor,
  action: ActionOf<"TYPING"> | ActionOf<"STOP_TYPING">,
  known: boolean,
): Command<Bytes> {
  const { chatId: roomId } = action;
  const { userId } = actor;
  const started = action.type === "TYPING";
  return {
    needs: known ? {} : { ...inRoom(actor, roomId), users: [userId] },
    apply(draft) {
      const hidden = actor.hidden || draft.hides(userId);
      if (!known) {
        const room = draft.room(roomId, actor);
        if (!hidden) forward(draft, room, actor, { kind: "typing" });
      }
      if (!hidden) draft.tell({ roomId, userId, started });
      return addressed(typingBody(roomId, userId, started), userId);
    },
  };
}

/** What tells that somebody types, or no longer does: encoded but not addressed. */
export const typingBody = (roomId: string, userId: string, started: boolean): Bytes =>
  toBytes(encodeBody({ type: started ? "TYPING" : "STOP_TYPING", chatId: roomId, senderId: userId }));
