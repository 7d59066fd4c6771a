import { CLOSE } from "@signalbox/protocol/close";
import type { Socket, SocketConstructor } from "./api.ts";
import { backoff } from "./backoff.ts";
import { type Cursor, createCursors, type Sequenced } from "./cursors.ts";
import { type ErrorCode, SignalboxError } from "./errors.ts";
import type { ConnectionChanged } from "./events.ts";
import { type Frame, frameOf, isKnown, type Ready } from "./frames.ts";
import type { Connection, ConnectionEvents, Received, Tokens } from "./ports.ts";
import { EFFECTS, type Effect, type Input, PUBLIC_STATE, type State, TABLE } from "./state-machine.ts";

/** The limit from the creation of a socket to its READY. */
const HANDSHAKE_MS = 20_000;
/** The limit for the answer to a PING. */
const PONG_MS = 10_000;
/** WebSocket.CONNECTING and OPEN; Node 20 has no such global. */
const CONNECTING = 0;
const OPEN = 1;

export interface ConnectionDeps {
  /** The gateway's address: `http(s)://…`, without a slash at the end. */
  readonly url: string;
  readonly WebSocket: SocketConstructor;
  readonly tokens: Tokens;
  readonly events: ConnectionEvents;
}

/** A connection that reconnects by itself. Nothing is open before `connect`. PROTOCOL.md sections 1, 2 and 7. */
export const createConnection = (deps: ConnectionDeps): Connection => new ReconnectingConnection(deps);

class ReconnectingConnection implements Connection {
  userId: string | undefined;
  readonly #deps: ConnectionDeps;
  readonly #cursors = createCursors();
  #state: State = "idle";
  #reported: ConnectionChanged["state"] = "idle";
  /** The reason of the last change, for the event that reports it. */
  #code: number | ErrorCode | undefined;
  #retryInMs = 0;
  /** Failed attempts since it was live. */
  #attempts = 0;
  /** The close code of a refused token, since it was live. */
  #refusal: number | undefined;
  #token = "";
  #socket: Socket | undefined;
  #heartbeatMs = 0;
  /** The rooms of the next RESUME, by the last READY. */
  #resumeCursors: Record<string, Cursor> = {};
  /** The event behind the gap that caused the last reconnect: its chat and seq. */
  #gap: string | undefined;
  /** Grows when the results of pending promises no longer matter. */
  #epoch = 0;
  /** The timer of the handshake, the heartbeat or the wait. */
  #timer: ReturnType<typeof setTimeout> | undefined;
  #renewal: ReturnType<typeof setTimeout> | undefined;
  #connected: Promise<void> = Promise.resolve();
  #resolve: () => void = () => undefined;
  #reject: (error: SignalboxError) => void = () => undefined;

  constructor(deps: ConnectionDeps) {
    this.#deps = deps;
  }

