/** A standalone node with two callers, rooms to act in, and rooms to lose. */
import { randomUUID } from "node:crypto";
import { ask, dataOf, type Room } from "../support/http.ts";
import { Standalone } from "../support/servers.ts";
import { SECRET, sign } from "../support/tokens.ts";

/** Rooms that a run may delete or remove members from. */
const SPARE_ROOMS = 40;

export interface Stage {
  readonly url: string;
  readonly homeserverToken: string;
  /** The token of the user that owns the rooms. */
  readonly owner: string;
  /** The token of a trusted back end. */
  readonly service: string;
  /** The ids that exist. */
  readonly known: {
    readonly rooms: readonly string[];
    readonly messages: readonly string[];
    readonly reactions: readonly string[];
    /** The other members, and a user outside the rooms. */
    readonly users: readonly string[];
    readonly spareRooms: readonly string[];
  };
  /** The last lines of the node's log. */
  log(): readonly string[];
  stop(): Promise<void>;
}

/** Starts the node and fills it. It has no rate limit, and takes calls of a homeserver. */
export async function openStage(): Promise<Stage> {
  const homeserverToken = "the-homeserver-of-the-fuzz-run";
  const env = { JWT_SECRET: SECRET, MATRIX_HS_TOKEN: homeserverToken, ACTION_RATE: "0" };
  const server = await Standalone.start(env);
  try {
    const [ada, service] = [randomUUID(), randomUUID()];
    const owner = await sign({ sub: ada, name: "Ada" });
    return {
      url: server.url,
      homeserverToken,
      owner,
      service: await sign({ sub: service, roles: ["service"] }),
      known: await fill(server.url, owner, service),
      log: () => server.node.log(),
      stop: () => server.stop(),
    };
  } catch (error) {
    await server.stop();
    throw error;
  }
}

async function fill(url: string, token: string, service: string): Promise<Stage["known"]> {
  const [ben, cara, stranger] = [randomUUID(), "@cara:example.org", randomUUID()];
  const asks = <T>(method: string, path: string, body: Record<string, unknown>, status?: number) =>
    ask(`${url}${path}`, { method, token, body }).then((answer) => dataOf<T>(answer, status));
  const makesRoom = async (name: string) =>
    (await asks<Room>("POST", "/v1/rooms", { name, members: [ben, cara, service] }, 201)).id;
  const acts = async (action: Record<string, unknown>) =>
    (await asks<{ messageId: string }>("POST", "/api/chat", action)).messageId;

  const chatId = await makesRoom("A room to act in");
  const messages = [
    await acts({ type: "SEND_MSG", chatId, message: "The first message", mentions: [ben] }),
    await acts({ type: "SEND_MSG", chatId, message: "The second one" }),
  ];
  messages.push(await acts({ type: "REPLY", chatId, messageId: messages[0], message: "An answer" }));
  const reactions = [await acts({ type: "REACT", chatId, messageId: messages[0], reaction: "👍" })];
  const spareRooms = await Promise.all(Array.from({ length: SPARE_ROOMS }, () => makesRoom("A room to lose")));
  return { rooms: [chatId], messages, reactions, users: [ben, cara, stranger], spareRooms };
}
