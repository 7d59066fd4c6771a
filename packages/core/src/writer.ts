import { Problem } from "@signalbox/protocol/errors";
import type { CreateRoom, PatchRoom, Role } from "@signalbox/protocol/http";
import type { Action } from "@signalbox/protocol/up";
import type { Command } from "./command.ts";
import { type Actor, Draft } from "./draft.ts";
import { encodeRevokedFrame } from "./frames.ts";
import { mark } from "./markers.ts";
import { edit, react, remove, send, unreact } from "./messages.ts";
import { type Part, putPart } from "./parts.ts";
import type { Bytes, Engine, MemberRow, Needs, PartRow, RoomRow, Rows, Store } from "./ports.ts";
import { read } from "./receipts.ts";
import { create, destroy, patch, putMember, removeMember } from "./rooms.ts";
import { tell } from "./tell.ts";
import { type } from "./typing.ts";

/** What one transaction takes at most: larger groups gain nothing and make everybody in them wait. */
const GROUP = 256;
/** What waits at most; more is refused, since it would only wait past every client's patience. */
const WAITING = 20_000;

/**
 * The one way into the store for whatever changes a room. Every promise resolves after the commit, and rejects with the
 * `Problem` that CONTRACT section 3 or 6 names; `unavailable` may still have been committed.
 */
export interface Writer {
  /**
   * Resolves with the event as its author receives it: complete JSON. `known`: the caller knows that the actor is in the
   * room, so that typing there needs no store.
   */
  act(actor: Actor, action: Action, known?: boolean): Promise<Bytes>;
  createRoom(actor: Actor, body: CreateRoom): Promise<RoomRow>;
  patchRoom(actor: Actor, roomId: string, body: PatchRoom): Promise<RoomRow>;
  deleteRoom(actor: Actor, roomId: string): Promise<void>;
  putMember(actor: Actor, roomId: string, userId: string, role: Role | undefined): Promise<MemberRow>;
  removeMember(actor: Actor, roomId: string, userId: string): Promise<void>;
  /** Moves the actor's own marker, which only their own sessions are told of. */
  mark(actor: Actor, roomId: string, messageId: string): Promise<void>;
  /** Writes a part of the room's state as an owner or a `service`; null deletes it. What is already there is left alone. */
  putPart(actor: Actor, roomId: string, part: Part, body: PartRow["body"]): Promise<void>;
  /** Ends every token of the user issued until now. */
  revoke(userId: string): Promise<void>;
  /** Resolves when everything that was handed in is committed or refused; takes nothing more. */
  close(): Promise<void>;
}

export interface WriterDeps {
  readonly store: Store;
  readonly engine: Engine;
  readonly typingTtlMs: number;
  /** Told of each group's size and how long its transaction took. */
  readonly measure?: (size: number, ms: number) => void;
}

export function createWriter({ store, engine, typingTtlMs, measure }: WriterDeps): Writer {
  const lane = new Lane(store, (draft) => tell(draft, engine, typingTtlMs), measure);

  return {
    act(actor, action, known = false) {
      const { userId } = actor;
      switch (action.type) {
        case "SEND_MSG":
        case "REPLY":
          return lane.run(userId, send(actor, action));
        case "EDIT_MSG":
          return lane.run(userId, edit(actor, action));
        case "DELETE_MSG":
          return lane.run(userId, remove(actor, action));
        case "REACT":
          return lane.run(userId, react(actor, action));
        case "DELETE_REACT":
          return lane.run(userId, unreact(actor, action));
        case "READ_MSG":
          return lane.run(userId, read(actor, action));
        case "TYPING":
        case "STOP_TYPING":
          return lane.run(userId, type(actor, action, known));
      }
    },
    createRoom: (actor, body) => lane.run(actor.userId, create(actor, body)),
    patchRoom: (actor, roomId, body) => lane.run(actor.userId, patch(actor, roomId, body)),
    deleteRoom: (actor, roomId) => lane.run(actor.userId, destroy(actor, roomId)),
    putMember: (actor, roomId, userId, role) => lane.run(actor.userId, putMember(actor, roomId, userId, role)),
    removeMember: (actor, roomId, userId) => lane.run(actor.userId, removeMember(actor, roomId, userId)),
    mark: (actor, roomId, messageId) => lane.run(actor.userId, mark(actor, roomId, messageId)),
    putPart: (actor, roomId, part, body) => lane.run(actor.userId, putPart(actor, roomId, part, body)),
    async revoke(userId) {
      const at = await store.revoke(userId);
      engine.publish({ kind: "user", id: userId }, encodeRevokedFrame(at));
    },
    close: () => lane.close(),
  };
}

interface Waiting {
  readonly command: Command<unknown>;
  resolve(result: unknown): void;
  reject(error: unknown): void;
}

type Outcome = { readonly result: unknown } | { readonly problem: unknown };

