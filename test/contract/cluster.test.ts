/**
 * The contract, kept by the topology that scales: an action through the API node, or through one gateway, reaches sockets on
 * two gateways by Redis Cluster.
 */
import { startCluster } from "@signalbox/infra/cluster";
import { ENV, type Servers } from "../support/world.ts";
import { contract } from "./contract.ts";

contract("a cluster of nodes", async (): Promise<Servers> => {
  const { apis, gateways, postgres, stop } = await startCluster({ apis: 2, gateways: 2, env: ENV });
  const [api, other] = apis;
  const [near, far] = gateways;
  if (api === undefined || other === undefined || near === undefined || far === undefined)
    throw new Error("a node is missing");
  return {
    api: api.url,
    apis: [api.url, other.url],
    sockets: [near.realtime, far.realtime],
    nodes: [api.url, other.url, near.url, far.url],
    databaseUrl: postgres.url,
    stop,
  };
});
