import * as v from "valibot";

/** U+0000, which Postgres cannot store, and lone surrogates, which UTF-8 cannot hold. */
const UNSTORABLE = /[\0\p{Surrogate}]/u;
const encoder = new TextEncoder();

/** The length of `text` in bytes of UTF-8. */
export const utf8Length = (text: string): number => encoder.encode(text).length;

/** Text that every store and wire can carry. */
export const text = v.pipe(
  v.string(),
  v.check((value) => !UNSTORABLE.test(value), "text without U+0000 and lone surrogates"),
);

/** Text of 1 to `max` bytes of UTF-8. */
export const bytes = (max: number) =>
  v.pipe(
    text,
    v.minLength(1, "at least 1 byte"),
    // A UTF-16 unit is at most three bytes: short texts need not be encoded to know that they fit.
    v.check((value) => value.length * 3 <= max || utf8Length(value) <= max, `at most ${max} bytes of UTF-8`),
  );

/** Text of 1 to `max` characters that is not only white space. */
export const label = (max: number) =>
  v.pipe(
    text,
    v.maxLength(max, `at most ${max} characters`),
    v.check((value) => value.trim() !== "", "not only white space"),
  );

/** A JSON object with any fields, of at most 64 KiB, with storable text throughout. CONTRACT section 6. */
export const object = v.pipe(
  v.custom<Record<string, unknown>>(isObject, "an object"),
  v.check((value) => storable(value), "text without U+0000 and lone surrogates"),
  v.check((value) => utf8Length(JSON.stringify(value)) <= 65_536, "at most 64 KiB"),
);

/** True for a JSON object, and not for a list, which valibot's `record` accepts. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return value !== null && typeof value === "object" && !Array.isArray(value);
}

/** The deepest nesting of JSON that is accepted: far above any use, far below a stack overflow. */
const DEEPEST = 64;

function storable(value: unknown, depth = 0): boolean {
  if (typeof value === "string") return !UNSTORABLE.test(value);
  if (value === null || typeof value !== "object") return true;
  if (depth === DEEPEST) return false;
  return Object.entries(value).every(([key, each]) => !UNSTORABLE.test(key) && storable(each, depth + 1));
}
