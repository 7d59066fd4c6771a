import { backoff } from "./backoff.ts";
import { type ErrorCode, SignalboxError } from "./errors.ts";
import type { Answer } from "./ports.ts";
import { createThrottle } from "./throttle.ts";

/** Actions that may wait, those on their way included. */
const MOST = 1000;
/** A larger frame ends the connection; what it is wrapped in has its place in the difference to 256 KiB. */
const FRAME_BYTES = 262_000;
/** How often an action is sent again that the server was unable to do. */
const RETRIES = 5;

/** A frame whose sender waits for it to be committed. Those of one `chatId` keep their order. */
export interface Action {
  readonly type: string;
  readonly chatId?: string;
  readonly messageId?: string;
  readonly [field: string]: unknown;
}

/** Actions on their way. DESIGN 5. */
export interface Pending {
  /** Resolves with the ACK's data when the action is committed; rejects as `Realtime` says. */
  act(action: Action): Promise<unknown>;
  /** Takes an answer; one that is to nothing of this is passed over. */
  answer(answer: Answer): void;
  /** There is a new connection: what was on its way is sent again, and then what waits. */
  restart(): void;
  /** Rejects everything with `disconnected`. */
  clear(): void;
}

interface Waiting {
  action: Action;
  readonly ref: string;
  /** What it keeps its order in: its chat, or all that name none. */
  readonly lane: string;
  /** `held`: sent again when its timer ends. */
  state: "ready" | "sent" | "held";
  retries: number;
  timer?: ReturnType<typeof setTimeout>;
  readonly promise: Promise<unknown>;
  readonly resolve: (answer: unknown) => void;
  readonly reject: (error: SignalboxError) => void;
}

/** `send`: hands a frame to the connection; false when it is not live. */
export function createPending(send: (frame: object) => boolean): Pending {
  /** By `ref`, in the order of the calls. */
  const waiting = new Map<string, Waiting>();
  let made = 0;
  const pace = createThrottle(advance);

  /** Sends the first of each lane, unless it is under way. */
  function advance(): void {
    if (pace.held()) return;
    const busy = new Set<string>();
    for (const each of waiting.values()) {
      if (busy.has(each.lane)) continue;
      busy.add(each.lane);
      if (each.state !== "ready") continue;
      if (!send({ ...each.action, ref: each.ref })) return;
      each.state = "sent";
    }
  }

  function retry(each: Waiting, ms: number): void {
    each.retries++;
    each.state = "held";
    each.timer = setTimeout(() => {
      each.state = "ready";
      advance();
    }, ms);
  }

  function settle({ ref, timer }: Waiting): void {
    waiting.delete(ref);
    clearTimeout(timer);
  }

  return {
    async act(action) {
      const joined = action.type === "READ_MSG" ? joinable(waiting.values(), action) : undefined;
      if (joined !== undefined) {
        joined.action = action;
        return joined.promise;
      }
      if (waiting.size >= MOST) throw new SignalboxError("queue_full", `${MOST} actions wait already`);
      if (!fits(action)) throw new SignalboxError("too_large", "an action is at most 256 KiB");
      const each = begin(action, String(++made));
      waiting.set(each.ref, each);
      advance();
      return each.promise;
    },

    answer(answer) {
      const each = waiting.get(answer.ref ?? "");
      if (each === undefined) return;
      if (answer.type === "ACK") {
        settle(each);
        each.resolve(answer.data);
      } else if (answer.code === "rate_limited") {
        each.state = "ready";
        pace.slowDown(answer.retryAfterMs ?? 0);
      } else if (answer.code === "unavailable" && each.retries < RETRIES) {
        retry(each, answer.retryAfterMs ?? backoff(each.retries));
      } else {
        settle(each);
        each.reject(refusal(answer));
      }
      advance();
    },

    restart() {
      for (const each of waiting.values()) if (each.state === "sent") each.state = "ready";
      advance();
    },

    clear() {
      pace.clear();
      for (const each of waiting.values()) {
        settle(each);
        each.reject(new SignalboxError("disconnected", "disconnected before it was committed"));
      }
    },
  };
}

const refusal = ({ code, detail, retryAfterMs }: Extract<Answer, { type: "ERROR" }>): SignalboxError =>
  new SignalboxError(code as ErrorCode, detail, { retryAfterMs });

const fits = (action: Action): boolean => new TextEncoder().encode(JSON.stringify(action)).length <= FRAME_BYTES;

function begin(action: Action, ref: string): Waiting {
  let resolve!: Waiting["resolve"];
  let reject!: Waiting["reject"];
  const promise = new Promise((...settlers) => {
    [resolve, reject] = settlers;
  });
  return { action, ref, lane: action.chatId ?? "", state: "ready", retries: 0, promise, resolve, reject };
}

/**
 * What a READ_MSG may go along with: one to the same message, or one to an earlier message that is not on its way. Which of two is earlier
 * their ids say, made at different times, and the order of the calls; where they differ, each goes by itself.
 */
function joinable(waiting: Iterable<Waiting>, { type, chatId, messageId }: Action): Waiting | undefined {
  for (const each of waiting) {
    const { action, state } = each;
    if (action.type !== type || action.chatId !== chatId) continue;
    if (action.messageId === messageId) return each;
    if (state !== "sent" && madeAt(action.messageId) < madeAt(messageId)) return each;
  }
  return undefined;
}

/** The time in a UUID v7, comparable as text; what compares as neither earlier nor later for any other id. */
const madeAt = (messageId = ""): string | number =>
  /^(?:msg-|evt-)?([0-9a-f]{8}-[0-9a-f]{4})-7/i.exec(messageId)?.[1]?.toLowerCase() ?? Number.NaN;