  connect(): Promise<void> {
    if (this.#state === "idle" || this.#state === "stopped") {
      this.#attempts = 0;
      this.#refusal = undefined;
      this.#connected = new Promise((resolve, reject) => {
        this.#resolve = resolve;
        this.#reject = reject;
      });
      // A caller that does not wait for it learns of a failure by `changed`.
      this.#connected.catch(() => undefined);
    }
    this.#input("connect");
    return this.#connected;
  }

  disconnect(): void {
    this.#input("disconnect");
  }

  send(frame: object): boolean {
    return this.#state === "live" && this.#write(frame);
  }

  #input(input: Input, code?: number | ErrorCode): void {
    const state = TABLE[this.#state][input];
    if (state === this.#state) return;
    this.#state = state;
    this.#code = code;
    for (const effect of EFFECTS[state]) this.#effects[effect]();
    this.#report();
  }

  readonly #effects: Readonly<Record<Effect, () => void>> = {
    release: () => {
      this.#epoch++;
      clearTimeout(this.#timer);
      clearTimeout(this.#renewal);
      page.removeEventListener?.("online", this.#online);
      const socket = this.#socket;
      // From here on its events are ignored.
      this.#socket = undefined;
      socket?.close(CLOSE.normal.code);
    },
    authorize: () => this.#authorize(),
    open: () => this.#open(),
    resume: () => void this.#write({ type: "RESUME", rooms: this.#resumeCursors }),
    wait: () => {
      const slower = reactionTo(this.#code) === "backoff";
      this.#retryInMs = backoff(this.#attempts++, slower);
      this.#setTimer(this.#retryInMs, () => this.#input("retry"));
      // A server that asked for a longer wait gets it, also when the network is back.
      if (!slower) page.addEventListener?.("online", this.#online);
    },
    succeed: () => {
      this.#attempts = 0;
      this.#refusal = undefined;
      this.#resolve();
    },
    fail: () => this.#reject(failureOf(this.#code)),
  };

  /** The last part of every step: a handler may call `connect` or `disconnect`. */
  #report(): void {
    const state = PUBLIC_STATE[this.#state];
    if (state === this.#reported) return;
    this.#reported = state;
    const code = this.#code;
    this.#deps.events.changed({
      state,
      ...(state === "waiting" && { retryInMs: this.#retryInMs }),
      ...(code !== undefined && { code }),
    });
  }

  #authorize(): void {
    const epoch = this.#epoch;
    this.#deps.tokens.get().then(
      (token) => {
        if (epoch !== this.#epoch) return;
        this.#token = token;
        this.#input("token");
      },
      (error: unknown) => {
        if (epoch !== this.#epoch) return;
        const code = error instanceof SignalboxError ? error.code : "network";
        const isFatal = code === "no_token" || code === "unauthenticated";
        this.#input(isFatal ? "fatal" : "lost", isFatal ? (this.#refusal ?? code) : code);
      },
    );
  }

  #open(): void {
    const { WebSocket } = this.#deps;
    const url = `${this.#deps.url.replace(/^http/i, "ws")}/realtime${this.userId === undefined ? "" : "?resume=1"}`;
    let socket: Socket;
    try {
      socket = new WebSocket(url, ["signalbox.v1", `bearer.${this.#token}`]);
    } catch {
      // No socket can ever be opened with this address or this token.
      return this.#input("fatal", "invalid");
    }
    this.#socket = socket;
    socket.addEventListener("message", ({ data }) => {
      if (socket === this.#socket) this.#receive(data);
    });
    socket.addEventListener("close", ({ code }) => {
      if (socket === this.#socket) this.#closed(code);
    });
    // A close event with the code follows, except in Node 22 for a socket that never opened. The package `ws` throws an error without a listener.
    socket.addEventListener("error", () => {
      if (socket === this.#socket && socket.readyState === CONNECTING) this.#closed(CLOSE.cut.code);
    });
    this.#setTimer(HANDSHAKE_MS, this.#lose);
  }

  #closed(code: number): void {
    const reaction = reactionTo(code);
    if (reaction !== "token") return this.#input(reaction === "stop" ? "fatal" : "lost", code);
    this.#deps.tokens.refused(this.#token);
    const isSecond = this.#refusal !== undefined;
    this.#refusal = code;
    this.#input(isSecond ? "fatal" : "refused", code);
  }

  #receive(text: unknown): void {
    const frame = frameOf(text);
    if (frame === undefined) return;
    if (this.#state === "opening") {
      if (frame.type === "READY") this.#ready(frame);
      return;
    }
    this.#restartHeartbeat();
    if (frame.type === "RESUMED") return this.#input("resumed");
    if (!("seq" in frame)) return this.#deliver(frame);
    if (frame.type !== "RESET") return this.#take(frame);
    this.#cursors.reset(frame);
    this.#deliver(frame);
  }

  #ready({ userId, heartbeatMs, rooms }: Ready): void {
    const resumes = this.userId !== undefined;
    const { cursors, resets } = this.#cursors.ready(rooms, userId === this.userId);
    this.userId = userId;
    this.#resumeCursors = cursors;
    this.#heartbeatMs = heartbeatMs;
    this.#restartHeartbeat();
    this.#scheduleRenewal();
    this.#input(resumes ? "resumable" : "ready");
    // All of them, also when a handler disconnects meanwhile: the cursors know these rooms now, so no later READY would cause a reset.
    for (const reset of resets) this.#deliver(reset);
  }

  /** Takes a durable event, also of an unknown type: its seq counts all the same. */
  #take(event: Sequenced & Received): void {
    const position = this.#cursors.take(event);
    if (position === "next") return this.#deliver(event);
    if (position === "seen") return;
    // A gap, which the server promises not to leave. If a reconnect does not close it, handlers get a reset: no endless reconnects.
    const { chatId, seq } = event;
    const gap = `${chatId} ${seq}`;
    if (this.#gap !== gap) {
      this.#gap = gap;
      return this.#lose();
    }
    const reset = { type: "RESET", chatId, reason: "too_old", seq: seq - 1, cursor: `${seq - 1}` } as const;
    const epoch = this.#epoch;
    this.#cursors.reset(reset);
    this.#deliver(reset);
    if (epoch === this.#epoch) this.#take(event);
  }

  #deliver(frame: Frame): void {
    if (isKnown(frame)) this.#deps.events.received(frame);
  }

  #write(frame: object): boolean {
    if (this.#socket?.readyState !== OPEN) return false;
    this.#socket.send(JSON.stringify(frame));
    return true;
  }

  /** Sends a PING after a silence of one heartbeat, counted from now, and gives the socket up when no answer comes. */
  #restartHeartbeat(): void {
    this.#setTimer(this.#heartbeatMs, () => {
      this.#setTimer(PONG_MS, this.#lose);
      this.#write({ type: "PING" });
    });
  }

  #scheduleRenewal(): void {
    const ms = this.#deps.tokens.refreshIn(this.#token);
    if (ms !== undefined) this.#renewal = setTimeout(() => this.#renew(), ms);
  }

  #renew(): void {
    const epoch = this.#epoch;
    const replaceBy = (token: string) => {
      if (epoch !== this.#epoch) return;
      if (token !== this.#token) this.#write({ type: "AUTH", token });
      this.#token = token;
      this.#scheduleRenewal();
    };
    // A failed fetch is tried again until the server closes the connection of the expired token.
    this.#deps.tokens.get().then(replaceBy, () => replaceBy(this.#token));
  }

  #setTimer(ms: number, then: () => void): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(then, ms);
  }

  readonly #lose = (): void => this.#input("lost", CLOSE.cut.code);
  readonly #online = (): void => this.#input("retry");
}

/** A browser's window has an event for the return of the network; Node has none. */
const page = globalThis as Partial<Pick<EventTarget, "addEventListener" | "removeEventListener">>;

const closeOf = (code: number) => Object.values(CLOSE).find((each) => each.code === code);

/** The reaction that a close code asks for. PROTOCOL.md section 7. */
function reactionTo(code: number | ErrorCode | undefined): "resume" | "backoff" | "token" | "stop" | undefined {
  if (typeof code !== "number") return undefined;
  return closeOf(code)?.next ?? (code < 4400 ? "resume" : "token");
}

/** The error for `connect()` when the connection ended with this code. */
function failureOf(code: number | ErrorCode = "disconnected"): SignalboxError {
  const operation = "connect";
  if (typeof code === "string") return new SignalboxError(code, "there is no connection", { operation });
  const kind = reactionTo(code) === "token" ? "unauthenticated" : "disconnected";
  return new SignalboxError(kind, `closed with ${code} (${closeOf(code)?.reason ?? "unknown"})`, { operation });
}
