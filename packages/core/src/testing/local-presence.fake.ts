import { Problem } from "@signalbox/protocol/errors";
import { MemoryPresence } from "../memory/presence-registry.ts";
import type { Bytes } from "../model/bytes.ts";
import type { Clock } from "../ports/clock.ts";
import { decodeRoomFrame } from "../ports/engine-frames.ts";
import { DEFAULT_TIMING, type PresenceRegistry } from "../ports/presence-registry.ts";
import type { Channel } from "../ports/pub-sub.ts";
import { LocalPresence } from "../presence/local-presence.ts";
import { createPresence } from "../presence/presence.ts";
import { ManualClock } from "./manual-clock.fake.ts";
import { MapStore } from "./map-store.fake.ts";
import { RecordingFaults } from "./recording-faults.fake.ts";

export const LEASE_MS = 4000;
export const GRACE_MS = DEFAULT_TIMING.graceMs;
/** The room of all users in these tests. */
export const ROOM = "room";

export const BEAT_MS = Math.floor(LEASE_MS / 3);
export const MINUTE_MS = 60_000;

type Method = keyof PresenceRegistry;

/** Several gateways' parts in presence over one registry, which can be away, be slow, or lose its data. */
export class Gateways {
  readonly faults = new RecordingFaults();
  readonly clock = new ManualClock();
  readonly store = new MapStore();
  /** While true, the registry and the announcements reject. */
  away = false;
  /** Delays answers of the registry, as `MapStore.underway`. */
  underway: (method: Method) => Promise<void> | undefined = () => undefined;
  /** The statuses that the room received, in order, each version of a user once: "ann online". */
  readonly received: string[] = [];
  /** The channels of all announcements, in order. */
  readonly announced: Channel[] = [];
  /** Ids of channels with announcements that reject. */
  readonly refused = new Set<string>();
  /** The calls of the registry, in order. */
  readonly calls: Method[] = [];
  readonly #versions = new Map<string, number>();
  #registry = new MemoryPresence(this.clock, DEFAULT_TIMING);

  /** The registry loses its data. */
  lose(): void {
    this.#registry = new MemoryPresence(this.clock, DEFAULT_TIMING);
  }

  /** Creates users, and makes them members of the room. */
  people(...userIds: string[]): void {
    this.room(ROOM, ...userIds);
  }

  /** Creates a room and its members. */
  room(roomId: string, ...userIds: string[]): void {
    const joinedAt = new Date(0);
    this.store.write({
      rooms: [
        {
          roomId,
          name: "Project",
          metadata: {},
          createdBy: "service",
          createdAt: joinedAt,
          lastSeq: 1,
          lastMark: 0,
          memberCount: userIds.length,
          messageCount: 0,
          deletedAt: null,
          matrixRoomId: null,
        },
      ],
      members: userIds.map((userId) => ({
        roomId,
        userId,
        role: "member" as const,
        joinedAt,
        joinedSeq: 1,
        firstSeq: 1,
        leftSeq: null,
      })),
      users: userIds.map((userId) => ({
        userId,
        name: null,
        revokedAt: null,
        choice: "online" as const,
        choiceVersion: 0,
        activeAt: null,
        matrixUserId: null,
      })),
    });
  }

  async open() {
    const clock = new StoppableClock(this.clock);
    const stale: boolean[] = [];
    const pubSub = { publishConfirmed: (to: Channel, what: Bytes) => this.announce(to, what) };
    const engine = { presence: this.registry(), pubSub };
    const presence = createPresence({ engine, store: this.store, clock, faults: this.faults });
    const localPresence = new LocalPresence({
      registry: engine.presence,
      store: this.store,
      clock,
      faults: this.faults,
      presence,
      leaseMs: LEASE_MS,
      graceMs: GRACE_MS,
      stale: (final) => stale.push(final),
    });
    await localPresence.start();
    return { localPresence, presence, stale, clock };
  }

  /** The present statuses of these users in the registry, as others see them. */
  async shown(...userIds: string[]): Promise<string[]> {
    const rows = await this.#registry.read(userIds);
    return userIds.map((userId) => rows.get(userId)?.shown ?? "offline");
  }

  read(userIds: readonly string[]) {
    return this.#registry.read(userIds);
  }

  registry(): PresenceRegistry {
    const call = async (method: Method, args: unknown[]) => {
      this.calls.push(method);
      await Promise.resolve();
      if (this.away) throw new Problem("unavailable", "the engine is away");
      const answer = await (this.#registry[method] as (...args: unknown[]) => Promise<unknown>)(...args);
      await this.underway(method);
      return answer;
    };
    return new Proxy({} as PresenceRegistry, {
      get:
        (_, method) =>
        (...args: unknown[]) =>
          call(method as Method, args),
    });
  }

  async announce(channel: Channel, payload: Bytes): Promise<void> {
    const { kind, id } = channel;
    this.announced.push(channel);
    if (this.away || this.refused.has(id)) throw new Problem("unavailable", "the engine is away");
    const frame = kind === "room" ? decodeRoomFrame(id, payload) : undefined;
    if (frame?.kind !== "presence") return;
    for (const { userId, shown, version } of frame.people) {
      if (version <= (this.#versions.get(userId) ?? 0)) continue;
      this.#versions.set(userId, version);
      this.received.push(`${userId} ${shown}`);
    }
  }
}

/** Two gateways, and users that share a room. */
export async function openTwo(...userIds: string[]) {
  const gateways = new Gateways();
  gateways.people(...userIds);
  const one = await gateways.open();
  const two = await gateways.open();
  return { gateways, one, two, clock: gateways.clock };
}

export const many = (count: number): string[] => Array.from({ length: count }, (_, index) => `user${index}`);

/** The clock of one process: while it is stopped, nothing of that process happens. */
class StoppableClock implements Clock {
  readonly #clock: Clock;
  readonly #due: (() => void)[] = [];
  #stopped = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  now(): number {
    return this.#clock.now();
  }

  after(ms: number, then: () => void): () => void {
    let canceled = false;
    const run = () => {
      if (canceled) return;
      if (this.#stopped) this.#due.push(run);
      else then();
    };
    const cancel = this.#clock.after(ms, run);
    return () => {
      canceled = true;
      cancel();
    };
  }

  stop(): void {
    this.#stopped = true;
  }

  go(): void {
    this.#stopped = false;
    for (const run of this.#due.splice(0)) run();
  }
}
