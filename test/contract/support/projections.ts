/** The REST reads of message projections. */
import { expect } from "vitest";
import type { Fields } from "../../support/arrivals.ts";
import { dataOf } from "../../support/http.ts";
import type { Person } from "../../support/world.ts";

export const MESSAGES = "/core/api/v1/messages";

/** A message as the API prints it. */
export interface Projection extends Fields {
  readonly id: string;
  readonly matrix_event_id: string;
  readonly message_type: string;
  readonly preview: string | null;
}

export interface Page {
  readonly data: readonly Projection[];
  readonly next_cursor: string | null;
}

export async function pageOf(asker: Person, query: Readonly<Record<string, string>>): Promise<Page> {
  const answer = await asker.asks("GET", `${MESSAGES}?${new URLSearchParams(query)}`);
  expect(answer.status, answer.text).toBe(200);
  return JSON.parse(answer.text) as Page;
}

/** The newest messages of a conversation. */
export const listed = async (asker: Person, conversation_id: string, more: Readonly<Record<string, string>> = {}) =>
  (await pageOf(asker, { conversation_id, ...more })).data;

/** The previews of the newest messages, oldest first. */
export const previewsOf = async (asker: Person, chatId: string, more: Readonly<Record<string, string>> = {}) =>
  (await listed(asker, chatId, more)).map(({ preview }) => preview).reverse();

export const projectionOf = async (asker: Person, id: string): Promise<Projection> =>
  dataOf<Projection>(await asker.asks("GET", `${MESSAGES}/${encodeURIComponent(id)}`));

export const statsOf = async (asker: Person, conversation_id: string): Promise<Fields> =>
  dataOf<Fields>(await asker.asks("GET", `${MESSAGES}/stats?${new URLSearchParams({ conversation_id })}`));
