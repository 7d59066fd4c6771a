/** What a room looks like from here, and what it looks like after a rebuild from Matrix into a database that had nothing. */
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { startNode } from "@signalbox/infra/node";
import { Connection } from "@signalbox/postgres/connection";
import { expect } from "vitest";
import type { Fields } from "../support/arrivals.ts";
import { type Person, World } from "../support/world.ts";
import { allProjections, type BridgeStage } from "./bridge-stage.ts";
import type { MatrixClient } from "./matrix-client.ts";

const run = promisify(execFile);
const ROOT = fileURLToPath(new URL("../../", import.meta.url));

/** Every projection of the room, and its last hundred messages with their reactions; without their seqs, and so by their ids: a rebuild gives other seqs. */
export async function looksOf(viewer: Person, chatId: string): Promise<object> {
  const messages = await viewer.history(chatId, "?limit=100");
  const statistics = await viewer.asks("GET", `/core/api/v1/messages/stats?conversation_id=${chatId}`);
  return {
    projections: await allProjections(viewer, chatId),
    statistics: JSON.parse(statistics.text) as Fields,
    history: messages.map(({ seq: _, ...message }) => message).sort((a, b) => (a.messageId < b.messageId ? -1 : 1)),
  };
}

/** Rebuilds the room into a new database, in which only `mapped` is known, and looks at it as `viewer` through a node of its own. */
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
  const apis = [node.url, node.url] as const;
  const servers = {
    api: node.url,
    apis,
    sockets: ["", ""],
    nodes: [],
    databaseUrl: url,
    stop: async () => {},
  } as const;
  const world = new World(async () => servers);
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

/** As an operator does it. */
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
