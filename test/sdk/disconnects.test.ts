/** A thousand disconnects at random moments, under load. */
import { setTimeout as pause } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { times } from "../support/lists.ts";
import { until } from "../support/until.ts";
import type { Person } from "../support/world.ts";
import type { Device } from "./device.ts";
import type { TcpProxy } from "./proxy.ts";
import { Site } from "./site.ts";

const DISCONNECTS = 1000;
const ROOMS = 4;
/** Many, since a client waits before it reconnects. */
const PEOPLE = 15;
const DEVICES_EACH = 4;
const LONGEST_MS = 80_000;
/** After several failed attempts a client waits up to half a minute for the next. */
const COMEBACK_MS = 40_000;

const site = new Site("a cluster");
beforeAll(() => site.start());
afterAll(() => site.stop());

/** Cuts a device's link again and again: every fifth time at any byte before it is live again, else at any moment after. */
async function tear(device: Device, proxy: TcpProxy, enough: () => boolean): Promise<void> {
  const stuck = () => `no connection: ${JSON.stringify(device.connection.slice(-6))}`;
  const comes = (holds: () => boolean) => until(() => holds() || enough(), LONGEST_MS, stuck);
  while (!enough()) {
    const { cuts } = proxy;
    if (Math.random() < 0.2) {
      proxy.cutAfter(1 + Math.floor(Math.random() * 2000), Math.random() < 0.5 ? "up" : "down");
      await comes(() => proxy.cuts > cuts || device.connection.at(-1)?.state === "live");
    } else {
      await comes(() => device.connection.at(-1)?.state === "live");
      await pause(Math.random() * 50);
    }
    proxy.cut();
  }
}

/** Sends one message after the other through a link that is cut. Resolves with their number. */
async function chatter({ realtime }: Device, chatId: string, name: string, enough: () => boolean): Promise<number> {
  let count = 0;
  while (!enough()) await realtime.sendMessage(chatId, `${name} ${count++}`);
  return count;
}

test("1,000 random disconnects during a load: every handler sees each room's seqs without a gap or a double", async () => {
  const [owner, people] = [await site.world.service(), await times(PEOPLE, () => site.world.person())];
  const chatIds = await times(ROOMS, () => owner.makesRoom(...people));
  const proxies = await times(PEOPLE * DEVICES_EACH, () => site.proxy(undefined, true));
  const devices = await times(proxies.length, (index) =>
    site.connects(people[index % PEOPLE] as Person, proxies[index]),
  );
  const startedAt = Date.now();
  const cuts = () => proxies.reduce((sum, proxy) => sum + proxy.cuts, 0);
  const enough = () => cuts() >= DISCONNECTS || Date.now() > startedAt + LONGEST_MS;

  const load = chatIds.map(async (chatId) => {
    for (let index = 0; !enough(); index++) {
      await owner.says(chatId, `load ${index}`);
      await pause(50);
    }
  });
  const talkers = devices
    .slice(0, PEOPLE)
    .map((device, index) => chatter(device, chatIds[index % ROOMS]!, `talker ${index}`, enough));
  await Promise.all(proxies.map((proxy, index) => tear(devices[index]!, proxy, enough)));
  await Promise.all(load);
  const said = await Promise.all(talkers);
  process.stdout.write(`${cuts()} disconnects in ${Date.now() - startedAt} ms\n`);
  expect(cuts()).toBeGreaterThanOrEqual(DISCONNECTS);

  for (const chatId of chatIds) {
    const { seq } = await owner.says(chatId, "the last");
    for (const device of devices) await device.hasAll(chatId, 2, seq, COMEBACK_MS);
  }
  for (const device of devices) {
    const texts = device.of("message").map(({ message }) => message);
    for (const [index, count] of said.entries()) {
      const own = texts.filter((text) => text.startsWith(`talker ${index} `));
      expect(own).toEqual(Array.from({ length: count }, (_, each) => `talker ${index} ${each}`));
    }
  }
}, 180_000);
