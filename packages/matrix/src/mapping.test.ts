import { readdirSync, readFileSync } from "node:fs";
import { afterAll, describe, expect, test, vi } from "vitest";
import { readEvents } from "./events.ts";

// The rules themselves are core's: here a command says which it is, and of what. Other files of this worker have the true ones.
vi.resetModules();
vi.doMock("@signalbox/core/matrix/rules", () => {
  const rule =
    (name: string) =>
    (...said: unknown[]) => [name, ...said];
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
const { commandOf, namedBy } = await import("./mapping.ts");
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

/** The ids of whatever the events name, as a test can read them. */
function known(events: ReturnType<typeof readEvents>["events"]) {
  const ours = (ids: readonly string[]) => new Map(ids.map((id) => [id, `our ${id}`]));
  return { rooms: ours(events.map(({ roomId }) => roomId)), users: ours(events.flatMap(namedBy).map(({ id }) => id)) };
}

function become(items: unknown) {
  const { events, skipped } = readEvents(items);
  const commands = events.map((event) => commandOf(event, known(events), NOW));
  return { skipped, commands: JSON.parse(JSON.stringify(commands)) as unknown };
}

describe("what a homeserver pushes becomes the commands that are written beside it", () => {
  test.each(readdirSync(FOLDER))("%s", (name) => {
    const { transaction, ...becomes } = JSON.parse(readFileSync(new URL(name, FOLDER), "utf8")) as Golden;
    expect(become(transaction.events)).toEqual(becomes);
  });
});
