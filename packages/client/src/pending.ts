import { backoff } from "./backoff.ts";
import { type ErrorCode, SignalboxError } from "./errors.ts";
import type { Answer } from "./ports.ts";
import { createThrottle } from "./throttle.ts";

/** The most actions without an answer, those under way included. */
const MAX_ACTIONS = 1000;
/** A larger frame ends the connection. The rest up to 256 KiB is for the fields that are added to the action. */
const MAX_BYTES = 262_000;
/** The times that an action is sent again after the server answered `unavailable`. */
const RETRIES = 5;

/** A frame that resolves when it is committed. Frames of one `chatId` keep their order. */
export interface Action {
  readonly type: string;
  readonly chatId?: string;
  readonly messageId?: string;
  readonly [field: string]: unknown;
}

/** The actions without an answer yet. DESIGN 5. */
export interface Pending {
  /** Resolves with the ACK's data when the action is committed; rejects as `Realtime` documents. */
  act(action: Action): Promise<unknown>;
  /** Takes an answer. One to no action of this client is dropped. */
  answer(answer: Answer): void;
  /** Sends everything again over a new connection: the actions that were under way, then those that wait. */
  restart(): void;
  /** Rejects everything with `disconnected`. */
  clear(): void;
}

interface PendingAction {
  action: Action;
  readonly ref: string;
  /** The key of its queue: its chat, or one queue for all actions without a chat. */
  readonly queue: string;
  /** `delayed`: sent again when its timer ends. */
  state: "ready" | "sent" | "delayed";
  retries: number;
  timer?: ReturnType<typeof setTimeout>;
  readonly promise: Promise<unknown>;
  readonly resolve: (answer: unknown) => void;
  readonly reject: (error: SignalboxError) => void;
}

/** `send` hands a frame to the connection, and returns false when it is not live. */
export function createPending(send: (frame: object) => boolean): Pending {
  /** By `ref`, in the order of the calls. */
  const pending = new Map<string, PendingAction>();
  let lastRef = 0;
  const throttle = createThrottle(advance);

  /** Sends the first action of each queue, unless it is under way. */
  function advance(): void {
    if (throttle.isHolding()) return;
    const busy = new Set<string>();
    for (const entry of pending.values()) {
      if (busy.has(entry.queue)) continue;
      busy.add(entry.queue);
      if (entry.state !== "ready") continue;
      if (!send({ ...entry.action, ref: entry.ref })) return;
      entry.state = "sent";
    }
  }

  function retry(entry: PendingAction, ms: number): void {
    entry.retries++;
    entry.state = "delayed";
    entry.timer = setTimeout(() => {
      entry.state = "ready";
      advance();
    }, ms);
  }

  function remove({ ref, timer }: PendingAction): void {
    pending.delete(ref);
    clearTimeout(timer);
  }

  return {
    async act(action) {
      const earlier = action.type === "READ_MSG" ? findMergeable(pending.values(), action) : undefined;
      if (earlier !== undefined) {
        earlier.action = action;
        return earlier.promise;
      }
      if (pending.size >= MAX_ACTIONS) throw failure(action, "queue_full", `${MAX_ACTIONS} actions wait already`);
      if (!fits(action)) throw failure(action, "too_large", "an action is at most 256 KiB");
      const entry = createEntry(action, String(++lastRef));
      pending.set(entry.ref, entry);
      advance();
      return entry.promise;
    },

    answer(answer) {
      const entry = pending.get(answer.ref ?? "");
      if (entry === undefined) return;
      if (answer.type === "ACK") {
        remove(entry);
        entry.resolve(answer.data);
      } else if (answer.code === "rate_limited") {
        entry.state = "ready";
        throttle.slowDown(answer.retryAfterMs ?? 0);
      } else if (answer.code === "unavailable" && entry.retries < RETRIES) {
        retry(entry, answer.retryAfterMs ?? backoff(entry.retries));
      } else {
        remove(entry);
        entry.reject(failure(entry.action, answer.code as ErrorCode, answer.detail, answer.retryAfterMs));
      }
      advance();
    },

    restart() {
      for (const entry of pending.values()) if (entry.state === "sent") entry.state = "ready";
      advance();
    },

    clear() {
      throttle.clear();
      for (const entry of pending.values()) {
        remove(entry);
        entry.reject(failure(entry.action, "disconnected", "disconnected before it was committed"));
      }
    },
  };
}

/** Names the action by its type and chat: its text does not belong in an error. */
function failure({ type, chatId }: Action, code: ErrorCode, detail: string, retryAfterMs?: number): SignalboxError {
  const operation = chatId === undefined ? type : `${type} ${chatId}`;
  return new SignalboxError(code, detail, { operation, retryAfterMs });
}

const fits = (action: Action): boolean => new TextEncoder().encode(JSON.stringify(action)).length <= MAX_BYTES;

function createEntry(action: Action, ref: string): PendingAction {
  let resolve!: PendingAction["resolve"];
  let reject!: PendingAction["reject"];
  const promise = new Promise((...settlers) => {
    [resolve, reject] = settlers;
  });
  return { action, ref, queue: action.chatId ?? "", state: "ready", retries: 0, promise, resolve, reject };
}

/**
 * The READ_MSG that a later one can replace: one to the same message, or one to an earlier message that is not under way. The ids hold
 * the times of the messages; a call against their order is sent by itself.
 */
function findMergeable(
  entries: Iterable<PendingAction>,
  { type, chatId, messageId }: Action,
): PendingAction | undefined {
  for (const entry of entries) {
    const { action, state } = entry;
    if (action.type !== type || action.chatId !== chatId) continue;
    if (action.messageId === messageId) return entry;
    if (state !== "sent" && timeOf(action.messageId) < timeOf(messageId)) return entry;
  }
  return undefined;
}

/** The time in a UUID v7, comparable as text. Any other id gives NaN, which is neither earlier nor later. */
const timeOf = (messageId = ""): string | number =>
  /^(?:msg-|evt-)?([0-9a-f]{8}-[0-9a-f]{4})-7/i.exec(messageId)?.[1]?.toLowerCase() ?? Number.NaN;
