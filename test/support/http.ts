/** A REST client, and the checks of its answers. */
import { expect } from "vitest";
import type { Fields } from "./arrivals.ts";
import type { Frame } from "./socket-client.ts";

/** A message as history prints it. */
export interface HistoryEntry {
  readonly messageId: string;
  readonly content: string;
  readonly seq: number;
  readonly deleted: boolean;
  readonly reactions: readonly Fields[];
  readonly [field: string]: unknown;
}

/** A room as REST prints it. */
export interface Room {
  readonly id: string;
  readonly name: string;
  readonly seq: number;
  readonly unread_count: number;
  readonly last_message: Fields | null;
  readonly [field: string]: unknown;
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  /** The body as it came. */
  readonly text: string;
}

export interface Ask {
  readonly method?: string;
  readonly token?: string | undefined;
  /** An object goes out as JSON, text as it is. */
  readonly body?: Fields | string | Uint8Array<ArrayBuffer> | undefined;
  readonly headers?: Readonly<Record<string, string>>;
}

export async function ask(url: string, { method = "GET", token, body, headers = {} }: Ask = {}): Promise<Answer> {
  const json = typeof body === "object" && !(body instanceof Uint8Array);
  const response = await fetch(url, {
    method,
    headers: {
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...(json ? { "content-type": "application/json" } : {}),
      ...headers,
    },
    ...(body === undefined ? {} : { body: json ? JSON.stringify(body) : body }),
    // A stream that opens against the contract has no end.
    signal: AbortSignal.timeout(20_000),
  });
  return { status: response.status, headers: response.headers, text: await response.text() };
}

export const jsonOf = (answer: Answer): Fields => JSON.parse(answer.text) as Fields;

/** The `data` of a success. Fails the test on any status but this. */
export function dataOf<T = Frame>(answer: Answer, status = 200): T {
  expect(answer.status, answer.text).toBe(status);
  expect(answer.headers.get("content-type")).toMatch(/^application\/json/);
  return (jsonOf(answer) as { readonly data: T }).data;
}

const STATUS = {
  invalid: 400,
  unauthenticated: 401,
  forbidden: 403,
  not_found: 404,
  conflict: 409,
  too_large: 413,
  rate_limited: 429,
} as const;

/** The problem in an answer. Fails the test unless it has this code and all fields, and shows no internals. */
export function expectProblem(answer: Answer, code: keyof typeof STATUS): Fields {
  expect(answer.status, answer.text).toBe(STATUS[code]);
  expect(answer.headers.get("content-type")).toMatch(/^application\/problem\+json/);
  const problem = jsonOf(answer);
  const text = expect.stringMatching(/./);
  expect(problem).toMatchObject({ type: text, title: text, status: STATUS[code], detail: text, code });
  expect(answer.text).not.toMatch(/ at .*:\d+|node_modules|select |insert |postgres|valibot/i);
  return problem;
}
