/** The contract, kept by one process: both doors are the same, Postgres is embedded, and the engine is in the process. */
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startNode } from "@signalbox/infra/node";
import { ENV, type Servers } from "../support/world.ts";
import { contract } from "./contract.ts";

contract("a standalone node", async (): Promise<Servers> => {
  const folder = await mkdtemp(join(tmpdir(), "signalbox-contract-"));
  const node = await startNode({ kind: "standalone", env: { ...ENV, DATA_DIR: folder } });
  return {
    api: node.url,
    apis: [node.url, node.url],
    sockets: [node.realtime, node.realtime],
    nodes: [node.url],
    databaseUrl: await databaseIn(folder),
    async stop() {
      await node.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
});

/** The embedded Postgres of a node that keeps its data in `folder`. */
async function databaseIn(folder: string): Promise<string> {
  const password = await readFile(join(folder, "postgres.password"), "utf8");
  // The fourth line of the server's own file is its port.
  const port = (await readFile(join(folder, "postgres", "postmaster.pid"), "utf8")).split("\n")[3];
  return `postgres://signalbox:${password}@127.0.0.1:${port}/postgres`;
}
