/**
 * A real Synapse and a real cluster, joined by one API node.
 *
 *   Matrix client ⇄ Synapse ⇄ API node ── Postgres ── gateway ── WebSocket, SSE
 */
import { type Cluster, startCluster } from "@signalbox/infra/cluster";
import { type NodeProcess, startNode } from "@signalbox/infra/node";
import { expect } from "vitest";
import { type Fields, hasFields } from "../support/arrivals.ts";
import type { Stream, StreamEvent } from "../support/event-stream.ts";
import { type Answer, dataOf, jsonOf } from "../support/http.ts";
import { serversOf } from "../support/servers.ts";
import type { Client, Frame } from "../support/socket-client.ts";
import { until } from "../support/until.ts";
import { ENV, type Person, World } from "../support/world.ts";
import { MatrixClient } from "./matrix-client.ts";
import { type Bridge, planBridge, SERVER_NAME, Synapse } from "./synapse.ts";

/** Milliseconds from Matrix to a native session, or back, while both are up and share two cores. */
export const WAY_MS = 30_000;
/** Milliseconds of a recovery: after an outage Synapse retries after 2, 4, 8 … seconds. */
export const RECOVERY_MS = 180_000;

export class BridgeStage {
  readonly world = new World(async () => {
    const { gateways, postgres } = this.cluster;
    return serversOf({ apis: [this.api], gateways, databaseUrl: postgres.url });
  });
  #bridge: Bridge | undefined;
  #cluster: Cluster | undefined;
  #synapse: Synapse | undefined;
  #api: NodeProcess | undefined;

