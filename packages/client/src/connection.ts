import { CLOSE } from "@signalbox/protocol/close";
import type { Socket, SocketConstructor } from "./api.ts";
import { backoff } from "./backoff.ts";
import { createCursors, type Sequenced } from "./cursors.ts";
import { type ErrorCode, SignalboxError } from "./errors.ts";
import type { ConnectionChanged } from "./events.ts";
import { type Frame, frameOf, isKnown, type Ready } from "./frames.ts";
import { EFFECTS, type Effect, type Input, PUBLIC_STATE, type State, TABLE } from "./machine.ts";
import type { Connection, ConnectionEvents, Received, Tokens } from "./ports.ts";

/** From a socket's making to its READY. */
const HANDSHAKE_MS = 20_000;
/** How long the answer to a PING may take. */
const PONG_MS = 10_000;
/** WebSocket.CONNECTING and OPEN; Node 20 has no such global. */
const CONNECTING = 0;
const OPEN = 1;

export interface ConnectionDeps {
  /** Where the gateway is reached: `http(s)://…`, without a slash at its end. */
  readonly url: string;
  readonly WebSocket: SocketConstructor;
  readonly tokens: Tokens;
  readonly events: ConnectionEvents;
}

/** A connection that comes back by itself. Nothing is open before `connect`. PROTOCOL.md sections 1, 2 and 7. */
export const createConnection = (deps: ConnectionDeps): Connection => new ReconnectingConnection(deps);

class ReconnectingConnection implements Connection {
  userId: string | undefined;
  readonly #deps: ConnectionDeps;
  readonly #cursors = createCursors();
  #state: State = "idle";
  #shown: ConnectionChanged["state"] = "idle";
  /** Why it went down, until that has been told. */
  #code: number | ErrorCode | undefined;
  #retryInMs = 0;
  /** Tries that failed since it was live. */
  #attempts = 0;
  /** The close code by which a token was refused since it was live. */
  #refusal: number | undefined;
  #token = "";
  #socket: Socket | undefined;
  #heartbeatMs = 0;
  /** What the next RESUME asks for, by the last READY. */
  #behind: Record<string, number> = {};
  /** The event before which something was missing, and for which we came back. */
  #gap: string | undefined;
  /** Grows when what is under way no longer matters. */
  #turn = 0;
  /** The one of the handshake, the heartbeat or the waiting. */
  #timer: ReturnType<typeof setTimeout> | undefined;
  #refresh: ReturnType<typeof setTimeout> | undefined;
  #first: Promise<void> = Promise.resolve();
  #resolve: () => void = () => undefined;
  #reject: (error: SignalboxError) => void = () => undefined;

  constructor(deps: ConnectionDeps) {
    this.#deps = deps;
  }

