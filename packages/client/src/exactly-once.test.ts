/**
 * The main promise of the SDK: a handler gets each event of a room once and in order, wherever the connection breaks, between any two
 * frames.
 */
import fc from "fast-check";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { createConnection } from "./connection.ts";
import { FakeGateway } from "./gateway.fake.ts";
import type { Received } from "./ports.ts";
import { fakeSockets } from "./socket.fake.ts";
import { createTokens } from "./tokens.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const ROOMS = ["a", "b", "c"];

function setUp() {
  const gateway = new FakeGateway();
  const { WebSocket } = fakeSockets((socket) => gateway.accept(socket));
  const tokens = createTokens();
  let count = 0;
  tokens.set(async () => `${++count}`);
  const heard: Extract<Received, { seq: number }>[] = [];
  const states: string[] = [];
  const connection = createConnection({
    url: "https://gateway.example",
    WebSocket,
    tokens,
    events: {
      received: (frame) => void ("seq" in frame && heard.push(frame)),
      changed: ({ state }) => void states.push(state),
    },
  });
  /** Delivers everything that is left, without another break. */
  const arrive = async () => {
    void connection.connect();
    for (let seconds = 0; gateway.deliver(1000) || !gateway.isConnected || states.at(-1) !== "live"; seconds++) {
      if (seconds === 200) throw new Error("it does not come to rest");
      await vi.advanceTimersByTimeAsync(1000);
    }
  };
  return { gateway, connection, heard, states, arrive };
}
type SetUp = ReturnType<typeof setUp>;

/** One step of a run. */
type Step = (at: SetUp) => unknown;
const room = fc.constantFrom(...ROOMS);
const happens = room.map(
  (chatId): Step =>
    ({ gateway }) =>
      gateway.addEvent(chatId, "SEND_MSG"),
);
const arrives = fc.integer({ min: 1, max: 5 }).map(
  (frames): Step =>
    ({ gateway }) =>
      gateway.deliver(frames),
);
const passes = fc.constantFrom(0, 10, 1000, 36_000).map(
  (ms): Step =>
    () =>
      vi.advanceTimersByTimeAsync(ms),
);
const codes = fc.constantFrom(1001, 1005, 1006, 1012, 4001, 4002, 4003, 4029, 4401, undefined);
const breaks = codes.map(
  (code): Step =>
    ({ gateway }) =>
      gateway.cut(code),
);
const late = fc.constant<Step>(({ gateway }) => gateway.deliverLate());
const ends = fc.constant<Step>(({ connection }) => connection.disconnect());
const begins = fc.constant<Step>(({ connection }) => void connection.connect());
const repeats = fc.integer({ min: 0, max: 4 }).map(
  (excess): Step =>
    ({ gateway }) => {
      gateway.excess = excess;
    },
);
const ordinary = [
  { arbitrary: happens, weight: 6 },
  { arbitrary: arrives, weight: 6 },
  { arbitrary: passes, weight: 4 },
  { arbitrary: breaks, weight: 3 },
  { arbitrary: late, weight: 1 },
  { arbitrary: repeats, weight: 1 },
  { arbitrary: ends, weight: 1 },
  { arbitrary: begins, weight: 1 },
];

const seqsOf = ({ heard }: SetUp, chatId: string) =>
  heard.filter((frame) => frame.chatId === chatId).map(({ seq }) => seq);

async function run(at: SetUp, steps: readonly Step[]): Promise<void> {
  void at.connection.connect();
  await vi.advanceTimersByTimeAsync(0);
  at.gateway.deliver(2);
  for (const step of steps) {
    await step(at);
    // Promises settle between two steps, as between two events of a real loop.
    await Promise.resolve();
  }
  await at.arrive();
}

