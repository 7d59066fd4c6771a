/** The contract suite: what CONTRACT.md promises in sections 1 to 4, 6 (rooms) and 9, held by servers of any topology. */
import { afterAll, beforeAll, describe } from "vitest";
import { messages } from "./messages.ts";
import { seeds } from "./seeds.ts";
import { type Servers, World } from "./world.ts";

/** Has the servers of one topology keep the contract. */
export function contract(topology: string, start: () => Promise<Servers>): void {
  const world = new World(start);
  describe(topology, () => {
    beforeAll(() => world.start());
    afterAll(() => world.stop());
    seeds(world);
    messages(world);
  });
}
