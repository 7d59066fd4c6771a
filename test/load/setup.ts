/** Creates the users, rooms and tokens of a run, by the API. */
import { randomUUID } from "node:crypto";
import { MEMBERS_AT_ONCE } from "@signalbox/protocol/http";
import { SignJWT } from "jose";
import type { Flags } from "./flags.ts";
import type { SessionPlan } from "./session.ts";
import type { Speaker } from "./transport.ts";

/** Requests under way at once. */
const REQUESTS = 16;
const REQUEST_MS = 10_000;
const TOKEN_SECONDS = 3600;

export interface Plan {
  readonly rooms: readonly string[];
  /** Sessions that receive. */
  readonly listeners: readonly SessionPlan[];
  /** Authors of messages. */
  readonly authors: readonly SessionPlan[];
  readonly speakers: readonly Speaker[];
}

/** A user in a room, both by index. */
interface Membership {
  readonly user: number;
  readonly room: number;
}

/**
 * Creates the rooms and members of the flags, in parallel. `onProgress` receives the number of those that are made. Rejects when
 * a request fails, with its status in the message.
 */
export async function setUp(flags: Flags, onProgress: (done: number, of: number) => void): Promise<Plan> {
  const sign = signer(flags.secret);
  const plan = async (index: number, service: boolean): Promise<SessionPlan> => {
    const userId = randomUUID();
    const gateway = flags.gateways[index % flags.gateways.length]!;
    return { userId, gateway, token: await sign(userId, service) };
  };
  const listeners = await Promise.all(Array.from({ length: flags.sessions }, (_, index) => plan(index, false)));
  // Services have no rate limit.
  const authors = await Promise.all(
    Array.from({ length: flags.idle ? 0 : flags.senders }, (_, index) => plan(index, true)),
  );

  const speaking = turns(authors.length, flags.rooms);
  const listening = listeners.flatMap((_, user) =>
    Array.from(
      { length: flags.roomsPerUser },
      (__, nth): Membership => ({ user, room: (user * flags.roomsPerUser + nth) % flags.rooms }),
    ),
  );
  const members = Array.from({ length: flags.rooms }, (): string[] => []);
  for (const { user, room } of listening) members[room]!.push(listeners[user]!.userId);
  for (const { user, room } of speaking) members[room]!.push(authors[user]!.userId);

  const rooms = await createRooms(flags.api, await sign(randomUUID(), true), members, onProgress);
  const speakers = speaking.map(({ user, room }): Speaker => ({ author: user, room: rooms[room]! }));
  return { rooms, listeners, authors, speakers };
}

/** Each author in a room, and each room with an author: the fewer of both take several turns. */
const turns = (authors: number, rooms: number): Membership[] =>
  Array.from({ length: authors === 0 ? 0 : Math.max(authors, rooms) }, (_, turn) => ({
    user: turn % authors,
    room: turn % rooms,
  }));

function signer(secret: string): (userId: string, service: boolean) => Promise<string> {
  const key = new TextEncoder().encode(secret);
  return (userId, service) =>
    new SignJWT(service ? { roles: ["service"] } : {})
      .setProtectedHeader({ alg: "HS256" })
      .setSubject(userId)
      .setIssuedAt()
      .setExpirationTime(Math.floor(Date.now() / 1000) + TOKEN_SECONDS)
      .sign(key);
}

async function createRooms(
  api: string,
  token: string,
  members: readonly (readonly string[])[],
  onProgress: (done: number, of: number) => void,
): Promise<readonly string[]> {
  const call = caller(api, token);
  const rooms: string[] = [];
  const late = members.flatMap((ids, room) => ids.slice(MEMBERS_AT_ONCE).map((userId) => ({ room, userId })));
  const total = members.length + late.length;
  let done = 0;
  await inParallel(members.entries(), async ([room, ids]) => {
    const body = { name: `Load ${room + 1}`, members: ids.slice(0, MEMBERS_AT_ONCE) };
    const answer = (await call("POST", "/v1/rooms", body)) as { data: { id: string } };
    rooms[room] = answer.data.id;
    onProgress(++done, total);
  });
  await inParallel(late.values(), async ({ room, userId }) => {
    await call("PUT", `/v1/rooms/${rooms[room]}/members/${userId}`, {});
    onProgress(++done, total);
  });
  return rooms;
}

const caller =
  (api: string, token: string) =>
  async (method: string, path: string, body: object): Promise<unknown> => {
    const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
    const signal = AbortSignal.timeout(REQUEST_MS);
    const request = { method, headers, body: JSON.stringify(body), signal };
    const response = await fetch(`${api}${path}`, request).catch(() => {
      throw new Error(`${api} does not answer`);
    });
    if (!response.ok) throw new Error(`${method} ${path} was answered with ${response.status}`);
    return await response.json();
  };

async function inParallel<T>(items: Iterator<T> & Iterable<T>, work: (item: T) => Promise<void>): Promise<void> {
  const oneByOne = async (): Promise<void> => {
    for (const item of items) await work(item);
  };
  await Promise.all(Array.from({ length: REQUESTS }, oneByOne));
}
