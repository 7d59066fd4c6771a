/** Speaks as a homeserver does to an application service: it pushes transactions of rooms, people and events of Matrix. */
import { randomUUID } from "node:crypto";
import { expect } from "vitest";
import type { Fields } from "../../support/arrivals.ts";
import { type Answer, ask, dataOf, type Room } from "../../support/http.ts";
import { ENV, type Person, type World } from "../../support/world.ts";

/** An event as a homeserver pushes it. */
export interface MatrixEvent extends Fields {
  readonly event_id: string;
  readonly origin_server_ts: number;
}

/** Somebody of ours who is mapped to Matrix, or a Matrix user by their id. */
export type Matrician = { readonly id: string } | string;

/** Who somebody of ours is in Matrix. */
export const matrixUser = (who: Matrician): string => (typeof who === "string" ? who : `@${who.id}:matrix.example`);

export const newEventId = (): string => `$${randomUUID()}:matrix.example`;

/** Asks what a homeserver asks; with `token: undefined` as nobody. */
export const asksAs = (
  world: World,
  method: string,
  path: string,
  { body, api = 0, token = ENV.MATRIX_HS_TOKEN }: { body?: Fields | string; api?: 0 | 1; token?: string | null } = {},
): Promise<Answer> => ask(`${world.servers.apis[api]}${path}`, { method, body, token: token ?? undefined });

/** Events are an hour old, each a hundredth of a second younger than the one before. */
const HOUR_MS = 3_600_000;
const STEP_MS = 10;

/** What a transaction holds besides its events. */
export interface Push {
  readonly ephemeral?: unknown;
  readonly api?: 0 | 1;
}

/** A room of Matrix. */
export class MatrixRoom {
  readonly id = `!${randomUUID()}:matrix.example`;
  readonly #world: World;
  #at = Date.now() - HOUR_MS;

  constructor(world: World) {
    this.#world = world;
  }

  event(sender: Matrician, type: string, content: Fields, more: Fields = {}): MatrixEvent {
    this.#at += STEP_MS;
    return {
      event_id: newEventId(),
      room_id: this.id,
      type,
      sender: matrixUser(sender),
      origin_server_ts: this.#at,
      content,
      unsigned: { age: 42 },
      ...more,
    };
  }

  says(sender: Matrician, body: string, content: Fields = {}, more: Fields = {}): MatrixEvent {
    return this.event(sender, "m.room.message", { msgtype: "m.text", body, ...content }, more);
  }

  edits(sender: Matrician, target: MatrixEvent, body: string, content: Fields = {}): MatrixEvent {
    return this.says(sender, `* ${body}`, {
      "m.new_content": { msgtype: "m.text", body, ...content },
      "m.relates_to": { rel_type: "m.replace", event_id: target.event_id },
    });
  }

  reacts(sender: Matrician, target: MatrixEvent, key: string): MatrixEvent {
    return this.event(sender, "m.reaction", {
      "m.relates_to": { rel_type: "m.annotation", event_id: target.event_id, key },
    });
  }

  redacts(sender: Matrician, target: MatrixEvent): MatrixEvent {
    const redacts = target.event_id;
    return this.event(sender, "m.room.redaction", { redacts, reason: "spam" }, { redacts });
  }

  state(sender: Matrician, type: string, content: Fields, state_key = ""): MatrixEvent {
    return this.event(sender, type, content, { state_key });
  }

  member(who: Matrician, membership: string, sender: Matrician = who): MatrixEvent {
    return this.state(sender, "m.room.member", { membership }, matrixUser(who));
  }

  /** Pushes a transaction, whatever comes of it. */
  tries(events: unknown, { ephemeral, api = 0 }: Push = {}): Promise<Answer> {
    const body = { events, ...(ephemeral === undefined ? {} : { ephemeral }) };
    return asksAs(this.#world, "PUT", `/_matrix/app/v1/transactions/${randomUUID()}`, { body, api });
  }

  /** Pushes a transaction that is to be taken. */
  async pushes(events: unknown, push: Push = {}): Promise<void> {
    const answer = await this.tries(events, push);
    expect([answer.status, answer.text]).toEqual([200, "{}"]);
  }
}

/** Alice and Bob in a room of Matrix that Alice made there; Carol, who is in Matrix too, stands outside. */
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

/** The room here that a room of Matrix is. */
export async function roomOf(person: Person, { id }: MatrixRoom): Promise<Room> {
  const { data } = await person.rooms();
  const found = data.find((each) => each.matrix_room_id === id);
  if (found === undefined) throw new Error("the room of Matrix is none of theirs");
  return found;
}

/** Says who somebody of ours is in Matrix. */
export async function mapped(world: World, person: Person): Promise<void> {
  const service = await world.service();
  const matrix_user_id = matrixUser(person);
  const user = dataOf<Fields>(await service.asks("PUT", `/v1/users/${person.id}`, { matrix_user_id }));
  expect(user).toMatchObject({ user_id: person.id, matrix_user_id });
}
