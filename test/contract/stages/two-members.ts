/** Two members at two nodes, one of them with two devices. */
import { expect } from "vitest";
import type { Fields } from "../../support/arrivals.ts";
import type { Client, Frame } from "../../support/socket-client.ts";
import type { Person, World } from "../../support/world.ts";

/** Alice with two devices, and Bob, in one room. */
export interface TwoMembers {
  readonly alice: Person;
  readonly bob: Person;
  readonly carol: Person;
  readonly chatId: string;
  readonly phone: Client;
  readonly laptop: Client;
  readonly bobs: Client;
  /** Acts as Alice. */
  readonly act: (action: Fields) => Promise<Frame>;
}

/** `byFrame`: Alice acts by frames of her phone, otherwise by POST. */
export async function twoMembers(world: World, byFrame: boolean): Promise<TwoMembers> {
  const chat = await world.chat();
  const { alice, bob } = chat;
  const [phone, laptop, bobs] = await Promise.all([alice.connects(0), alice.connects(1), bob.connects(1)]);
  return { ...chat, phone, laptop, bobs, act: (action) => (byFrame ? phone.acts(action) : alice.acts(action)) };
}

/** Fails unless every device of both members gets the event, addressed to its user. */
export async function reachesAll({ alice, bob, phone, laptop, bobs }: TwoMembers, event: Frame): Promise<void> {
  const { recipientId: _, ...match } = event;
  expect(await phone.receives(match)).toStrictEqual({ ...event, recipientId: alice.id });
  expect(await laptop.receives(match)).toStrictEqual({ ...event, recipientId: alice.id });
  expect(await bobs.receives(match)).toStrictEqual({ ...event, recipientId: bob.id });
}
