/** Rooms under load, for tests of faults. */
import { expect } from "vitest";
import { until } from "../until.ts";
import type { Person } from "../world.ts";
import { byApi, bySocket, expectKept, type Load, startLoad } from "./load.ts";
import type { ResumingClient } from "./resuming-client.ts";
import type { Stage } from "./stage.ts";

const ROOMS = 3;
/** Sends that show that a load continues. */
const MORE = 100;
/** Milliseconds until everything must be delivered once a fault is over. */
const RECOVERY_MS = 2000;

export interface BusyRooms {
  readonly chatIds: readonly string[];
  /** Owner and member of every room. */
  readonly owner: Person;
  /** At both gateways in turn; the first two only read. */
  readonly sessions: readonly ResumingClient[];
  readonly load: Load & {
    /** Resolves when a hundred more sends are acknowledged. */
    goesOn(ms: number): Promise<void>;
  };
  /** Ends the load. Fails unless every acknowledged send is kept, and delivered to every session within `ms`. */
  ends(ms?: number): Promise<void>;
  /** As `ends` with 2 s, and fails if a session was disconnected meanwhile. */
  endsWhole(): Promise<void>;
}

/** Three rooms of eight members at sockets and two at the API nodes; all but two of them send. Resolves when they do. */
export async function busyRooms(stage: Stage): Promise<BusyRooms> {
  const people = await stage.people(10);
  const [owner, ...others] = people as [Person, ...Person[]];
  const chatIds = await Promise.all(Array.from({ length: ROOMS }, () => owner.makesRoom(...others)));
  const sessions = await Promise.all(people.slice(0, 8).map((person, index) => stage.connects(person, index % 2)));
  const posting = people.slice(8).map((person, index) => byApi(stage, person, index));
  const load = startLoad(stage, [...sessions.slice(2).map(bySocket), ...posting], chatIds);
  const goesOn = (ms: number) => {
    const enough = load.count() + MORE;
    return until(
      () => load.count() >= enough,
      ms,
      () => stage.report(sessions, [`the load stands at ${load.count()} sends`]),
    );
  };
  const ends = async (ms?: number) => {
    const acknowledged = await load.stop();
    await stage.complete(sessions, chatIds, ms);
    await expectKept(stage, owner, acknowledged);
  };
  const endsWhole = async () => {
    await ends(RECOVERY_MS);
    for (const { closings } of sessions) expect(closings).toEqual([]);
  };
  await goesOn(20_000);
  return { chatIds, owner, sessions, load: { ...load, goesOn }, ends, endsWhole };
}
