import type { Writer } from "@signalbox/core/commands/writer";
import { type Count, type Meter, NO_METER } from "@signalbox/core/ports/meter";
import type { Store } from "@signalbox/core/ports/store";
import { Problem } from "@signalbox/protocol/errors";
import { isObject } from "@signalbox/protocol/text";
import { type HearingDeps, hear } from "./ephemeral.ts";
import { type Ephemeral, type MatrixEvent, readEphemeral, readEvents } from "./events.ts";
import { roomIdOf, userIdOf } from "./ids.ts";
import { commandOf, type Known, namedBy } from "./mapping.ts";

/** Commands that are handed to the writer at once: it takes so many, and far more of one transaction would be refused for ever. */
const AT_ONCE = 1000;
/** What old versions of Synapse call the ephemeral items. */
const OLD_EPHEMERAL = "de.sorunome.msc2409.ephemeral";

/** The way in for whatever Matrix says. */
export interface Ingest {
  /**
   * Takes a transaction, whatever JSON it is. Resolves when all of it is committed; rejects with `unavailable`, for the homeserver
   * to send it again, when the store is away: what was committed is known by its event ids then. Nothing else fails it: an item
   * that is no event, and one that a bug keeps from being taken, is logged and passed over.
   */
  take(body: unknown): Promise<void>;
  /** The same for a list of events, of a room's history or of an answer. */
  project(events: readonly unknown[]): Promise<void>;
}

export interface IngestDeps extends HearingDeps {
  readonly store: Pick<Store, "bridge" | "users">;
  readonly writer: Pick<Writer, "ingest">;
  /** Told ids, kinds and counts; never what anybody wrote. */
  readonly log: { warn(fields: object, message: string): void };
  readonly meter?: Meter;
  /** Milliseconds since the epoch. */
  readonly now?: () => number;
}

interface CountingDeps extends IngestDeps {
  readonly counted: Count;
}

const NOTHING: Ephemeral = { typing: [], receipts: [], presence: [] };

export function createIngest(given: IngestDeps): Ingest {
  const { log, meter = NO_METER } = given;
  const counted = meter.counter("matrix_events_total", "Events of Matrix by outcome: taken, failed, skipped", [
    "outcome",
  ]);
  const deps = { ...given, counted };
  const now = deps.now ?? Date.now;

  async function whole(events: readonly MatrixEvent[], ephemeral: Ephemeral): Promise<void> {
    const known = await makeKnown(deps.store, events, ephemeral);
    await commit(deps, events, known, now());
    const lost = await hear(deps, ephemeral, known, now());
    for (const reason of lost) log.warn({ error: nameOf(reason) }, "signals of Matrix were lost");
  }

  /** One event whose ids the store refuses, which a bug would have to be, must not keep the others out. */
  async function oneByOne(events: readonly MatrixEvent[], ephemeral: Ephemeral): Promise<void> {
    for (const [event, signals] of [...events.map((each) => [each, NOTHING] as const), [null, ephemeral] as const]) {
      await whole(event === null ? [] : [event], signals).catch((reason: unknown) => {
        if (isAway(reason)) throw reason;
        logFailure(deps, event, reason);
      });
    }
  }

  async function ingest(items: unknown, ephemeral: Ephemeral): Promise<void> {
    const { events, skipped } = readEvents(items);
    for (let count = 0; count < skipped; count++) counted({ outcome: "skipped" });
    if (skipped > 0) log.warn({ skipped }, "items that Matrix sent were no events");
    await whole(events, ephemeral).catch((reason: unknown) => {
      if (isAway(reason)) throw reason;
      return oneByOne(events, ephemeral);
    });
  }

  return {
    take(body) {
      const { events, ephemeral, [OLD_EPHEMERAL]: old } = isObject(body) ? body : {};
      return ingest(events, readEphemeral(Array.isArray(ephemeral) ? ephemeral : old));
    },
    project: (events) => ingest(events, NOTHING),
  };
}

/** Makes every room and user that a transaction names known, in one call. A name that somebody is given later stands. */
async function makeKnown(
  store: IngestDeps["store"],
  events: readonly MatrixEvent[],
  { typing, receipts, presence }: Ephemeral,
): Promise<Known> {
  const rooms = new Set([...events, ...typing, ...receipts].map(({ roomId }) => roomId));
  const ids = [...typing.flatMap(({ userIds }) => userIds), ...[...receipts, ...presence].map(({ userId }) => userId)];
  const names = new Map<string, string | null>(ids.map((id) => [id, null]));
  for (const { id, name } of events.flatMap(namedBy)) names.set(id, name ?? names.get(id) ?? null);
  if (rooms.size === 0 && names.size === 0) return { rooms: new Map(), users: new Map() };
  return store.bridge(
    [...rooms].map((matrixRoomId) => ({ matrixRoomId, roomId: roomIdOf(matrixRoomId) })),
    [...names].map(([matrixUserId, name]) => ({ matrixUserId, userId: userIdOf(matrixUserId), name })),
  );
}

async function commit(deps: CountingDeps, events: readonly MatrixEvent[], known: Known, now: number): Promise<void> {
  for (let at = 0; at < events.length; at += AT_ONCE) {
    const some = events.slice(at, at + AT_ONCE);
    // Handed in without waiting for one another: the writer commits them in groups, in this order.
    const outcomes = await Promise.allSettled(some.map((event) => handIn(deps, event, known, now)));
    const failures = outcomes.map((outcome) => (outcome.status === "rejected" ? outcome.reason : undefined));
    const away = failures.find(isAway);
    if (away !== undefined) throw away;
    failures.forEach((reason, index) => {
      deps.counted({ outcome: reason === undefined ? "taken" : "failed" });
      if (reason !== undefined) logFailure(deps, some[index] ?? null, reason);
    });
  }
}

function logFailure({ log }: IngestDeps, event: MatrixEvent | null, reason: unknown): void {
  const { eventId, roomId, type } = event ?? {};
  log.warn(
    { eventId, roomId, type: type?.slice(0, 100), error: nameOf(reason) },
    "an event of Matrix could not be taken",
  );
}

/** What an event that cannot even be mapped throws concerns this event alone. */
const handIn = async ({ writer }: IngestDeps, event: MatrixEvent, known: Known, now: number): Promise<void> =>
  writer.ingest(commandOf(event, known, now));

const isAway = (reason: unknown): boolean => reason instanceof Problem && reason.code === "unavailable";

/** What an error is called: what it says may hold what somebody wrote. */
function nameOf(reason: unknown): string {
  if (reason instanceof Problem) return reason.code;
  return reason instanceof Error ? reason.name : typeof reason;
}
