/** The native view of a room, live and after a rebuild from Matrix into an empty database. */
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { startNode } from "@signalbox/infra/node";
import { Connection } from "@signalbox/postgres/connection";
import { expect } from "vitest";
import type { Fields } from "../support/arrivals.ts";
import { serversOf } from "../support/servers.ts";
import { type Person, World } from "../support/world.ts";
import { allProjections, type BridgeStage } from "./bridge-stage.ts";
import type { MatrixClient } from "./matrix-client.ts";

const run = promisify(execFile);
const ROOT = fileURLToPath(new URL("../../", import.meta.url));

/** Every projection of the room, its statistics, and its last hundred messages with reactions. Seqs are left out: a rebuild gives others. */
export async function looksOf(viewer: Person, chatId: string): Promise<object> {
  const messages = await viewer.history(chatId, "?limit=100");
  const statistics = await viewer.asks("GET", `/core/api/v1/messages/stats?conversation_id=${chatId}`);
  return {
    projections: await allProjections(viewer, chatId),
    statistics: JSON.parse(statistics.text) as Fields,
    history: messages.map(({ seq: _, ...message }) => message).sort((a, b) => (a.messageId < b.messageId ? -1 : 1)),
  };
}

/** Rebuilds the room into a new database that knows only `mapped`; resolves with the view of `viewer` at a new node. */
export async function looksRebuilt(
  stage: BridgeStage,
  {
    viewer,
    mapped,
    chatId,
    matrixRoomId,
  }: { viewer: Person; mapped: MatrixClient; chatId: string; matrixRoomId: string },
): Promise<object> {
  const url = await newDatabase(stage.cluster.postgres.url);
  const env = { ...stage.cluster.env, DATABASE_URL: url };
  const node = await startNode({ kind: "api", env });
  const world = new World(async () => serversOf({ apis: [node], gateways: [node], databaseUrl: url }));
  try {
    await world.start();
    const path = `/v1/users/${viewer.id}`;
    const answer = await (await world.service()).asks("PUT", path, { matrix_user_id: mapped.userId });
    expect(answer.status, answer.text).toBe(200);
    await rebuild(matrixRoomId, { ...stage.env, DATABASE_URL: url });
    return await looksOf(await world.person({ sub: viewer.id }), chatId);
  } finally {
    await world.stop();
    await node.stop();
  }
}

/** Runs the operator's command. */
async function rebuild(matrixRoomId: string, env: Readonly<Record<string, string>>): Promise<void> {
  await run("npm", ["run", "--silent", "rebuild", "--", "--room", matrixRoomId], {
    cwd: ROOT,
    env: { PATH: process.env.PATH, HOME: process.env.HOME, ...env },
  });
}

async function newDatabase(server: string): Promise<string> {
  const connection = new Connection(server, {});
  await connection.sql`create database rebuilt`;
  await connection.end();
  const url = new URL(server);
  url.pathname = "/rebuilt";
  return url.href;
}
