/** The states of a connection as two tables: the next state for each input, and the effects of entering a state. */
import type { ConnectionChanged } from "./events.ts";

export type State =
  | "idle"
  /** A token is being fetched. */
  | "authorizing"
  /** A socket is being opened, until its READY. */
  | "opening"
  /** RESUME is sent; the missed events arrive. */
  | "resuming"
  | "live"
  | "waiting"
  | "stopped";

export type Input =
  | "connect"
  | "disconnect"
  /** A token was fetched. */
  | "token"
  /** READY of a first connection. */
  | "ready"
  /** READY of a connection that waits for RESUME before it delivers anything. */
  | "resumable"
  | "resumed"
  /** The socket is gone, or no token could be fetched: another attempt may succeed later. */
  | "lost"
  /** The server refused the token; another one may be accepted. */
  | "refused"
  /** Another attempt would not help. */
  | "fatal"
  /** The wait before another attempt is over. */
  | "retry";

/** The effects of entering a state. `release` gives back socket, timers and listeners. */
export type Effect = "release" | "authorize" | "open" | "resume" | "wait" | "succeed" | "fail";

/** The next state for each input. The same state again means that the input changes nothing. */
export const TABLE: Readonly<Record<State, Readonly<Record<Input, State>>>> = {
  idle: {
    connect: "authorizing",
    disconnect: "idle",
    token: "idle",
    ready: "idle",
    resumable: "idle",
    resumed: "idle",
    lost: "idle",
    refused: "idle",
    fatal: "idle",
    retry: "idle",
  },
  authorizing: {
    connect: "authorizing",
    disconnect: "idle",
    token: "opening",
    ready: "authorizing",
    resumable: "authorizing",
    resumed: "authorizing",
    lost: "waiting",
    refused: "authorizing",
    fatal: "stopped",
    retry: "authorizing",
  },
  opening: {
    connect: "opening",
    disconnect: "idle",
    token: "opening",
    ready: "live",
    resumable: "resuming",
    resumed: "opening",
    lost: "waiting",
    refused: "authorizing",
    fatal: "stopped",
    retry: "opening",
  },
  resuming: {
    connect: "resuming",
    disconnect: "idle",
    token: "resuming",
    ready: "resuming",
    resumable: "resuming",
    resumed: "live",
    lost: "waiting",
    refused: "authorizing",
    fatal: "stopped",
    retry: "resuming",
  },
  live: {
    connect: "live",
    disconnect: "idle",
    token: "live",
    ready: "live",
    resumable: "live",
    resumed: "live",
    lost: "waiting",
    refused: "authorizing",
    fatal: "stopped",
    retry: "live",
  },
  waiting: {
    connect: "authorizing",
    disconnect: "idle",
    token: "waiting",
    ready: "waiting",
    resumable: "waiting",
    resumed: "waiting",
    lost: "waiting",
    refused: "waiting",
    fatal: "waiting",
    retry: "authorizing",
  },
  stopped: {
    connect: "authorizing",
    disconnect: "idle",
    token: "stopped",
    ready: "stopped",
    resumable: "stopped",
    resumed: "stopped",
    lost: "stopped",
    refused: "stopped",
    fatal: "stopped",
    retry: "stopped",
  },
};

/** The effects of entering a state from another one, in this order. */
export const EFFECTS: Readonly<Record<State, readonly Effect[]>> = {
  idle: ["release", "fail"],
  authorizing: ["release", "authorize"],
  opening: ["open"],
  resuming: ["resume"],
  live: ["succeed"],
  waiting: ["release", "wait"],
  stopped: ["release", "fail"],
};

/** The state that `connection` events report. */
export const PUBLIC_STATE: Readonly<Record<State, ConnectionChanged["state"]>> = {
  idle: "idle",
  authorizing: "connecting",
  opening: "connecting",
  resuming: "connecting",
  live: "live",
  waiting: "waiting",
  stopped: "stopped",
};
