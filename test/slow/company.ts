/** Users of one room and two onlookers, one at either gateway, for tests of presence under faults. */
import type { ResumingClient } from "../support/cluster/resuming-client.ts";
import type { Stage } from "../support/cluster/stage.ts";
import { statusesOf } from "../support/queries.ts";
import { until } from "../support/until.ts";
import type { Person } from "../support/world.ts";

export interface Company {
  readonly people: readonly Person[];
  readonly chatId: string;
  readonly onlookers: readonly Onlooker[];
}

export interface Onlooker {
  readonly person: Person;
  readonly session: ResumingClient;
}

/** A room of `count` users, not connected yet, and of two onlookers at gateways 0 and 1. */
export async function companyOf(stage: Stage, count: number): Promise<Company> {
  const people = await stage.people(count + 2);
  const lookers = people.splice(count);
  const chatId = await lookers[0]!.makesRoom(lookers[1]!, ...people);
  const onlookers = lookers.map(async (person, door) => ({
    person,
    session: await stage.connects(person, door, "an onlooker"),
  }));
  return { people, chatId, onlookers: await Promise.all(onlookers) };
}

/** The statuses of a user that an onlooker was told, in order; repeats after a reconnect count once. */
export const toldOf = ({ session }: Onlooker, person: Person): readonly string[] =>
  session.statuses(person).filter((status, index, all) => status !== all[index - 1]);

/** Resolves when this is the last status that every onlooker was told of each of these users. */
export const areTold = (
  stage: Stage,
  onlookers: readonly Onlooker[],
  people: readonly Person[],
  status: string,
  ms: number,
): Promise<void> => {
  const behind = () =>
    onlookers.flatMap((onlooker) =>
      people.filter((person) => toldOf(onlooker, person).at(-1) !== status).map((person) => ({ onlooker, person })),
    );
  return until(
    () => behind().length === 0,
    ms,
    () => {
      const lines = behind().map(
        ({ onlooker, person }) =>
          `${onlooker.session.name} was told of ${person.id}: ${toldOf(onlooker, person).join() || "nothing"}, not ${status}`,
      );
      return stage.report(
        onlookers.map(({ session }) => session),
        lines,
      );
    },
  );
};

/** Resolves when every API node answers with these statuses. Failed requests are repeated until then. */
export const reads = async (
  asker: Person,
  expected: readonly (readonly [Person, string])[],
  ms: number,
): Promise<void> => {
  const people = expected.map(([person]) => person);
  const look = () => statusesOf(asker, ...people).catch(() => ["unavailable"]);
  let seen: readonly (readonly string[])[] = [];
  await until(
    async () => {
      // Once per API node: requests go to them in turn.
      seen = [await look(), await look()];
      return seen.every((statuses) => expected.every(([, status], index) => statuses[index] === status));
    },
    ms,
    () =>
      expected
        .map(
          ([{ id }, status], index) =>
            `${id} reads ${seen.map((statuses) => statuses[index]).join(" and ")}, is ${status}`,
        )
        .filter((_, index) => seen.some((statuses) => statuses[index] !== expected[index]![1]))
        .slice(0, 10)
        .join("\n"),
  );
};
