import type { ServerResponse } from "node:http";

/** A whole answer to a request, for `node:http` and for the `Response` of fetch alike. */
export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** Null for a 204. */
  readonly body: string | null;
}

/** Writes the answer and ends the response; headers that are set already stay. */
export function sendAnswer(response: ServerResponse, { status, headers, body }: Answer): void {
  response.writeHead(status, { ...headers }).end(body ?? undefined);
}

export const fetchResponse = ({ status, headers, body }: Answer): Response => new Response(body, { status, headers });
