/** The contract, kept by one process with an embedded Postgres and the in-process engine. */
import { Standalone } from "../support/servers.ts";
import { ENV } from "../support/world.ts";
import { contract } from "./contract.ts";

contract("a standalone node", async () => (await Standalone.start(ENV)).servers());
