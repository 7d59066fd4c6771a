import type { Writer } from "@signalbox/core/commands/writer";
import { chunksOf } from "@signalbox/core/model/groups";
import { type Count, type Meter, NO_METER } from "@signalbox/core/ports/meter";
import type { Store } from "@signalbox/core/ports/store";
import { Problem } from "@signalbox/protocol/errors";
import { isObject } from "@signalbox/protocol/text";
import { type EphemeralDeps, ingestEphemeral } from "./ephemeral.ts";
import { type Ephemeral, type MatrixEvent, readEphemeral, readEvents } from "./events.ts";
import { roomIdOf, userIdOf } from "./ids.ts";
import { commandOf, type LocalIds, usersIn } from "./mapping.ts";

/**
 * Commands that the writer gets at a time. It holds a few times as many; all of a large transaction at once would be
 * refused for ever.
 */
const AT_ONCE = 1000;
/** The key of ephemeral items in old versions of Synapse. */
const OLD_EPHEMERAL = "de.sorunome.msc2409.ephemeral";

/** Ingests events and ephemeral items of Matrix. */
export interface Ingest {
  /**
   * Ingests a transaction, which may be any JSON. Resolves once all of it is committed. Rejects with `unavailable` when
   * the store is away, so that the homeserver sends it again; events that were committed before are known by their ids
   * then. An invalid item, or one that fails because of a bug, is logged and skipped.
   */
  take(body: unknown): Promise<void>;
  /** Ingests a list of events, of a room's history or of an answer, as `take`. */
  project(events: readonly unknown[]): Promise<void>;
}

export interface IngestDeps extends EphemeralDeps {
  readonly store: Pick<Store, "bridge" | "users">;
  readonly writer: Pick<Writer, "ingest">;
  /** Gets ids, kinds and counts, never the text of a user. */
  readonly log: { warn(fields: object, message: string): void };
  readonly meter?: Meter;
  /** Milliseconds since the epoch. */
  readonly now?: () => number;
}

interface CountingDeps extends IngestDeps {
  readonly countEvent: Count;
}

const NOTHING: Ephemeral = { typing: [], receipts: [], presence: [] };

export function createIngest(ingestDeps: IngestDeps): Ingest {
  const { log, meter = NO_METER } = ingestDeps;
  const countEvent = meter.counter("matrix_events_total", "Events of Matrix by outcome: taken, failed, skipped", [
    "outcome",
  ]);
  const deps = { ...ingestDeps, countEvent };
  const now = deps.now ?? Date.now;

  async function ingestAll(events: readonly MatrixEvent[], ephemeral: Ephemeral): Promise<void> {
    const ids = await resolveIds(deps.store, events, ephemeral);
    await commit(deps, events, ids, now());
    const errors = await ingestEphemeral(deps, ephemeral, ids, now());
    for (const reason of errors) log.warn({ error: nameOf(reason) }, "signals of Matrix were lost");
  }

  /** Ingests each event alone. If the store refuses the ids of one, which means a bug, the others still arrive. */
  async function oneByOne(events: readonly MatrixEvent[], ephemeral: Ephemeral): Promise<void> {
    for (const [event, signals] of [...events.map((each) => [each, NOTHING] as const), [null, ephemeral] as const]) {
      await ingestAll(event === null ? [] : [event], signals).catch((reason: unknown) => {
        if (isAway(reason)) throw reason;
        logFailure(deps, event, reason);
      });
    }
  }

  async function ingest(items: unknown, ephemeral: Ephemeral): Promise<void> {
    const { events, skipped } = readEvents(items);
    countEvent({ outcome: "skipped" }, skipped);
    if (skipped > 0) log.warn({ skipped }, "invalid events of Matrix were skipped");
    await ingestAll(events, ephemeral).catch((reason: unknown) => {
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

/** Resolves every room and user in a transaction in one call, and creates new ones. The last name of a user counts. */
async function resolveIds(
  store: IngestDeps["store"],
  events: readonly MatrixEvent[],
  { typing, receipts, presence }: Ephemeral,
): Promise<LocalIds> {
  const rooms = new Set([...events, ...typing, ...receipts].map(({ roomId }) => roomId));
  const ids = [...typing.flatMap(({ userIds }) => userIds), ...[...receipts, ...presence].map(({ userId }) => userId)];
  const names = new Map<string, string | null>(ids.map((id) => [id, null]));
  for (const { id, name } of events.flatMap(usersIn)) names.set(id, name ?? names.get(id) ?? null);
  if (rooms.size === 0 && names.size === 0) return { rooms: new Map(), users: new Map() };
  return store.bridge(
    [...rooms].map((matrixRoomId) => ({ matrixRoomId, roomId: roomIdOf(matrixRoomId) })),
    [...names].map(([matrixUserId, name]) => ({ matrixUserId, userId: userIdOf(matrixUserId), name })),
  );
}

async function commit(deps: CountingDeps, events: readonly MatrixEvent[], ids: LocalIds, now: number): Promise<void> {
  for (const chunk of chunksOf(events, AT_ONCE)) {
    // Passed on without waiting for each other: the writer commits them in groups, in this order.
    const outcomes = await Promise.allSettled(chunk.map((event) => ingestEvent(deps, event, ids, now)));
    const failures = outcomes.map((outcome) => (outcome.status === "rejected" ? outcome.reason : undefined));
    const away = failures.find(isAway);
    if (away !== undefined) throw away;
    failures.forEach((reason, index) => {
      deps.countEvent({ outcome: reason === undefined ? "taken" : "failed" });
      if (reason !== undefined) logFailure(deps, chunk[index] ?? null, reason);
    });
  }
}

function logFailure({ log }: IngestDeps, event: MatrixEvent | null, reason: unknown): void {
  const { eventId, roomId, type } = event ?? {};
  log.warn(
    { eventId, roomId, type: type?.slice(0, 100), error: nameOf(reason) },
    "an event of Matrix could not be ingested",
  );
}

/** Ingests one event. Async, so that an error of its mapping rejects this event alone. */
const ingestEvent = async ({ writer }: IngestDeps, event: MatrixEvent, ids: LocalIds, now: number): Promise<void> =>
  writer.ingest(commandOf(event, ids, now));

const isAway = (reason: unknown): boolean => reason instanceof Problem && reason.code === "unavailable";

/** The name of an error; its message may hold the text of a user. */
function nameOf(reason: unknown): string {
  if (reason instanceof Problem) return reason.code;
  return reason instanceof Error ? reason.name : typeof reason;
}