  connect(): Promise<void> {
    if (this.#state === "idle" || this.#state === "stopped") {
      this.#attempts = 0;
      this.#refusal = undefined;
      this.#first = new Promise((resolve, reject) => {
        this.#resolve = resolve;
        this.#reject = reject;
      });
      // Whoever does not wait for it hears of it by `changed`.
      this.#first.catch(() => undefined);
    }
    this.#input("connect");
    return this.#first;
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
    this.#tell();
  }

  readonly #effects: Readonly<Record<Effect, () => void>> = {
    drop: () => {
      this.#turn++;
      clearTimeout(this.#timer);
      clearTimeout(this.#refresh);
      page.removeEventListener?.("online", this.#online);
      const socket = this.#socket;
      // From here on nothing that it does is heard.
      this.#socket = undefined;
      socket?.close(CLOSE.normal.code);
    },
    authorize: () => this.#authorize(),
    open: () => this.#open(),
    resume: () => void this.#write({ type: "RESUME", rooms: this.#behind }),
    wait: () => {
      const slower = nextOf(this.#code) === "backoff";
      this.#retryInMs = backoff(this.#attempts++, slower);
      this.#after(this.#retryInMs, () => this.#input("due"));
      // Another network does not make a server take more.
      if (!slower) page.addEventListener?.("online", this.#online);
    },
    succeed: () => {
      this.#attempts = 0;
      this.#refusal = undefined;
      this.#resolve();
    },
    fail: () => this.#reject(stopped(this.#code)),
  };

  /** Last in every step: who hears it may call `connect` or `disconnect`. */
  #tell(): void {
    const state = PUBLIC_STATE[this.#state];
    if (state === this.#shown) return;
    this.#shown = state;
    const code = this.#code;
    this.#deps.events.changed({
      state,
      ...(state === "waiting" && { retryInMs: this.#retryInMs }),
      ...(code !== undefined && { code }),
    });
  }

  #authorize(): void {
    const turn = this.#turn;
    this.#deps.tokens.get().then(
      (token) => {
        if (turn !== this.#turn) return;
        this.#token = token;
        this.#input("token");
      },
      (error: unknown) => {
        if (turn !== this.#turn) return;
        const code = error instanceof SignalboxError ? error.code : "network";
        const hopeless = code === "no_token" || code === "unauthenticated";
        this.#input(hopeless ? "over" : "lost", hopeless ? (this.#refusal ?? code) : code);
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
      // An address or a token that no socket can be opened with, now or later.
      return this.#input("over", "invalid");
    }
    this.#socket = socket;
    socket.addEventListener("message", ({ data }) => {
      if (socket === this.#socket) this.#receive(data);
    });
    socket.addEventListener("close", ({ code }) => {
      if (socket === this.#socket) this.#closed(code);
    });
    // A close follows and says the rest, except in Node 22 for a socket that never opened. The package `ws` throws what nobody listens for.
    socket.addEventListener("error", () => {
      if (socket === this.#socket && socket.readyState === CONNECTING) this.#closed(CLOSE.cut.code);
    });
    this.#after(HANDSHAKE_MS, this.#dead);
  }

  #closed(code: number): void {
    const next = nextOf(code);
    if (next !== "token") return this.#input(next === "stop" ? "over" : "lost", code);
    this.#deps.tokens.refused(this.#token);
    const again = this.#refusal !== undefined;
    this.#refusal = code;
    this.#input(again ? "over" : "refused", code);
  }

  #receive(text: unknown): void {
    const frame = frameOf(text);
    if (frame === undefined) return;
    if (this.#state === "opening") {
      if (frame.type === "READY") this.#ready(frame);
      return;
    }
    this.#listen();
    if (frame.type === "RESUMED") return this.#input("resumed");
    if (!("seq" in frame)) return this.#handOn(frame);
    if (frame.type !== "RESET") return this.#take(frame);
    this.#cursors.reset(frame);
    this.#handOn(frame);
  }

  #ready({ userId, heartbeatMs, rooms }: Ready): void {
    const resumes = this.userId !== undefined;
    const { behind, missed } = this.#cursors.ready(rooms, userId === this.userId);
    this.userId = userId;
    this.#behind = behind;
    this.#heartbeatMs = heartbeatMs;
    this.#listen();
    this.#refreshLater();
    this.#input(resumes ? "parked" : "ready");
    // All of them, also when a handler ends the connection meanwhile: the cursors know these rooms now, so nothing would say it again.
    for (const reset of missed) this.#handOn(reset);
  }

  /** A durable event, also of a type that is not known: its seq counts all the same. */
  #take(event: Sequenced & Received): void {
    const place = this.#cursors.take(event);
    if (place === "next") return this.#handOn(event);
    if (place === "seen") return;
    // The server promises that this does not happen. If coming back does not help, it is told as what it is, lest we come back for ever.
    const { chatId, seq } = event;
    const gap = `${chatId} ${seq}`;
    if (this.#gap !== gap) {
      this.#gap = gap;
      return this.#dead();
    }
    const reset = { type: "RESET", chatId, reason: "too_old", seq: seq - 1 } as const;
    const turn = this.#turn;
    this.#cursors.reset(reset);
    this.#handOn(reset);
    if (turn === this.#turn) this.#take(event);
  }

  #handOn(frame: Frame): void {
    if (isKnown(frame)) this.#deps.events.received(frame);
  }

  #write(frame: object): boolean {
    if (this.#socket?.readyState !== OPEN) return false;
    this.#socket.send(JSON.stringify(frame));
    return true;
  }

  /** Something came: the silence begins anew. */
  #listen(): void {
    this.#after(this.#heartbeatMs, () => {
      this.#after(PONG_MS, this.#dead);
      this.#write({ type: "PING" });
    });
  }

  #refreshLater(): void {
    const ms = this.#deps.tokens.refreshIn(this.#token);
    if (ms !== undefined) this.#refresh = setTimeout(() => this.#renew(), ms);
  }

  #renew(): void {
    const turn = this.#turn;
    const goOn = (token: string) => {
      if (turn !== this.#turn) return;
      if (token !== this.#token) this.#write({ type: "AUTH", token });
      this.#token = token;
      this.#refreshLater();
    };
    // A fetch that fails is tried again until the token ends, which the server then says.
    this.#deps.tokens.get().then(goOn, () => goOn(this.#token));
  }

  #after(ms: number, then: () => void): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(then, ms);
  }

  readonly #dead = (): void => this.#input("lost", CLOSE.cut.code);
  readonly #online = (): void => this.#input("due");
}

/** A browser's window tells when the network is back; Node has nothing of the kind. */
const page = globalThis as Partial<Pick<EventTarget, "addEventListener" | "removeEventListener">>;

/** What a close code asks for. PROTOCOL.md section 7. */
function nextOf(code: number | ErrorCode | undefined): "resume" | "backoff" | "token" | "stop" | undefined {
  if (typeof code !== "number") return undefined;
  const known = Object.values(CLOSE).find((each) => each.code === code);
  return known?.next ?? (code < 4400 ? "resume" : "token");
}

function stopped(code: number | ErrorCode = "disconnected"): SignalboxError {
  if (typeof code === "string") return new SignalboxError(code, `there is no connection: ${code}`);
  const kind = nextOf(code) === "token" ? "unauthenticated" : "disconnected";
  return new SignalboxError(kind, `the connection was closed with ${code}`);
}
