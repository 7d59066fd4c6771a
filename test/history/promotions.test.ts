/**
 * Promotions of an asynchronous standby under load: what the primary had not handed over is lost, and exactly the clients that
 * had got some of it are told. `PROMOTIONS=<number>` sets how many; each takes about 10 s.
 */
import { afterEach, describe, expect, test } from "vitest";
import { truthOf } from "../support/history/check.ts";
import { Scene } from "../support/history/scene.ts";
import { Pair } from "../support/postgres/pair.ts";

const PROMOTIONS = Number(process.env.PROMOTIONS ?? 20);
const SYNCHRONOUS_PROMOTIONS = 5;
const PATIENCE_MS = 30_000;
const ROOMS = { busy: 3, calm: 2 };
/** Sends of each room that only the primary has, and those that may have been committed before it was cut off: one per author. */
const TAIL = 3;
const UNDER_WAY = 4;

interface Round {
  /** How the standby is kept behind; absent: it is not. */
  readonly lag?: "cut" | "freeze";
  /** The number of rooms that go on meanwhile. */
  readonly tail: number;
  /** True when the clients that are away return only after the rooms have grown past their cursors. */
  readonly grown: boolean;
}

const ROUNDS: readonly Round[] = [
  { lag: "cut", tail: 1, grown: true },
  { tail: 0, grown: true },
  { lag: "freeze", tail: 2, grown: false },
  { lag: "cut", tail: 3, grown: true },
  { tail: 0, grown: false },
];

const running: { scene?: Scene; pair?: Pair } = {};
afterEach(async () => {
  await running.scene?.stop();
  await running.pair?.end();
});

async function start(options: { readonly synchronous?: boolean }): Promise<{ scene: Scene; pair: Pair }> {
  const pair = await Pair.start(options);
  running.pair = pair;
  const scene = new Scene();
  running.scene = scene;
  await scene.start(pair.url, ROOMS);
  scene.sends.into(scene.chatIds);
  await scene.sends.more(scene.chatIds, TAIL, PATIENCE_MS);
  return { scene, pair };
}

/** Kills the primary and promotes the standby while sends run. Resolves when all is compared. */
async function promotion({ scene, pair }: { scene: Scene; pair: Pair }, round: Round, turn: number): Promise<void> {
  const { sends, busy } = scene;
  const began = Date.now();
  await sends.only(busy, PATIENCE_MS);
  sends.into(busy);
  await sends.more(busy, 2, PATIENCE_MS);
  const tail = busy.map((_, index) => busy[(turn + index) % busy.length]!).slice(0, round.tail);
  if (round.lag !== undefined) {
    await sends.only(tail, PATIENCE_MS);
    await pair.caughtUp();
    pair.lag(round.lag);
    await scene.heard(await sends.more(tail, TAIL + UNDER_WAY, PATIENCE_MS));
  }
  scene.sendAway();
  await pair.kill();
  scene.changes();
  await pair.promote();
  if (!round.grown) scene.admit();
  sends.into(busy);
  const before = await pair.autopsy((server) => truthOf(server, scene.chatIds));
  const lost = await scene.changed(pair.primary, before);
  if (round.lag !== undefined) {
    expect([...lost.keys()].sort(), "the rooms that lost messages").toEqual([...tail].sort());
    for (const messages of lost.values()) expect(messages.size).toBeGreaterThanOrEqual(TAIL);
  }
  await pair.seed();
  if (round.grown) await scene.grown(pair.primary, busy, before);
  scene.admit();
  await sends.more(busy, 2, PATIENCE_MS);
  await scene.check(pair.primary);
  const counts = [...lost.values()].map(({ size }) => size).join("+") || "none";
  const told = scene.resets(scene.losses.length);
  process.stdout.write(
    `promotion ${turn + 1}, ${round.lag ?? "no lag"}: ${counts} lost, ${told} resets, ${Date.now() - began} ms\n`,
  );
}

/** Fails when a client is told anything late: every room goes on once more. */
async function lastMessages({ scene, pair }: { scene: Scene; pair: Pair }): Promise<void> {
  scene.sends.into(scene.chatIds);
  await scene.sends.more(scene.chatIds, 1, PATIENCE_MS);
  await scene.check(pair.primary);
}

describe("an asynchronous standby", () => {
  test(
    `is promoted ${PROMOTIONS} times: clients with lost events are told so, all hear the rest once, and no others notice`,
    async () => {
      const stage = await start({});
      for (let turn = 0; turn < PROMOTIONS; turn++) await promotion(stage, ROUNDS[turn % ROUNDS.length]!, turn);
      await lastMessages(stage);
    },
    60_000 + PROMOTIONS * 60_000,
  );
});

describe("a synchronous standby", () => {
  test(`is promoted ${SYNCHRONOUS_PROMOTIONS} times, and no client notices`, async () => {
    const stage = await start({ synchronous: true });
    for (let turn = 0; turn < SYNCHRONOUS_PROMOTIONS; turn++)
      await promotion(stage, { tail: 0, grown: turn % 2 === 0 }, turn);
    await lastMessages(stage);
    expect(stage.scene.resets()).toBe(0);
  });
});
