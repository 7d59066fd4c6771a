/** Authors that send while the database changes, and what was acknowledged to them. */
import { randomUUID } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import type { Fields } from "../arrivals.ts";
import { until } from "../until.ts";
import type { Placed } from "./heard.ts";

/** The longest pauses between two sends of one author, and before a repetition. */
const BETWEEN_MS = 60;
const AGAIN_MS = 200;

export interface Sent extends Placed {
  readonly chatId: string;
}

/** One attempt to send; undefined when it is to be repeated. Rejects when the answer is a refusal. */
export type Attempt = (action: Fields) => Promise<Placed | undefined>;

export class Sends {
  readonly acknowledged: Sent[] = [];
  /** Refused sends. */
  readonly failures: string[] = [];
  readonly #open = new Set<string>();
  /** Sends without an answer yet, by room. */
  readonly #waiting = new Map<string, number>();
  readonly #authors: readonly Attempt[];
  #ended: boolean = false;

  constructor(authors: readonly Attempt[]) {
    this.#authors = authors;
  }

  /** Has every author send one message after the other, to the open rooms in turn. */
  start(): void {
    for (const [index, author] of this.#authors.entries())
      void this.#write(author, index).catch((error: unknown) => this.failures.push(String(error)));
  }

  /** Opens rooms, beside those that are open. */
  into(chatIds: readonly string[]): void {
    for (const chatId of chatIds) this.#open.add(chatId);
  }

  /** Closes all rooms but these; resolves once every send to the others is acknowledged. */
  async only(chatIds: readonly string[], ms: number): Promise<void> {
    for (const chatId of [...this.#open]) if (!chatIds.includes(chatId)) this.#open.delete(chatId);
    const others = () => [...this.#waiting].filter(([chatId, count]) => count > 0 && !chatIds.includes(chatId));
    await until(
      () => others().length === 0,
      ms,
      () => `sends without an answer: ${JSON.stringify(others())}; ${this.failures.join("; ")}`,
    );
  }

  /** Resolves when `count` more sends of each of these rooms are acknowledged; to these. */
  async more(chatIds: readonly string[], count: number, ms: number): Promise<readonly Sent[]> {
    const before = this.acknowledged.length;
    const since = () => this.acknowledged.slice(before);
    const slow = () => chatIds.filter((chatId) => since().filter((sent) => sent.chatId === chatId).length < count);
    await until(
      () => slow().length === 0,
      ms,
      () => `too few sends are acknowledged in ${slow().join()}; ${this.failures.join("; ")}`,
    );
    return since();
  }

  end(): void {
    this.#ended = true;
  }

  async #write(author: Attempt, first: number): Promise<void> {
    for (let turn = first; !this.#ended; turn++) {
      const chatId = [...this.#open][turn % Math.max(1, this.#open.size)];
      if (chatId !== undefined) await this.#send(author, chatId, `message ${turn} of author ${first}`);
      await pause(Math.random() * BETWEEN_MS);
    }
  }

  async #send(author: Attempt, chatId: string, message: string): Promise<void> {
    const action = { type: "SEND_MSG", chatId, message, clientMessageId: randomUUID() };
    this.#count(chatId, 1);
    try {
      while (!this.#ended) {
        const placed = await author(action);
        if (placed !== undefined) {
          this.acknowledged.push({ chatId, seq: placed.seq, messageId: placed.messageId });
          return;
        }
        await pause(Math.random() * AGAIN_MS);
      }
    } finally {
      this.#count(chatId, -1);
    }
  }

  #count(chatId: string, more: number): void {
    this.#waiting.set(chatId, (this.#waiting.get(chatId) ?? 0) + more);
  }
}
