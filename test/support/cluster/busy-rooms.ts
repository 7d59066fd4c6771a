/** Rooms under load: what most faults are let loose on. */
import type { Frame } from "../socket-client.ts";
import { until } from "../until.ts";
import type { Person } from "../world.ts";
import { byApi, bySocket, expectKept, type Load, startLoad } from "./load.ts";
import type { ResumingClient } from "./resuming-client.ts";
import type { Stage } from "./stage.ts";

const ROOMS = 3;
/** Sends that show that a load goes on. */
const MORE = 100;

export interface Scene {
  readonly chatIds: readonly string[];
  /** Owner and member of every room. */
  readonly owner: Person;
  /** At both gateways in turn; the first two only read. */
  readonly sessions: readonly ResumingClient[];
  readonly load: Load & {
    /** Resolves when a hundred more sends are acknowledged. */
    goesOn(ms: number): Promise<void>;
  };
  /** Fails unless what was acknowledged is kept, see `expectKept`. */
  keeps(acknowledged: readonly Frame[]): Promise<void>;
}

/** Three rooms of eight people at sockets and two at the API nodes, all but two of whom write. Resolves when they do. */
export async function busyRooms(stage: Stage): Promise<Scene> {
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
  await goesOn(20_000);
  return {
    chatIds,
    owner,
    sessions,
    load: { ...load, goesOn },
    keeps: (acknowledged) => expectKept(stage, owner, acknowledged),
  };
}
