/** The life of a connection as a table: in each state, where each input leads. What is done on arrival is a table, too. */
import type { ConnectionChanged } from "./events.ts";

export type State =
  | "idle"
  /** A token is being fetched. */
  | "authorizing"
  /** A socket is on its way to its READY. */
  | "opening"
  /** RESUME is sent; what was missed arrives. */
  | "resuming"
  | "live"
  | "waiting"
  | "stopped";

export type Input =
  | "connect"
  | "disconnect"
  /** There is a token. */
  | "token"
  /** READY of a first connection. */
  | "ready"
  /** READY of a connection that delivers nothing before RESUME. */
  | "parked"
  | "resumed"
  /** The socket is gone, or no token could be fetched: worth another try, later. */
  | "lost"
  /** The token is not good; there may be a better one. */
  | "refused"
  /** Trying again would not help. */
  | "over"
  /** The waiting has been long enough. */
  | "due";

/** What is done on arriving in a state. */
export type Effect = "drop" | "authorize" | "open" | "resume" | "wait" | "succeed" | "fail";

/** Where an input leads. The same state again means that the input changes nothing. */
export const TABLE: Readonly<Record<State, Readonly<Record<Input, State>>>> = {
  idle: {
    connect: "authorizing",
    disconnect: "idle",
    token: "idle",
    ready: "idle",
    parked: "idle",
    resumed: "idle",
    lost: "idle",
    refused: "idle",
    over: "idle",
    due: "idle",
  },
  authorizing: {
    connect: "authorizing",
    disconnect: "idle",
    token: "opening",
    ready: "authorizing",
    parked: "authorizing",
    resumed: "authorizing",
    lost: "waiting",
    refused: "authorizing",
    over: "stopped",
    due: "authorizing",
  },
  opening: {
    connect: "opening",
    disconnect: "idle",
    token: "opening",
    ready: "live",
    parked: "resuming",
    resumed: "opening",
    lost: "waiting",
    refused: "authorizing",
    over: "stopped",
    due: "opening",
  },
  resuming: {
    connect: "resuming",
    disconnect: "idle",
    token: "resuming",
    ready: "resuming",
    parked: "resuming",
    resumed: "live",
    lost: "waiting",
    refused: "authorizing",
    over: "stopped",
    due: "resuming",
  },
  live: {
    connect: "live",
    disconnect: "idle",
    token: "live",
    ready: "live",
    parked: "live",
    resumed: "live",
    lost: "waiting",
    refused: "authorizing",
    over: "stopped",
    due: "live",
  },
  waiting: {
    connect: "authorizing",
    disconnect: "idle",
    token: "waiting",
    ready: "waiting",
    parked: "waiting",
    resumed: "waiting",
    lost: "waiting",
    refused: "waiting",
    over: "waiting",
    due: "authorizing",
  },
  stopped: {
    connect: "authorizing",
    disconnect: "idle",
    token: "stopped",
    ready: "stopped",
    parked: "stopped",
    resumed: "stopped",
    lost: "stopped",
    refused: "stopped",
    over: "stopped",
    due: "stopped",
  },
};

/** What is done on arriving in a state from another, in this order. `drop` gives back socket, timers and listeners. */
export const EFFECTS: Readonly<Record<State, readonly Effect[]>> = {
  idle: ["drop", "fail"],
  authorizing: ["drop", "authorize"],
  opening: ["open"],
  resuming: ["resume"],
  live: ["succeed"],
  waiting: ["drop", "wait"],
  stopped: ["drop", "fail"],
};

/** What a state is called outside. */
export const PUBLIC_STATE: Readonly<Record<State, ConnectionChanged["state"]>> = {
  idle: "idle",
  authorizing: "connecting",
  opening: "connecting",
  resuming: "connecting",
  live: "live",
  waiting: "waiting",
  stopped: "stopped",
};
