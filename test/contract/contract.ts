/** The contract suite: what CONTRACT.md promises in sections 1 to 6 and 9, held by servers of any topology. */
import { afterAll, beforeAll, describe, vi } from "vitest";
import { company } from "./company.ts";
import { doorway, patience } from "./doorway.ts";
import { frames } from "./frames.ts";
import { history } from "./history.ts";
import { leavingPatience } from "./leaving.ts";
import { messages } from "./messages.ts";
import { notifications, notificationsPatience } from "./notifications.ts";
import { operations } from "./operations.ts";
import { presence, presencePatience } from "./presence.ts";
import { presenceLook } from "./presence-look.ts";
import { privacy } from "./privacy.ts";
import { rate, ratePatience } from "./rate.ts";
import { reading } from "./reading.ts";
import { refusals } from "./refusals.ts";
import { repeats } from "./repeats.ts";
import { rest } from "./rest.ts";
import { resume, resumePatience } from "./resume.ts";
import { roomEvents } from "./room-events.ts";
import { roomParts } from "./room-parts.ts";
import { roomState } from "./room-state.ts";
import { rooms } from "./rooms.ts";
import { seeds } from "./seeds.ts";
import { strangers } from "./strangers.ts";
import { streamEndPatience, streamResume } from "./stream-resume.ts";
import { streams } from "./streams.ts";
import { tickets, ticketsPatience } from "./tickets.ts";
import { twinsPatience } from "./twins.ts";
import { typing, typingPatience } from "./typing.ts";
import { typingDoors, typingDoorsPatience } from "./typing-doors.ts";
import { unread } from "./unread.ts";
import { type Servers, World } from "./world.ts";

/** Has the servers of one topology keep the contract. */
export function contract(topology: string, start: () => Promise<Servers>): void {
  // Those with patience wait for seconds, all of them for the same ones.
  vi.setConfig({ maxConcurrency: 40 });
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
    typingDoors(world);
    presence(world);
    presenceLook(world);
    privacy(world);
    reading(world);
    notifications(world);
    unread(world);
    streams(world);
    streamResume(world);
    tickets(world);
    rooms(world);
    roomState(world);
    roomParts(world);
    refusals(world);
    rest(world);
    strangers(world);
    operations(world);
    rate(world);
    describe("with patience", () => {
      ratePatience(world);
      presencePatience(world);
      twinsPatience(world);
      leavingPatience(world);
      typingDoorsPatience(world);
      typingPatience(world);
      patience(world);
      resumePatience(world);
      ticketsPatience(world);
      streamEndPatience(world);
      notificationsPatience(world);
    });
  });
}
