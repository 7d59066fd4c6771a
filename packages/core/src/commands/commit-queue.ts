import { Problem } from "@signalbox/protocol/errors";
import type { Needs, Rows } from "../model/rows.ts";
import type { Store } from "../ports/store.ts";
import type { Command } from "./command.ts";
import { Draft } from "./transaction.ts";

/** What one transaction takes at most: larger groups gain nothing and make everybody in them wait. */
const GROUP = 256;
/** What waits at most; more is refused, since it would only wait past every client's patience. */
const WAITING = 20_000;

type Measure = ((size: number, ms: number) => void) | undefined;

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
export class Lane {
  readonly #store: Store;
  readonly #homeserver: boolean;
  readonly #publish: (draft: Draft) => void;
  readonly #measure: Measure;
  #waiting: Waiting[] = [];
  /** How many commands of each user wait or are under way. */
  readonly #pending = new Map<string, number>();
  #running: Promise<void> | undefined;
  #closed = false;

  /** `publish`: tells what a draft holds, after its commit. */
  constructor(store: Store, homeserver: boolean, publish: (draft: Draft) => void, measure: Measure) {
    this.#store = store;
    this.#homeserver = homeserver;
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
      draft = new Draft(rows, now, this.#homeserver);
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
  matrix: [],
  writes: [],
  named: [],
  upTo: [],
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
    matrix: all("matrix"),
    writes: all("writes"),
    upTo: all("upTo"),
    annotated: all("annotated"),
  };
}