test("each event of a room is heard once, in order, wherever connections break", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.oneof(...ordinary), { maxLength: 60, size: "max" }), async (steps) => {
      const at = setUp();
      for (const chatId of ROOMS) at.gateway.rooms.set(chatId, { events: [], member: true, kept: 0 });
      await run(at, steps);
      for (const chatId of ROOMS) {
        const { length } = at.gateway.rooms.get(chatId)?.events ?? [];
        expect(seqsOf(at, chatId)).toEqual(Array.from({ length }, (_, index) => index + 1));
      }
      expect(at.heard.every(({ type }) => type === "SEND_MSG")).toBe(true);
      expect(at.states.at(-1)).toBe("live");
      expect(at.states.every((state, index) => state !== at.states[index - 1])).toBe(true);
      at.connection.disconnect();
      expect(vi.getTimerCount()).toBe(0);
    }),
    { numRuns: 300 },
  );
}, 30_000);

const loses = fc.tuple(room, fc.integer({ min: 1, max: 4 })).map(
  ([chatId, events]): Step =>
    ({ gateway }) =>
      gateway.lose(chatId, events),
);

test("after the server lost events, what is heard since the last reset is what the server has", async () => {
  let diverged = 0;
  const steps = fc.oneof(...ordinary, { arbitrary: loses, weight: 2 });
  await fc.assert(
    fc.asyncProperty(fc.array(steps, { maxLength: 60, size: "max" }), async (taken) => {
      const at = setUp();
      for (const chatId of ROOMS) at.gateway.rooms.set(chatId, { events: [], member: true, kept: 0 });
      await run(at, taken);
      for (const chatId of ROOMS) {
        const heard = at.heard.filter((frame) => frame.chatId === chatId);
        const resets = heard.filter(({ type }) => type === "RESET");
        expect(resets.every((frame) => frame.type === "RESET" && frame.reason === "diverged")).toBe(true);
        diverged += resets.length;
        const begin = resets.at(-1);
        const since = begin === undefined ? heard : heard.slice(heard.indexOf(begin) + 1);
        const { events } = at.gateway.rooms.get(chatId) ?? { events: [] };
        expect(since).toEqual(events.slice(begin?.seq ?? 0));
      }
      at.connection.disconnect();
    }),
    { numRuns: 300 },
  );
  expect(diverged).toBeGreaterThan(0);
}, 30_000);

const memberships = fc.tuple(room, fc.constantFrom("join", "leave", "NEW_CHAT", "DELETE_CHAT", "prune")).map(
  ([chatId, what]): Step =>
    ({ gateway }) => {
      const known = gateway.rooms.get(chatId);
      const deleted = known?.events.at(-1)?.type === "DELETE_CHAT";
      if (deleted) return;
      if (what === "prune") gateway.prune(chatId);
      else if (what === "NEW_CHAT") known === undefined && gateway.addEvent(chatId, what);
      else if (known === undefined) return;
      else if (what === "join") known.member || gateway.join(chatId);
      else if (known.member) what === "leave" ? gateway.leave(chatId) : gateway.addEvent(chatId, what);
    },
);
const said = room.map(
  (chatId): Step =>
    ({ gateway }) => {
      const known = gateway.rooms.get(chatId);
      if (known !== undefined && known.events.at(-1)?.type !== "DELETE_CHAT") gateway.addEvent(chatId, "SEND_MSG");
    },
);

test("with changing memberships, a seq follows the last, or a reset, or the user's own return", async () => {
  const steps = fc.oneof({ arbitrary: memberships, weight: 4 }, { arbitrary: said, weight: 6 }, ...ordinary.slice(1));
  await fc.assert(
    fc.asyncProperty(fc.array(steps, { maxLength: 80, size: "max" }), async (taken) => {
      const at = setUp();
      await run(at, taken);
      for (const chatId of ROOMS) {
        const { events, member } = at.gateway.rooms.get(chatId) ?? { events: [], member: false };
        const heard = at.heard.filter((frame) => frame.chatId === chatId);
        for (const [index, { seq, type }] of heard.entries()) {
          const last = heard[index - 1]?.seq ?? 0;
          if (type === "RESET") continue;
          expect(seq).toBeGreaterThan(last);
          if (type !== "USER_JOIN" && type !== "NEW_CHAT") expect(seq).toBe(last + 1);
        }
        // A member has all events of the room, or those after the last reset.
        if (member) expect(heard.at(-1)?.seq).toBe(events.length);
      }
      at.connection.disconnect();
      expect(vi.getTimerCount()).toBe(0);
    }),
    { numRuns: 300 },
  );
}, 30_000);
