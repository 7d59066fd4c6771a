import { Problem } from "@signalbox/protocol/errors";
import type { OutboxRow } from "../model/outbox.ts";
import { NO_ROWS, type ReadSet, type Rows } from "../model/rows.ts";
import type { Store } from "../ports/store.ts";
import type { Command } from "./command.ts";
import { outboxOf } from "./outbox.ts";
import { Transaction } from "./transaction.ts";

/** The most commands of one transaction: larger groups gain nothing, and delay every command in them. */
const GROUP = 256;
/** The most commands that wait. More are refused: they would wait past every client's patience. */
const WAITING = 20_000;

type Measure = ((size: number, ms: number) => void) | undefined;

interface Waiting {
  readonly command: Command<unknown>;
  resolve(result: unknown): void;
  reject(error: unknown): void;
}

/** Takes a transaction after its commit, with the row of the outbox that it wrote. */
type Publish = (tx: Transaction, outbox: OutboxRow | null) => void;

type Outcome = { readonly result: unknown } | { readonly problem: unknown };

/**
 * Commits commands in groups: those that arrive during one transaction make up the next. One group is under way at a time,
 * so commands commit in the order of their arrival. DESIGN 3.1 (27 k/s in groups of 20, 2.8 k/s one by one).
 */
export class CommitQueue {
  readonly #store: Store;
  readonly #homeserver: boolean;
  readonly #publish: Publish;
  readonly #measure: Measure;
  #waiting: Waiting[] = [];
  /** The number of commands of each user that wait or are under way. */
  readonly #pending = new Map<string, number>();
  #running: Promise<void> | undefined;
  #closed = false;

  /** `measure` takes the size of each group and the duration of its commit. */
  constructor(store: Store, homeserver: boolean, publish: Publish, measure: Measure) {
    this.#store = store;
    this.#homeserver = homeserver;
    this.#publish = publish;
    this.#measure = measure;
  }

  /**
   * Runs a command of `userId`. Resolves after its commit; rejects with a `Problem`, `unavailable` when the queue is full
   * or closed.
   */
  async run<Result>(userId: string, command: Command<Result>): Promise<Result> {
    if (this.#closed) throw new Problem("unavailable", "this node is stopping");
    const before = this.#pending.get(userId) ?? 0;
    // A signal follows its sender's own changes. Without any, it does not wait for a store that may hang.
    if (before === 0 && !needsStore(command)) return this.#applyNow(command);
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

  /** Refuses further commands. Resolves when the waiting ones are committed or refused. */
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

  #applyNow<Result>(command: Command<Result>): Result {
    const tx = new Transaction(NO_ROWS, new Date(0));
    const result = command.apply(tx);
    this.#publish(tx, null);
    return result;
  }

  async #drain(): Promise<void> {
    // Commands of the same tick belong to the first group.
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
    let tx = new Transaction(NO_ROWS, new Date(0));
    let outbox: OutboxRow | null = null;
    const decideAll = (rows: Rows, now: Date): Rows => {
      tx = new Transaction(rows, now, this.#homeserver);
      outcomes = group.map(({ command }) => decide(command, tx));
      const changes = tx.changes();
      outbox = outboxOf(changes);
      return { ...changes, outbox: outbox === null ? [] : [outbox] };
    };
    try {
      if (group.some(({ command }) => needsStore(command))) await this.#store.commit(readSetOf(group), decideAll);
      else decideAll(NO_ROWS, tx.now);
    } catch (error) {
      return this.#retryEach(group, error);
    }
    this.#measure?.(group.length, performance.now() - began);
    this.#publish(tx, outbox);
    group.forEach((waiting, index) => {
      const outcome = outcomes[index];
      if (outcome !== undefined && "result" in outcome) waiting.resolve(outcome.result);
      else waiting.reject(outcome?.problem);
    });
  }

  /** Commits a failed group one by one: a command that the store cannot take must not fail its neighbours. */
  async #retryEach(group: readonly Waiting[], error: unknown): Promise<void> {
    const unavailable = error instanceof Problem && error.code === "unavailable";
    for (const waiting of group) {
      const isFinal = group.length === 1 || (unavailable && needsStore(waiting.command));
      if (isFinal) waiting.reject(error);
      else await this.#commit([waiting]);
    }
  }
}

/** False for signals: they read nothing, and go on while the store is away. */
const needsStore = ({ reads }: Command<unknown>): boolean => Object.keys(reads).length > 0;

function decide(command: Command<unknown>, tx: Transaction): Outcome {
  try {
    return { result: command.apply(tx) };
  } catch (problem) {
    // Rules throw before they put anything: the changes of the others stay.
    if (problem instanceof Problem) return { problem };
    throw problem;
  }
}

function readSetOf(group: readonly Waiting[]): ReadSet {
  const all = <K extends keyof ReadSet>(key: K): ReadSet[K] =>
    group.flatMap(
      ({ command }) => (command.reads[key] as readonly unknown[] | undefined) ?? [],
    ) as unknown as ReadSet[K];
  return {
    rooms: [...new Set(all("rooms"))],
    members: all("members"),
    messages: all("messages"),
    repeats: all("repeats"),
    activeReactions: all("activeReactions"),
    reactions: all("reactions"),
    receipts: all("receipts"),
    users: [...new Set(all("users"))],
    sections: all("sections"),
    names: all("names"),
    matrix: all("matrix"),
    writes: all("writes"),
    lastMessagesAtEvents: all("lastMessagesAtEvents"),
    annotated: all("annotated"),
  };
}
