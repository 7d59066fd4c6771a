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
/** The room that everybody in these tests is a member of. */
export const ROOM = "room";

export const BEAT_MS = Math.floor(LEASE_MS / 3);
export const MINUTE_MS = 60_000;

type Method = keyof PresenceRegistry;

/** Several gateways' parts in presence over one registry, which can be away, be slow, or lose everything it knew. */
export class Gateways {
  readonly faults = new RecordingFaults();
  readonly clock = new ManualClock();
  readonly store = new MapStore();
  /** While true, the registry rejects every call, and no announcement is taken. */
  away = false;
  /** Holds answers of the registry back, as `MapStore.underway`. */
  underway: (method: Method) => Promise<void> | undefined = () => undefined;
  /** What the room was told, in order, each version of a user once: "ann online". */
  readonly told: string[] = [];
  /** Where something was announced, in order. */
  readonly announced: Channel[] = [];
  /** Rooms whose announcements are refused. */
  readonly refused = new Set<string>();
  /** What each gateway asked of the registry, in order. */
  readonly asked: Method[] = [];
  readonly #versions = new Map<string, number>();
  #known = new MemoryPresence(this.clock, DEFAULT_TIMING);

  /** The registry forgets everything. */
  lose(): void {
    this.#known = new MemoryPresence(this.clock, DEFAULT_TIMING);
  }

  /** Users who exist, and are members of the room. */
  people(...userIds: string[]): void {
    this.room(ROOM, ...userIds);
  }

  /** A room, and its members, who exist. */
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
    const doubts: boolean[] = [];
    const pubSub = { publishConfirmed: (to: Channel, what: Bytes) => this.announce(to, what) };
    const engine = { presence: this.registry(), pubSub };
    const presence = createPresence({ engine, store: this.store, clock, faults: this.faults });
    const attendance = new LocalPresence({
      registry: engine.presence,
      store: this.store,
      clock,
      faults: this.faults,
      presence,
      leaseMs: LEASE_MS,
      graceMs: GRACE_MS,
      stale: (settled) => doubts.push(settled),
    });
    await attendance.start();
    return { attendance, presence, doubts, clock };
  }

  /** How the registry has these users now, as others see them. */
  async shown(...userIds: string[]): Promise<string[]> {
    const rows = await this.#known.read(userIds);
    return userIds.map((userId) => rows.get(userId)?.shown ?? "offline");
  }

  read(userIds: readonly string[]) {
    return this.#known.read(userIds);
  }

  registry(): PresenceRegistry {
    const call = async (method: Method, args: unknown[]) => {
      this.asked.push(method);
      await Promise.resolve();
      if (this.away) throw new Problem("unavailable", "the engine is away");
      const answer = await (this.#known[method] as (...args: unknown[]) => Promise<unknown>)(...args);
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
      this.told.push(`${userId} ${shown}`);
    }
  }
}

/** Two gateways, and users who exist and share a room. */
export async function openTwo(...userIds: string[]) {
  const gateways = new Gateways();
  gateways.people(...userIds);
  const one = await gateways.open();
  const two = await gateways.open();
  return { gateways, one, two, clock: gateways.clock };
}

export const many = (count: number): string[] => Array.from({ length: count }, (_, index) => `user${index}`);

/** A clock that one process sees: while it is stopped, nothing of that process happens. */
class StoppableClock implements Clock {
  readonly #clock: Clock;
  readonly #missed: (() => void)[] = [];
  #stopped = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  now(): number {
    return this.#clock.now();
  }

  after(ms: number, then: () => void): () => void {
    let calledOff = false;
    const run = () => {
      if (calledOff) return;
      if (this.#stopped) this.#missed.push(run);
      else then();
    };
    const callOff = this.#clock.after(ms, run);
    return () => {
      calledOff = true;
      callOff();
    };
  }

  stop(): void {
    this.#stopped = true;
  }

  go(): void {
    this.#stopped = false;
    for (const run of this.#missed.splice(0)) run();
  }
}
