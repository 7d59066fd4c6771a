/** A standalone node with somebody to be, rooms to act in, and rooms to lose. */
import { randomUUID } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startNode } from "@signalbox/infra/node";
import { ask, dataOf, type Room } from "../support/http.ts";
import { SECRET, sign } from "../support/tokens.ts";

/** Rooms that a run may delete, or have people removed from: one after the other. */
const SPARE_ROOMS = 40;

export interface Stage {
  readonly url: string;
  readonly homeserverToken: string;
  /** Made the rooms, and owns them. */
  readonly owner: string;
  /** A trusted back end. */
  readonly service: string;
  /** What there is to name. */
  readonly known: {
    readonly rooms: readonly string[];
    readonly messages: readonly string[];
    readonly reactions: readonly string[];
    /** Members other than the owner, and one who is none. */
    readonly users: readonly string[];
    readonly spareRooms: readonly string[];
  };
  /** The node's last words. */
  log(): readonly string[];
  stop(): Promise<void>;
}

/** Starts the node and fills it. It takes any number of actions a second, and calls of a homeserver. */
export async function openStage(): Promise<Stage> {
  const folder = await mkdtemp(join(tmpdir(), "signalbox-fuzz-"));
  const homeserverToken = "the-homeserver-of-the-fuzz-run";
  const env = { JWT_SECRET: SECRET, MATRIX_HS_TOKEN: homeserverToken, ACTION_RATE: "0", DATA_DIR: folder };
  const node = await startNode({ kind: "standalone", env });
  const stop = async () => {
    await node.stop();
    await rm(folder, { recursive: true, force: true });
  };
  try {
    const [ada, service] = [randomUUID(), randomUUID()];
    const owner = await sign({ sub: ada, name: "Ada" });
    return {
      url: node.url,
      homeserverToken,
      owner,
      service: await sign({ sub: service, roles: ["service"] }),
      known: await fill(node.url, owner, service),
      log: () => node.log(),
      stop,
    };
  } catch (error) {
    await stop();
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
