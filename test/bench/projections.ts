/**
 * `npm run bench`: lists, searches and statistics in a room of a million messages, beside a thousand small rooms, on a PostgreSQL
 * of its own. Prints the time of each, and fails when one of them does not use an index. Takes about two minutes.
 */
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ProjectionFilter, Store } from "@signalbox/core/ports/store";
import { Connection } from "@signalbox/postgres/connection";
import { type Embedded, startEmbedded } from "@signalbox/postgres/embedded";
import { projection, projections } from "@signalbox/postgres/projections";
import { statistics } from "@signalbox/postgres/statistics";
import { createStore } from "@signalbox/postgres/store";
import { Cleanup } from "../support/cleanup.ts";
import { fill, idAt, LARGE, MESSAGES, USER } from "./room.ts";

/** The number of calls of each kind, and the time that they may take together. */
const CALLS = 300;
const CALLS_MS = 4_000;
const PAGE = 50;

type Lists = Pick<Store, "projections" | "projection" | "statistics">;
interface Case {
  readonly name: string;
  call(store: Lists): Promise<unknown>;
}

const ALL: ProjectionFilter = {
  roomId: null,
  type: null,
  hasFile: null,
  senderId: null,
  threadRoot: null,
  from: null,
  until: null,
  words: null,
  after: null,
};

const list = (name: string, filter: Partial<ProjectionFilter>, service = false): Case => ({
  name,
  call: (store) => store.projections(USER, service, { ...ALL, ...filter }, PAGE),
});
const inRoom = (name: string, filter: Partial<ProjectionFilter>): Case => list(name, { roomId: LARGE, ...filter });
const deep = idAt(MESSAGES / 2);
const day = { from: new Date(Date.UTC(2024, 6, 1)), until: new Date(Date.UTC(2024, 6, 2)) };

const CASES: readonly Case[] = [
  inRoom("the newest", {}),
  inRoom("from the middle", { after: deep }),
  inRoom("a day long ago", day),
  inRoom("type m.text", { type: "m.text" }),
  inRoom("type m.image", { type: "m.image" }),
  inRoom("with a file", { hasFile: true }),
  inRoom("without a file", { hasFile: false }),
  inRoom("of one sender", { senderId: "user-7" }),
  inRoom("of one thread", { threadRoot: "$root-500" }),
  inRoom("images of one sender", { type: "m.image", senderId: "user-7" }),
  inRoom("a word in every message", { words: "common" }),
  inRoom("a word in one of 20", { words: "frequent" }),
  inRoom("a word in one of 1,000", { words: "seldom" }),
  inRoom("a word in three messages", { words: "rare" }),
  inRoom("two words", { words: "seldom w1" }),
  inRoom("a word and not another", { words: "rare -w1" }),
  inRoom("a word, from the middle", { words: "common", after: deep }),
  inRoom("a word of no message", { words: "nonesuch" }),
  list("all rooms", {}),
  list("all rooms, from the middle", { after: deep }),
  list("all rooms, type m.image", { type: "m.image" }),
  list("all rooms, a word in every message", { words: "common" }),
  list("all rooms, a word in three", { words: "seldom w2 w3" }),
  list("all rooms, a word of no message", { words: "nonesuch" }),
  list("any room, as a service", {}, true),
  list("any room, a word, as a service", { words: "seldom" }, true),
  { name: "one by its id", call: (store) => store.projection(USER, false, deep) },
  { name: "one by an event id", call: (store) => store.projection(USER, false, "$nonesuch") },
  { name: "statistics", call: (store) => store.statistics(LARGE, USER, false) },
];

/** Progress is printed to a terminal only. */
const clear = process.stderr.isTTY ? "\r\x1b[K" : "";
const note = (line: string): void => {
  if (process.stderr.isTTY) process.stderr.write(line);
};
const say = (line: string): void => void process.stdout.write(`${line}\n`);
const cleanup = new Cleanup();

/** Milliseconds, from the shortest to the longest. */
async function measure({ call }: Case, store: Store): Promise<readonly number[]> {
  const times: number[] = [];
  const until = performance.now() + CALLS_MS;
  // The first call on each connection makes the plan.
  for (let warm = 0; warm < 3; warm++) await call(store);
  while (times.length < CALLS && performance.now() < until) {
    const began = performance.now();
    await call(store);
    times.push(performance.now() - began);
  }
  return times.sort((a, b) => a - b);
}

const quantile = (times: readonly number[], share: number): string =>
  (times[Math.min(times.length - 1, Math.floor(times.length * share))] ?? 0).toFixed(2).padStart(9);

/** Throws when one of the statements would read a table without an index. Returns their number. */
async function checkPlans(url: string): Promise<number> {
  const connection = new Connection(url);
  const { sql } = connection;
  const direct: Lists = {
    projections: (...asked) => projections(sql, ...asked),
    projection: (...asked) => projection(sql, ...asked),
    statistics: (...asked) => statistics(sql, ...asked),
  };
  for (const { call } of CASES) await call(direct);
  const statements = await sql<{ statement: string }[]>`
    select statement from pg_prepared_statements where statement ~ 'from messages' and statement !~ 'pg_'`;
  for (const { statement } of statements) {
    const lines = await sql.unsafe(`explain (generic_plan, costs off) ${statement}`);
    const plan = lines.map((line) => String(Object.values(line)[0])).join("\n");
    if (/Seq Scan on \w/.test(plan) || !/Index (Only )?Scan/.test(plan))
      throw new Error(`a statement does not go by index:\n${statement}\n${plan}`);
  }
  await connection.end();
  return statements.length;
}

async function bench(): Promise<void> {
  const began = performance.now();
  const dir = await mkdtemp(join(tmpdir(), "signalbox-bench-"));
  const server: Embedded = await startEmbedded({ dir, ephemeral: true, settings: { maintenance_work_mem: "512MB" } });
  cleanup.add(() => server.stop());
  const store = await createStore(server);
  cleanup.add(() => store.close());
  const filling = new Connection(server.url, {});
  await fill(filling.sql, (what, share) =>
    note(`\r\x1b[K${what}${share === undefined ? "" : ` ${Math.round(share * 100)} %`}`),
  );
  await filling.end();
  say(`${clear}${"milliseconds".padEnd(40)}${"p50".padStart(9)}${"p99".padStart(9)}    calls`);
  for (const each of CASES) {
    note(`\r\x1b[K${each.name}`);
    const times = await measure(each, store);
    say(
      `${clear}${each.name.padEnd(40)}${quantile(times, 0.5)}${quantile(times, 0.99)}${String(times.length).padStart(9)}`,
    );
  }
  say(`${await checkPlans(server.url)} statements, all by index; ${Math.round((performance.now() - began) / 1_000)} s`);
}

for (const signal of ["SIGINT", "SIGTERM"] as const)
  process.once(signal, () => void cleanup.run().then(() => process.exit(130)));
try {
  await bench();
} catch (error) {
  process.exitCode = 1;
  process.stderr.write(`\n${error instanceof Error ? error.message : String(error)}\n`);
} finally {
  await cleanup.run();
}
