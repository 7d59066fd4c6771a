import { invalidField, Problem } from "@signalbox/protocol/errors";
import { parseJson } from "@signalbox/protocol/parse";
import { isObject } from "@signalbox/protocol/text";
import { FRAME_BYTES } from "@signalbox/protocol/up";
import type { Context } from "hono";

/**
 * Reads a request's body as JSON, under any Content-Type. Throws `too_large` above `limit` bytes, and `invalid` for a body
 * that is not UTF-8 or not JSON.
 */
export async function readJson(c: Context, limit = FRAME_BYTES): Promise<unknown> {
  return parseJson(decode(await readBytes(c, limit)));
}

/** As `readJson`, for an object of optional fields; an empty body is such an object, too, and a list is none. */
export async function readFields(c: Context): Promise<Record<string, unknown>> {
  const bytes = await readBytes(c, FRAME_BYTES);
  const body: unknown = bytes.length === 0 ? {} : parseJson(decode(bytes));
  if (isObject(body)) return body;
  throw invalidField("", "expected an object");
}

async function readBytes(c: Context, limit: number): Promise<Uint8Array> {
  const announced = c.req.header("content-length");
  if (Number(announced ?? 0) > limit) throw tooLarge(limit);
  try {
    // Node enforces the announced length; without one, the bytes are counted here.
    return announced === undefined
      ? await readCounted(c.req.raw.body, limit)
      : new Uint8Array(await c.req.arrayBuffer());
  } catch (error) {
    if (error instanceof Problem) throw error;
    throw new Problem("invalid", "the body ended early");
  }
}

async function readCounted(body: ReadableStream<Uint8Array> | null, limit: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of body ?? []) {
    length += chunk.length;
    if (length > limit) throw tooLarge(limit);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function decode(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw new Problem("invalid", "the body is not UTF-8");
  }
}

const tooLarge = (limit: number): Problem => new Problem("too_large", `a body holds at most ${limit} bytes`);
