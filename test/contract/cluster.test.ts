/**
 * The contract, kept by the topology that scales: an action through the API node, or through one gateway, reaches sockets on
 * two gateways by Redis Cluster.
 */
import { startCluster } from "@signalbox/infra/cluster";
import { serversOf } from "../support/servers.ts";
import { ENV } from "../support/world.ts";
import { contract } from "./contract.ts";

contract("a cluster of nodes", async () => {
  const { apis, gateways, postgres, stop } = await startCluster({ apis: 2, gateways: 2, env: ENV });
  return serversOf({ apis, gateways, databaseUrl: postgres.url, stop });
});
