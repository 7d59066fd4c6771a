/**
 * Faults of all kinds in a random order, under load, while a user joins and leaves. `SEED=<number>` repeats the order of a run;
 * its timing is that of real processes.
 */
import { setTimeout as pause } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { type BusyRooms, busyRooms } from "../support/cluster/busy-rooms.ts";
import { freezeRedis } from "../support/cluster/redis-faults.ts";
import { Stage } from "../support/cluster/stage.ts";
import { staysComplete } from "../support/cluster/stays.ts";
import { randomNumbers } from "../support/random.ts";
import type { Person } from "../support/world.ts";

const SEEDS = process.env.SEED === undefined ? [0, 1, 2].map((each) => Date.now() + each) : [Number(process.env.SEED)];
const FAULTS_PER_SEED = 12;

const stage = new Stage();
beforeAll(() => stage.start());
afterAll(() => stage.stop());
afterEach(() => stage.mend());

/** Numbers from 0 up to below 1; the same ones for the same seed. */
function randomBy(seed: number): () => number {
  const next = randomNumbers(seed);
  return () => next() / 2 ** 32;
}

type Fault = (scene: BusyRooms, random: () => number) => Promise<void>;

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
    await freezeRedis(stage, () => pause(3000 * random()));
    await stage.cluster.redis.ready();
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

/** Adds and removes a user until it is stopped; the user is a member in the end. */
function visits(owner: Person, guest: Person, chatId: string, random: () => number): () => Promise<void> {
  let going: boolean = true;
  const end = () => {
    going = false;
  };
  stage.afterwards(end);
  /** Repeats a change until it is answered: a node may die before it answers, perhaps after the change was made. */
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
  "no session misses an event, gets one twice, or gets one of a room that it is not in (SEED=%i)",
  async (seed) => {
    const random = randomBy(seed);
    const guest = await stage.person();
    const sessions = await Promise.all([0, 1].map((door) => stage.connects(guest, door, "the guest's session")));
    const scene = await busyRooms(stage);
    const chatId = scene.chatIds[0]!;
    // Numbers of its own: the times of its draws depend on the nodes, and the order of the faults must not.
    const leave = visits(scene.owner, guest, chatId, randomBy(seed + 1));
    const names = Object.keys(FAULTS);
    for (let count = 0; count < FAULTS_PER_SEED; count++) {
      await FAULTS[names[Math.floor(random() * names.length)]!]!(scene, random);
      await scene.load.goesOn(20_000);
    }
    await stage.allLive([...scene.sessions, ...sessions], 10_000);
    await leave();
    await scene.ends();
    await staysComplete(stage, chatId, { userId: guest.id, inside: false, sessions, lossy: true });
  },
);
