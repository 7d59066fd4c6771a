/**
 * Faults of all kinds in a random order, under load, while somebody comes and goes. `SEED=<number>` repeats a run, as far as
 * real processes can be made to repeat anything.
 */
import { setTimeout as pause } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { busyRooms, type Scene } from "../support/cluster/busy-rooms.ts";
import { Stage } from "../support/cluster/stage.ts";
import { staysComplete } from "../support/cluster/stays.ts";
import { until } from "../support/until.ts";
import type { Person } from "../support/world.ts";

const SEEDS = process.env.SEED === undefined ? [0, 1, 2].map((each) => Date.now() + each) : [Number(process.env.SEED)];
const FAULTS_PER_SEED = 12;

const stage = new Stage();
beforeAll(() => stage.start());
afterAll(() => stage.stop());
afterEach(() => stage.mend());

/** A number from 0 up to below 1; the same ones for the same seed (mulberry32). */
function randomBy(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

type Fault = (scene: Scene, random: () => number) => Promise<void>;

const FAULTS: Readonly<Record<string, Fault>> = {
  async "kill a gateway"(_, random) {
    const index = random() < 0.5 ? 0 : 1;
    await stage.gateways[index]!.kill();
    await stage.replace(stage.gateways, index);
  },
  async "stop a gateway"(_, random) {
    const index = random() < 0.5 ? 0 : 1;
    expect(await stage.gateways[index]!.stop()).toBe(0);
    await stage.replace(stage.gateways, index);
  },
  async "kill an API node"(_, random) {
    const index = random() < 0.5 ? 0 : 1;
    await stage.apis[index]!.kill();
    await stage.replace(stage.apis, index);
  },
  async "lose every hint for a while"(_, random) {
    await stage.dropHints();
    await pause(1500 * random());
    await stage.passHints();
  },
  async "freeze Redis"(_, random) {
    const { redis } = stage.cluster;
    redis.pause();
    try {
      await pause(3000 * random());
    } finally {
      redis.resume();
    }
    await redis.ready();
  },
  async "kill a Redis primary"(_, random) {
    const { redis } = stage.cluster;
    const primaries = await redis.primaries();
    const primary = primaries[Math.floor(random() * primaries.length)]!;
    await primary.kill();
    await pause(4000 * random());
    await primary.start();
    await redis.ready();
  },
  async "cut some sessions"({ sessions }, random) {
    const cut = sessions.filter(() => random() < 0.5);
    for (const session of cut) session.drop();
    await pause(300 * random());
    for (const session of cut) session.reconnect();
  },
};

/** Adds and removes somebody until told to stop; they are a member in the end. */
function visits(owner: Person, guest: Person, chatId: string, random: () => number): () => Promise<void> {
  let going: boolean = true;
  const end = () => {
    going = false;
  };
  stage.afterwards(end);
  /** A node may die before it answers: the change is made again, and is then perhaps made already. */
  const insistent = async (method: string): Promise<void> => {
    for (;;) {
      const answer = await owner.asks(method, `/v1/rooms/${chatId}/members/${guest.id}`).catch(() => undefined);
      if (answer?.status === 200 || answer?.status === 404) return;
      await pause(50);
    }
  };
  const coming = (async () => {
    while (going) {
      await insistent("PUT");
      await pause(400 * random());
      await insistent("DELETE");
      await pause(100 * random());
    }
    await insistent("PUT");
  })();
  return async () => {
    end();
    await coming;
  };
}

test.each(SEEDS)(
  "whatever happens, nobody misses an event, has one twice, or has one that is not theirs (SEED=%i)",
  async (seed) => {
    const random = randomBy(seed);
    const guest = await stage.person();
    const sessions = await Promise.all([0, 1].map((door) => stage.connects(guest, door, "the guest's session")));
    const scene = await busyRooms(stage);
    const chatId = scene.chatIds[0]!;
    // Numbers of its own: when it draws them depends on the nodes, and the order of the faults must not.
    const leave = visits(scene.owner, guest, chatId, randomBy(seed + 1));
    const names = Object.keys(FAULTS);
    for (let count = 0; count < FAULTS_PER_SEED; count++) {
      await FAULTS[names[Math.floor(random() * names.length)]!]!(scene, random);
      await scene.load.goesOn(20_000);
    }
    const everybody = [...scene.sessions, ...sessions];
    await until(
      () => everybody.every(({ live }) => live),
      10_000,
      () => stage.report(everybody, ["not all are live"]),
    );
    await leave();
    const acknowledged = await scene.load.stop();
    await stage.complete(scene.sessions, scene.chatIds);
    await scene.keeps(acknowledged);
    await staysComplete(stage, chatId, { userId: guest.id, inside: false, sessions, lossy: true });
  },
);