  get bridge(): Bridge {
    return up(this.#bridge);
  }

  get cluster(): Cluster {
    return up(this.#cluster);
  }

  get synapse(): Synapse {
    return up(this.#synapse);
  }

  get api(): NodeProcess {
    return up(this.#api);
  }

  /** The settings of an API node of the bridge. */
  get env(): Readonly<Record<string, string>> {
    const { asToken, hsToken } = this.bridge;
    return { ...this.cluster.env, MATRIX_AS_TOKEN: asToken, MATRIX_HS_TOKEN: hsToken };
  }

  async start(): Promise<void> {
    const bridge = await planBridge();
    this.#bridge = bridge;
    // The gateway knows that there is a homeserver, and has no token for it.
    const env = { ...ENV, SERVER_NAME, MATRIX_HS_URL: bridge.homeserverUrl };
    const starts = [
      startCluster({ apis: 0, gateways: 1, env }).then((cluster) => {
        this.#cluster = cluster;
      }),
      Synapse.open(bridge).then((synapse) => {
        this.#synapse = synapse;
      }),
    ];
    // Waits for both, so that a started one can be stopped.
    for (const outcome of await Promise.allSettled(starts)) if (outcome.status === "rejected") throw outcome.reason;
    await this.startApi();
    await this.world.start();
  }

  async stop(): Promise<void> {
    await this.world.stop();
    await this.#api?.kill();
    await this.#synapse?.stop();
    await this.#cluster?.stop();
  }

  /** Starts the API node at the address that Synapse has, also again. */
  async startApi(): Promise<void> {
    this.#api = await startNode({ kind: "api", env: { ...this.env, PORT: new URL(this.bridge.appUrl).port } });
  }

  /** A client of the bridge's own Matrix user, registered if needed. */
  bridgeUser(): Promise<MatrixClient> {
    return MatrixClient.ofService(this.synapse.url, this.bridge.asToken);
  }

  /** A new native user that is mapped to this Matrix user. */
  async mapped(matrix: MatrixClient, claims: { readonly [claim: string]: unknown } = {}): Promise<Person> {
    const person = await this.world.person(claims);
    const service = await this.world.service();
    const answer = await service.asks("PUT", `/v1/users/${person.id}`, { matrix_user_id: matrix.userId });
    expect(answer.status, answer.text).toBe(200);
    return person;
  }

  /** The native id of a Matrix room, as soon as `member` sees it. */
  async roomOf(member: Person, matrixRoomId: string): Promise<string> {
    let id: unknown;
    await until(
      async () => {
        id = (await member.rooms()).data.find((room) => room.matrix_room_id === matrixRoomId)?.id;
        return id !== undefined;
      },
      WAY_MS,
      () => this.lastWords(`no room for ${matrixRoomId}`),
    );
    return String(id);
  }

  /** The message of a failed test: `what`, and the last log lines of both sides. */
  async lastWords(what: string): Promise<string> {
    const node = this.api
      .log()
      .slice(-15)
      .map((line) => line.slice(0, 400));
    return [what, "-- API node", ...node, "-- Synapse", await this.synapse.lastWords()].join("\n");
  }
}

/** A bridged room, and a native member with REST, a socket and a stream. */
export interface Views {
  readonly stage: BridgeStage;
  readonly viewer: Person;
  readonly chatId: string;
  readonly matrixRoomId: string;
  readonly socket: Client;
  readonly stream: Stream;
}

/** The projection of an event, as soon as it has these fields. */
export async function projected({ stage, viewer }: Views, eventId: string, fields: Fields = {}): Promise<Fields> {
  let last: Answer | undefined;
  const shows = async () => {
    last = await viewer.asks("GET", `/core/api/v1/messages/${encodeURIComponent(eventId)}`);
    if (last.status !== 200) return false;
    const data = dataOf<Fields>(last);
    return hasFields(data, fields);
  };
  await until(shows, WAY_MS, () => stage.lastWords(`${JSON.stringify(fields)}: ${last?.status} ${last?.text}`));
  return dataOf<Fields>(last!);
}

/** Resolves when an event is on the socket and on the stream. Fails unless it is there once. */
export async function streamed(
  { socket, stream, chatId }: Views,
  frame: Fields & { readonly type: string },
  event: StreamEvent["type"],
  data: Fields,
): Promise<Frame> {
  const seen = await socket.receives({ chatId, ...frame }, WAY_MS);
  await stream.receives(event, data, WAY_MS);
  expect(socket.events(chatId).filter((each) => hasFields(each, frame))).toHaveLength(1);
  expect(stream.of(event).filter((each) => hasFields(each, data))).toHaveLength(1);
  return seen;
}

/** Every projection of the room, newest first, in pages. */
export async function allProjections(viewer: Person, chatId: string): Promise<readonly Fields[]> {
  const all: Fields[] = [];
  for (let cursor: unknown = ""; cursor !== null; ) {
    const behind = cursor === "" ? "" : `&cursor=${encodeURIComponent(String(cursor))}`;
    const answer = await viewer.asks("GET", `/core/api/v1/messages?conversation_id=${chatId}&limit=100${behind}`);
    expect(answer.status, answer.text).toBe(200);
    const page = jsonOf(answer) as { data: Fields[]; next_cursor: string | null };
    all.push(...page.data);
    cursor = page.next_cursor;
  }
  return all;
}

/**
 * Resolves when the projections are exactly the messages of Matrix, and the socket had one event for each of them, with
 * consecutive seqs.
 */
export async function agrees(views: Views, matrix: MatrixClient, ms = RECOVERY_MS): Promise<void> {
  const { stage, viewer, chatId, matrixRoomId, socket } = views;
  const said = (await matrix.allEvents(matrixRoomId)).filter(({ type, content }) => {
    const relation = content["m.relates_to"] as Fields | undefined;
    return ["m.room.message", "m.room.encrypted", "m.sticker"].includes(type) && relation?.rel_type !== "m.replace";
  });
  const inMatrix = said.map(({ event_id }) => event_id).sort();
  let here: unknown[] = [];
  await until(
    async () => {
      here = (await allProjections(viewer, chatId)).map(({ matrix_event_id }) => matrix_event_id).sort();
      return here.length >= inMatrix.length;
    },
    ms,
    () => stage.lastWords(`${here.length} of ${inMatrix.length} messages`),
  );
  expect(here).toStrictEqual(inMatrix);
  const sent = () => socket.events(chatId).filter(({ type }) => type === "SEND_MSG" || type === "REPLY");
  await until(
    () => sent().length >= inMatrix.length,
    WAY_MS,
    () => `${sent().length} of ${inMatrix.length} messages on the socket`,
  );
  expect(new Set(sent().map(({ messageId }) => messageId)).size).toBe(inMatrix.length);
  const seqs = socket.events(chatId).map((event) => event.seq);
  expect(seqs).toStrictEqual(seqs.map((_, index) => seqs[0]! + index));
}

function up<T>(part: T | undefined): T {
  if (part === undefined) throw new Error("the bridge is not up");
  return part;
}
