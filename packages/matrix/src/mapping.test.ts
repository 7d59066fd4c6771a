import { readdirSync, readFileSync } from "node:fs";
import { afterAll, describe, expect, test, vi } from "vitest";
import { readEvents } from "./events.ts";

// Core's rules are replaced by ones that return their name and arguments. Other files of this worker have the real ones.
vi.resetModules();
vi.doMock("@signalbox/core/matrix/rules", () => {
  const rule =
    (name: string) =>
    (...args: unknown[]) => [name, ...args];
  return Object.fromEntries(
    [
      "ingestReaction",
      "ingestMessage",
      "ingestMembership",
      "ingestOther",
      "ingestRedaction",
      "ingestRoomName",
      "ingestEdit",
    ].map((name) => [name, rule(name)]),
  );
});
const { commandOf, usersIn } = await import("./mapping.ts");
afterAll(() => {
  vi.doUnmock("@signalbox/core/matrix/rules");
  vi.resetModules();
});

interface Golden {
  readonly transaction: { readonly events: readonly unknown[] };
  readonly skipped: number;
  readonly commands: readonly unknown[];
}

const FOLDER = new URL("../golden/", import.meta.url);
const NOW = Date.UTC(2026, 0, 1);

/** Readable local ids for all ids in the events. */
function idsFor(events: ReturnType<typeof readEvents>["events"]) {
  const mapped = (ids: readonly string[]) => new Map(ids.map((id) => [id, `our ${id}`]));
  const users = events.flatMap(usersIn).map(({ id }) => id);
  return { rooms: mapped(events.map(({ roomId }) => roomId)), users: mapped(users) };
}

function commandsOf(items: unknown) {
  const { events, skipped } = readEvents(items);
  const commands = events.map((event) => commandOf(event, idsFor(events), NOW));
  return { skipped, commands: JSON.parse(JSON.stringify(commands)) as unknown };
}

describe("pushed events become the commands beside them", () => {
  test.each(readdirSync(FOLDER))("%s", (name) => {
    const { transaction, ...expected } = JSON.parse(readFileSync(new URL(name, FOLDER), "utf8")) as Golden;
    expect(commandsOf(transaction.events)).toEqual(expected);
  });
});