/**
 * Commits in groups: what arrives while one transaction runs makes up the next. One group is under way at a time, so
 * commands commit in the order in which they were handed in. DESIGN 3.1 (27 k/s in groups of 20, 2.8 k/s one by one).
 */
class Lane {
  readonly #store: Store;
  readonly #publish: (draft: Draft) => void;
  readonly #measure: WriterDeps["measure"];
  #waiting: Waiting[] = [];
  /** How many commands of each user wait or are under way. */
  readonly #pending = new Map<string, number>();
  #running: Promise<void> | undefined;
  #closed = false;

  /** `publish`: tells what a draft holds, after its commit. */
  constructor(store: Store, publish: (draft: Draft) => void, measure: WriterDeps["measure"]) {
    this.#store = store;
    this.#publish = publish;
    this.#measure = measure;
  }

  /** `userId`: whose command it is. */
  async run<Result>(userId: string, command: Command<Result>): Promise<Result> {
    if (this.#closed) throw new Problem("unavailable", "this node is stopping");
    const before = this.#pending.get(userId) ?? 0;
    // A signal follows its sender's own changes, but does not wait for a store that may hang when there are none.
    if (before === 0 && !needsStore(command)) return this.#tell(command);
    if (this.#waiting.length >= WAITING) throw new Problem("unavailable", "too many changes wait");
    this.#pending.set(userId, before + 1);
    try {
      return await this.#queue(command);
    } finally {
      const left = (this.#pending.get(userId) ?? 1) - 1;
      if (left === 0) this.#pending.delete(userId);
      else this.#pending.set(userId, left);
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#running;
  }

  #queue<Result>(command: Command<Result>): Promise<Result> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ command, resolve: resolve as (result: unknown) => void, reject });
      this.#running ??= this.#drain();
    });
  }

  #tell<Result>(command: Command<Result>): Result {
    const draft = new Draft(NOTHING, new Date(0));
    const result = command.apply(draft);
    this.#publish(draft);
    return result;
  }

  async #drain(): Promise<void> {
    // What else arrives in this tick belongs to the first group.
    await Promise.resolve();
    while (this.#waiting.length > 0) {
      const group = this.#waiting.slice(0, GROUP);
      this.#waiting = this.#waiting.slice(GROUP);
      await this.#commit(group);
    }
    this.#running = undefined;
  }

  async #commit(group: readonly Waiting[]): Promise<void> {
    const began = performance.now();
    let outcomes: Outcome[] = [];
    let draft = new Draft(NOTHING, new Date(0));
    const decideAll = (rows: Rows, now: Date): Rows => {
      draft = new Draft(rows, now);
      outcomes = group.map(({ command }) => decide(command, draft));
      return draft.changes();
    };
    try {
      if (group.some(({ command }) => needsStore(command))) await this.#store.commit(needsOf(group), decideAll);
      else decideAll(NOTHING, draft.now);
    } catch (error) {
      return this.#failed(group, error);
    }
    this.#measure?.(group.length, performance.now() - began);
    this.#publish(draft);
    group.forEach((waiting, index) => {
      const outcome = outcomes[index];
      if (outcome !== undefined && "result" in outcome) waiting.resolve(outcome.result);
      else waiting.reject(outcome?.problem);
    });
  }

  /** One command that the store cannot take must not take its neighbours along: they are tried again one by one. */
  async #failed(group: readonly Waiting[], error: unknown): Promise<void> {
    const unavailable = error instanceof Problem && error.code === "unavailable";
    for (const waiting of group) {
      const hopeless = group.length === 1 || (unavailable && needsStore(waiting.command));
      if (hopeless) waiting.reject(error);
      else await this.#commit([waiting]);
    }
  }
}

const NOTHING: Rows = {
  rooms: [],
  members: [],
  messages: [],
  reactions: [],
  receipts: [],
  users: [],
  events: [],
  markers: [],
  parts: [],
  named: [],
};

/** Live signals go on while the store is away: they ask it nothing. */
const needsStore = ({ needs }: Command<unknown>): boolean => Object.keys(needs).length > 0;

function decide(command: Command<unknown>, draft: Draft): Outcome {
  try {
    return { result: command.apply(draft) };
  } catch (problem) {
    // Rules throw before they put anything: the others' changes stand.
    if (problem instanceof Problem) return { problem };
    throw problem;
  }
}

function needsOf(group: readonly Waiting[]): Needs {
  const all = <K extends keyof Needs>(key: K): Needs[K] =>
    group.flatMap(({ command }) => (command.needs[key] as readonly unknown[] | undefined) ?? []) as unknown as Needs[K];
  return {
    rooms: [...new Set(all("rooms"))],
    members: all("members"),
    messages: all("messages"),
    repeats: all("repeats"),
    standing: all("standing"),
    reactions: all("reactions"),
    receipts: all("receipts"),
    users: [...new Set(all("users"))],
    parts: all("parts"),
    names: all("names"),
  };
}
