import postgres from "postgres";
import { expect, test } from "vitest";
import type { Sql } from "./connection.ts";
import { askHistory, compareHistory, type HistoryId, presentAfter } from "./history-id.ts";

/** Started at 1,000 and first seen at 5,000. */
const PRESENT: HistoryId = {
  system: "7001",
  timeline: 3,
  inRecovery: false,
  readOnly: false,
  startedAt: 1_000,
  now: 5_000,
};
/** The same server, asked later. */
const LATER: HistoryId = { ...PRESENT, now: 9_000 };

test.each<[string, HistoryId | null, Partial<HistoryId>, string]>([
  ["the first connection", null, {}, "same"],
  ["the same server, later", PRESENT, {}, "same"],
  ["a standby", PRESENT, { inRecovery: true, readOnly: true, timeline: null }, "read_only"],
  ["a standby as the first connection", null, { inRecovery: true, readOnly: true, timeline: null }, "read_only"],
  ["a standby that tells only that", PRESENT, { inRecovery: true, readOnly: null, timeline: null }, "read_only"],
  ["a primary that takes no writes", PRESENT, { readOnly: true }, "read_only"],
  ["a read-only server of another system", PRESENT, { system: "7002", readOnly: true }, "read_only"],
  ["a promoted standby, which runs for longer", PRESENT, { timeline: 4, startedAt: 500 }, "switched"],
  ["a server promoted in place", PRESENT, { timeline: 4 }, "switched"],
  ["several promotions at once", PRESENT, { timeline: 9, startedAt: 6_000 }, "switched"],
  ["a restart", PRESENT, { startedAt: 6_000 }, "switched"],
  ["another server of the same timeline, which runs for longer", PRESENT, { startedAt: 500 }, "switched"],
  ["another system", PRESENT, { system: "7002" }, "switched"],
  ["another system of a lower timeline, running before", PRESENT, { system: "7002", timeline: 1 }, "switched"],
  ["the former primary", PRESENT, { timeline: 2, startedAt: 900 }, "stale"],
  ["a former primary that started just before", PRESENT, { timeline: 1, startedAt: 4_999 }, "stale"],
  ["a restore to a lower timeline", PRESENT, { timeline: 2, startedAt: 5_000 }, "switched"],
  ["a lower timeline of unknown start", PRESENT, { timeline: 2, startedAt: null }, "stale"],
  ["a lower timeline of unknown system", PRESENT, { system: null, timeline: 2 }, "stale"],
  ["a lower timeline beside a history of unknown age", { ...PRESENT, now: null }, { timeline: 2 }, "stale"],
  ["an unknown system", PRESENT, { system: null }, "same"],
  ["an unknown timeline", PRESENT, { timeline: null }, "same"],
  ["an unknown start", PRESENT, { startedAt: null }, "same"],
  ["an unknown mode", PRESENT, { inRecovery: null, readOnly: null }, "same"],
  ["unknown system and timeline, another start", PRESENT, { system: null, timeline: null, startedAt: 2 }, "switched"],
  ["unknown start and system, another timeline", PRESENT, { system: null, startedAt: null, timeline: 4 }, "switched"],
  ["unknown start and timeline, another system", PRESENT, { system: "2", startedAt: null, timeline: null }, "switched"],
  ["all known after nothing was", { ...PRESENT, system: null, timeline: null, startedAt: null }, {}, "same"],
])("%s", (_, present, found, comparison) => {
  expect(compareHistory(present, { ...LATER, ...found })).toBe(comparison);
});

test("a history keeps the moment when it was first seen, also over a restart; another one has its own", () => {
  expect(presentAfter(null, PRESENT)).toEqual(PRESENT);
  expect(presentAfter(PRESENT, LATER)).toEqual(PRESENT);
  expect(presentAfter(PRESENT, { ...LATER, startedAt: 6_000 })).toEqual({ ...PRESENT, startedAt: 6_000 });
  expect(presentAfter(PRESENT, { ...LATER, timeline: 4 })).toEqual({ ...LATER, timeline: 4 });
  expect(presentAfter(PRESENT, { ...LATER, system: "7002" })).toEqual({ ...LATER, system: "7002" });
});

test("a part that is refused later is remembered, and one that is told later is learnt", () => {
  const unknown = { ...LATER, system: null, timeline: null, startedAt: null, now: null };
  expect(presentAfter(PRESENT, unknown)).toEqual(PRESENT);
  expect(presentAfter(unknown, LATER)).toEqual(LATER);
});

/** A connection to a server that answers by `answer`; it throws a code to refuse. */
function server(answer: (statement: string) => object): { readonly sql: Sql; readonly asked: string[] } {
  const asked: string[] = [];
  const unsafe = (statement: string) => ({
    simple: async () => {
      asked.push(statement);
      try {
        return [answer(statement)];
      } catch (code) {
        throw Object.assign(Object.create(postgres.PostgresError.prototype) as Error, { code });
      }
    },
  });
  return { sql: { unsafe } as unknown as Sql, asked };
}

test("a server that tells all is asked once", async () => {
  const { sql, asked } = server(() => PRESENT);
  expect(await askHistory(sql)).toEqual(PRESENT);
  expect(asked).toHaveLength(1);
});

test.each(["42501", "0A000", "42883", "55000", "XX000"])(
  "a function that is refused with %s costs its part only",
  async (code) => {
    const { sql } = server((statement) => {
      if (statement.includes("pg_control_system")) throw code;
      return { part: statement.includes("pg_walfile_name") ? 3 : statement.includes("boolean") ? false : 1_000 };
    });
    expect(await askHistory(sql)).toMatchObject({ system: null, timeline: 3, readOnly: false, startedAt: 1_000 });
  },
);

test("a server that refuses all of it is asked twice, and tells nothing", async () => {
  const { sql } = server(() => {
    throw "42501";
  });
  const nothing = { system: null, timeline: null, inRecovery: null, readOnly: null, startedAt: null, now: null };
  expect(await askHistory(sql)).toEqual(nothing);
  expect(compareHistory(PRESENT, nothing)).toBe("same");
});

test("any other error is the call's", async () => {
  const { sql } = server(() => {
    throw "57P03";
  });
  await expect(askHistory(sql)).rejects.toMatchObject({ code: "57P03" });
});
