/** A room of Matrix with three users that are mapped to it. */
import { expect } from "vitest";
import type { Fields } from "../../support/arrivals.ts";
import { dataOf, type Room } from "../../support/http.ts";
import type { Person, World } from "../../support/world.ts";
import { MatrixRoom, matrixUser } from "../support/homeserver.ts";

/** Alice and Bob in a room of Matrix that Alice made there; Carol is mapped, and not a member. */
export interface Bridge {
  readonly alice: Person;
  readonly bob: Person;
  readonly carol: Person;
  readonly room: MatrixRoom;
  readonly chatId: string;
}

export async function bridge(world: World): Promise<Bridge> {
  const people = await world.people();
  const { alice, bob } = people;
  await Promise.all(Object.values(people).map((person) => mapped(world, person)));
  const room = new MatrixRoom(world);
  await room.pushes([
    room.state(alice, "m.room.create", { room_version: "11" }),
    room.member(alice, "join"),
    room.member(bob, "join"),
    room.state(alice, "m.room.name", { name: "A room of Matrix" }),
  ]);
  return { ...people, room, chatId: (await roomOf(alice, room)).id };
}

/** The native room of a room of Matrix. Throws when the user is not a member. */
export async function roomOf(person: Person, { id }: MatrixRoom): Promise<Room> {
  const { data } = await person.rooms();
  const found = data.find((each) => each.matrix_room_id === id);
  if (found === undefined) throw new Error("the user is not in this room of Matrix");
  return found;
}

/** Maps a native user to its Matrix user. */
export async function mapped(world: World, person: Person): Promise<void> {
  const service = await world.service();
  const matrix_user_id = matrixUser(person);
  const user = dataOf<Fields>(await service.asks("PUT", `/v1/users/${person.id}`, { matrix_user_id }));
  expect(user).toMatchObject({ user_id: person.id, matrix_user_id });
}
