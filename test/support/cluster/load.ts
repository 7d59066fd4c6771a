/** Authors that send during a fault, and the check that every acknowledged send was kept. */
import { randomUUID } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import { expect } from "vitest";
import { cursorOf } from "../cursors.ts";
import type { HistoryEntry } from "../http.ts";
import type { Frame } from "../socket-client.ts";
import type { Person } from "../world.ts";
import type { ResumingClient } from "./resuming-client.ts";
import type { Stage } from "./stage.ts";

/** Sends one message until it is acknowledged; resolves with its event. */
export type Author = (chatId: string, message: string) => Promise<Frame>;

/** An author at a socket. Repeats sends that are answered `unavailable`. */
export const bySocket =
  (client: ResumingClient): Author =>
  async (chatId, message) => {
    const action = { type: "SEND_MSG", chatId, message, clientMessageId: randomUUID() };
    for (;;) {
      const answer = await client.asks(action);
      if (answer.type === "ACK") return answer.data;
      if (answer.code !== "unavailable") throw new Error(`a send was answered ${answer.code}: ${answer.detail}`);
      await pause(Math.random() * 200);
    }
  };

/** An author at the API nodes that changes to the other node when one is dead. */
export const byApi =
  (stage: Stage, person: Person, first: number): Author =>
  async (chatId, message) => {
    const action = { type: "SEND_MSG", chatId, message, clientMessageId: randomUUID() };
    for (let attempt = first; ; attempt++) {
      const answer = await stage.posts(attempt % stage.apis.length, person, action).catch(() => undefined);
      if (answer?.status === 200) return (JSON.parse(answer.text) as { data: Frame }).data;
      if (answer !== undefined && answer.status !== 503) throw new Error(`a send was answered ${answer.status}`);
      await pause(Math.random() * 200);
    }
  };

export interface Load {
  /** The number of acknowledged sends so far. */
  count(): number;
  /** Ends the load; resolves with all events when the last send is acknowledged. */
  stop(): Promise<readonly Frame[]>;
}

/** Has each author send one message after the other to the rooms in turn, with pauses of up to `longestPauseMs`. */
export function startLoad(
  stage: Stage,
  authors: readonly Author[],
  chatIds: readonly string[],
  longestPauseMs = 60,
): Load {
  const acknowledged: Frame[] = [];
  let going: boolean = true;
  // A failed test does not call `stop`.
  stage.afterwards(() => {
    going = false;
  });
  const runs = authors.map(async (author, index) => {
    for (let turn = index; going; turn++) {
      acknowledged.push(await author(chatIds[turn % chatIds.length]!, `message ${turn} of author ${index}`));
      await pause(Math.random() * longestPauseMs);
    }
  });
  const all = Promise.all(runs);
  // A failure reaches the caller of `stop`.
  all.catch(() => {});
  return {
    count: () => acknowledged.length,
    async stop() {
      going = false;
      await all;
      return acknowledged;
    },
  };
}

/** Fails unless every acknowledged event is in the store under its seq and mark, once by clientMessageId, and in the history. */
export async function expectKept(stage: Stage, reader: Person, acknowledged: readonly Frame[]): Promise<void> {
  for (const chatId of new Set(acknowledged.map((event) => event.chatId))) {
    const truth = (await stage.truth(chatId)).map(({ body }) => JSON.parse(`{${body}`) as Frame & Sent);
    expect(truth.map(({ seq }) => seq)).toEqual(truth.map((_, index) => index + 1));
    const sends = truth.filter(({ clientMessageId }) => clientMessageId !== undefined);
    expect(new Set(sends.map((sent) => `${sent.senderId} ${sent.clientMessageId}`)).size).toBe(sends.length);
    const history = (await wholeHistory(reader, chatId)).map(({ messageId }) => messageId);
    const messages = truth.filter(({ type }) => type === "SEND_MSG" || type === "REPLY");
    expect(history).toEqual(messages.map(({ messageId }) => messageId));
    const kept = new Map(truth.map((event) => [cursorOf(event), event.messageId]));
    const lost = acknowledged.filter(
      (event) => event.chatId === chatId && kept.get(cursorOf(event)) !== event.messageId,
    );
    expect(lost, "acknowledged, but not in the store").toEqual([]);
  }
}

interface Sent {
  readonly clientMessageId?: string;
}

/** All messages of a room, oldest first. */
export async function wholeHistory(reader: Person, chatId: string): Promise<readonly HistoryEntry[]> {
  const messages: HistoryEntry[] = [];
  for (let before = ""; ; before = `&before=${messages.at(-1)?.messageId}`) {
    const page = await reader.history(chatId, `?limit=100${before}`);
    messages.push(...page);
    if (page.length < 100) return messages.reverse();
  }
}
