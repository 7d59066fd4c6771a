/**
 * An idle session costs Redis nothing. The test counts every command of any client or script at any primary, by MONITOR, with
 * ten idle sessions and with a thousand.
 *
 * The window begins and ends between two beats, in the widest gap between the renewals of the gateways' leases, and holds the
 * same number of beats of each gateway: a window of so many seconds would hold one beat more or less by chance, and 130
 * commands with it. Only parts of beats are left out, never commands of a kind. A gateway's probe (once a second) and each
 * connection's check of its server (twice a second) have timers of their own, so that a window holds one of them more or less:
 * they are counted by connection, with that tolerance.
 */
import { afterAll, beforeAll, expect, test } from "vitest";
import { Stage } from "../support/cluster/stage.ts";
import type { Client } from "../support/socket-client.ts";
import { passed } from "../support/until.ts";
import type { Person } from "../support/world.ts";
import { type Asked, askedDuring } from "./redis-monitor.ts";

const stage = new Stage();
beforeAll(() => stage.start());
afterAll(() => stage.stop());

const IN_ROOM = 20;
/** Beats of a gateway in the window: 30 s, when a lease of 4 s is renewed three times. */
const BEATS = 22;
/** The time of listening, which holds that many beats in any phase. */
const LISTENED_MS = 32_500;
/** Milliseconds without a command that names an id before the count begins. */
const QUIET_MS = 3000;

const UUID = /[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/g;

/** Connects users, twenty to a room; resolves with every id of theirs that a command could name. */
async function idle(count: number): Promise<readonly string[]> {
  const people = await stage.people(count);
  const groups = Array.from({ length: Math.ceil(count / IN_ROOM) }, (_, at) =>
    people.slice(at * IN_ROOM, (at + 1) * IN_ROOM),
  );
  const rooms: string[] = [];
  for (const [owner, ...others] of groups as [Person, ...Person[]][]) rooms.push(await owner.makesRoom(...others));
  const sessions = await stage.opens(people, (index) => index % 2);
  const sessionIds = sessions.map(
    ({ frames: [ready] }: Client) => (ready as unknown as { sessionId: string }).sessionId,
  );
  return [...people.map(({ id }) => id), ...rooms, ...sessionIds];
}

const primaryPorts = async (): Promise<number[]> => (await stage.cluster.redis.primaries()).map(({ port }) => port);

const names = (ids: ReadonlySet<string>, { words }: Asked): boolean =>
  words.some((word) => (word.match(UUID) ?? []).some((uuid) => ids.has(uuid)));

/** Resolves when no command has named an id for a while: all sessions are open and announced. */
async function quiet(ids: ReadonlySet<string>): Promise<void> {
  const ports = await primaryPorts();
  for (let attempt = 0; attempt < 20; attempt++) {
    const asked = await askedDuring(ports, () => passed(Date.now(), QUIET_MS));
    if (!asked.some((each) => names(ids, each))) return;
  }
  throw new Error("commands name ids again and again, though all sessions are idle");
}

const isRenewal = ({ by, words: [command, , , key] }: Asked): boolean =>
  by !== "lua" && /^evalsha$/i.test(command!) && key === "leases:{leases}";

/** The node of a renewed lease. */
const nodeOf = ({ words }: Asked): string => words[5]!;

/** The same number of whole beats of every gateway. */
function beats(asked: readonly Asked[]): readonly Asked[] {
  const renewals = asked.filter(isRenewal);
  const nodes = new Set(renewals.map(nodeOf));
  const gaps = renewals.slice(1, 1 + nodes.size).map((renewal, index) => {
    const before = renewals[index]!;
    return { width: renewal.at - before.at, middle: (renewal.at + before.at) / 2, after: index };
  });
  const first = gaps.reduce((widest, gap) => (gap.width > widest.width ? gap : widest));
  const last = renewals[first.after + nodes.size * BEATS]!;
  const next = renewals[first.after + nodes.size * BEATS + 1]!;
  const end = (last.at + next.at) / 2;
  const within = asked.filter(({ at }) => at > first.middle && at < end);
  for (const node of nodes)
    expect(within.filter((each) => isRenewal(each) && nodeOf(each) === node)).toHaveLength(BEATS);
  return within;
}

/** A command without the parts that differ within its kind. */
function kindOf({ by, words: [command, ...rest] }: Asked): string {
  const script = /^eval/i.test(command!);
  const key = (script ? rest[2] : rest[0]) ?? "";
  const kind = `${command!.toLowerCase()} ${key.replace(UUID, "*").replace(/\{p:\d+\}/, "{p:*}")}`;
  return by === "lua" ? `in a script: ${kind}` : kind;
}

const isOfBeat = (kind: string): boolean =>
  kind.includes("{p:*}") || kind.includes("{leases}") || kind.endsWith(" time");

function counted(asked: readonly Asked[], keyOf: (each: Asked) => string): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const each of asked) counts[keyOf(each)] = (counts[keyOf(each)] ?? 0) + 1;
  return counts;
}

test("a thousand idle sessions give Redis exactly the commands of a beat that ten do, and none names an id", async () => {
  const ports = await primaryPorts();
  const ids = new Set<string>();
  const runs: (readonly Asked[])[] = [];
  for (const more of [10, 990]) {
    for (const id of await idle(more)) ids.add(id);
    await quiet(ids);
    const all = await askedDuring(ports, () => passed(Date.now(), LISTENED_MS));
    expect(
      all.filter((each) => names(ids, each)).map(({ words }) => words.slice(0, 6)),
      "commands that name a user, a room or a session",
    ).toEqual([]);
    runs.push(beats(all));
  }
  const kinds = runs.map((run) => counted(run, kindOf));
  const all = [...new Set(kinds.flatMap((each) => Object.keys(each)))].sort();
  const table = all.map((kind) => `  ${kinds.map((each) => String(each[kind] ?? 0).padStart(6)).join(" ")}  ${kind}`);
  const totals = runs.map((run) => String(run.length).padStart(6)).join(" ");
  process.stdout.write(
    `commands in ${BEATS} beats of two gateways, with 10 and with 1,000 idle sessions:\n${table.join("\n")}\n  ${totals}  in all\n`,
  );
  const ofBeats = kinds.map((each) => Object.fromEntries(Object.entries(each).filter(([kind]) => isOfBeat(kind))));
  expect(ofBeats[1]).toEqual(ofBeats[0]);
  const [ten, thousand] = runs.map((run) =>
    counted(
      run.filter((each) => !isOfBeat(kindOf(each))),
      (each) => `${each.by} ${kindOf(each)}`,
    ),
  );
  expect(new Set(Object.keys(thousand!))).toEqual(new Set(Object.keys(ten!)));
  for (const [kind, count] of Object.entries(ten!))
    expect(Math.abs(thousand![kind]! - count), kind).toBeLessThanOrEqual(1);
});
