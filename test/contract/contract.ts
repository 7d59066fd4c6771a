/** The contract suite: what CONTRACT.md promises in sections 1 to 4, 6 (rooms) and 9, held by servers of any topology. */
import { afterAll, beforeAll, describe } from "vitest";
import { company } from "./company.ts";
import { doorway, patience } from "./doorway.ts";
import { frames } from "./frames.ts";
import { history } from "./history.ts";
import { messages } from "./messages.ts";
import { operations } from "./operations.ts";
import { rate, ratePatience } from "./rate.ts";
import { repeats } from "./repeats.ts";
import { rest } from "./rest.ts";
import { resume, resumePatience } from "./resume.ts";
import { roomEvents } from "./room-events.ts";
import { rooms } from "./rooms.ts";
import { seeds } from "./seeds.ts";
import { strangers } from "./strangers.ts";
import { typing, typingPatience } from "./typing.ts";
import { type Servers, World } from "./world.ts";

/** Has the servers of one topology keep the contract. */
export function contract(topology: string, start: () => Promise<Servers>): void {
  const world = new World(start);
  describe(topology, () => {
    beforeAll(() => world.start());
    afterAll(() => world.stop());
    seeds(world);
    roomEvents(world);
    messages(world);
    repeats(world);
    history(world);
    doorway(world);
    frames(world);
    resume(world);
    company(world);
    typing(world);
    rooms(world);
    rest(world);
    strangers(world);
    operations(world);
    rate(world);
    describe("with patience", () => {
      // The longest first: only so many run beside each other.
      ratePatience(world);
      typingPatience(world);
      patience(world);
      resumePatience(world);
    });
  });
}
