/** Two members at two doors, before whom every event is played. */
import { expect } from "vitest";
import type { Fields } from "../../support/arrivals.ts";
import type { Client, Frame } from "../../support/socket-client.ts";
import type { Person, World } from "../../support/world.ts";

/** Alice with two devices, and Bob, at two doors and in one room. */
export interface Stage {
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

/** Alice acts by frames of her phone, or by POST. */
export async function stage(world: World, byFrame: boolean): Promise<Stage> {
  const chat = await world.chat();
  const { alice, bob } = chat;
  const [phone, laptop, bobs] = await Promise.all([alice.connects(0), alice.connects(1), bob.connects(1)]);
  return { ...chat, phone, laptop, bobs, act: (action) => (byFrame ? phone.acts(action) : alice.acts(action)) };
}

/** Every device of every member gets the event, the author's included, each addressed to its own user. */
export async function reachesAll({ alice, bob, phone, laptop, bobs }: Stage, event: Frame): Promise<void> {
  const { recipientId: _, ...match } = event;
  expect(await phone.receives(match)).toStrictEqual({ ...event, recipientId: alice.id });
  expect(await laptop.receives(match)).toStrictEqual({ ...event, recipientId: alice.id });
  expect(await bobs.receives(match)).toStrictEqual({ ...event, recipientId: bob.id });
}
