import type { Auth } from "./api.ts";
import { createConnection } from "./connection.ts";
import type { Cursor } from "./cursors.ts";
import type { ConnectionChanged } from "./events.ts";
import type { ConnectionEvents, Received } from "./ports.ts";
import { type FakeSocket, fakeSockets } from "./socket.fake.ts";
import type { State } from "./state-machine.ts";
import { createTokens } from "./tokens.ts";

/** A connection with this token, with all that its handlers and its server get. */
export function setUp(auth: Auth = "token") {
  const { sockets, WebSocket } = fakeSockets();
  const tokens = createTokens();
  tokens.set(auth);
  const changes: ConnectionChanged[] = [];
  const frames: Received[] = [];
  /** Replaced by tests with handlers of their own. */
  const handlers: ConnectionEvents = { received: () => undefined, changed: () => undefined };
  const connection = createConnection({
    url: "https://gateway.example/chat",
    WebSocket,
    tokens,
    events: {
      received(frame) {
        frames.push(frame);
        handlers.received(frame);
      },
      changed(change) {
        changes.push(change);
        handlers.changed(change);
      },
    },
  });
  const last = (): FakeSocket => {
    const socket = sockets.at(-1);
    if (socket === undefined) throw new Error("no socket was opened");
    return socket;
  };
  /** The server takes the newest socket and says READY. */
  const ready = (rooms: Record<string, Cursor> = {}, more: object = {}): void => {
    last().open();
    last().say({ type: "READY", sessionId: "s", userId: "me", heartbeatMs: 25_000, rooms, ...more });
  };
  /** Makes the first connection, and brings it to `live`. */
  const live = async (rooms?: Record<string, Cursor>): Promise<void> => {
    void connection.connect();
    await settled();
    ready(rooms);
  };
  return { connection, tokens, sockets, changes, frames, handlers, last, ready, live };
}
export type SetUp = ReturnType<typeof setUp>;

export const statesOf = ({ changes }: SetUp) => changes.map(({ state }) => state);
export const said = (chatId: string, seq: number, mark?: string) => ({
  type: "SEND_MSG",
  recipientId: "me",
  senderId: "you",
  chatId,
  seq,
  mark,
});

/** Lets promises settle, under a fake clock as under the real one. */
async function settled(): Promise<void> {
  for (let turns = 0; turns < 20; turns++) await Promise.resolve();
}

const WAYS = {
  idle: async () => undefined,
  authorizing: async ({ connection }) => {
    void connection.connect();
  },
  opening: async ({ connection }) => {
    void connection.connect();
    await settled();
  },
  resuming: async (at) => {
    await WAYS.waiting(at);
    // This ends the wait early.
    void at.connection.connect();
    await settled();
    at.ready();
  },
  live: (at) => at.live(),
  waiting: async (at) => {
    await at.live();
    at.last().end(1006);
  },
  stopped: async (at) => {
    await at.live();
    at.last().end(1000);
  },
} satisfies Readonly<Record<State, (at: SetUp) => Promise<void>>>;

/** Brings a new connection into a state, on the shortest way. */
export const bring = (at: SetUp, state: State): Promise<unknown> => WAYS[state](at);
