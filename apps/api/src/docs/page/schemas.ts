/** JSON Schemas as tables of fields; a named schema is printed once, and linked to. */
import type { JsonSchema } from "@valibot/to-json-schema";
import { html } from "hono/html";
import { anchor, type Html, inline, table } from "./words.ts";

export type Schemas = Readonly<Record<string, JsonSchema>>;
type Part = JsonSchema | boolean;

/** Inner objects without a name are spelled out to this depth. */
const DEEPEST = 4;

const nameIn = (ref: string): string => ref.split("/").at(-1) ?? "";

/** The fields of a schema; the type of one that is no object. */
export function fieldsOf(schema: JsonSchema): Html {
  const rows = rowsOf(schema, "", 0);
  if (rows.length > 0) return table(["Field", "Type", ""], rows);
  return html`<p>${typeOf(schema)}${schema.description === undefined ? "" : html`: ${inline(schema.description)}`}</p>`;
}

function rowsOf(schema: JsonSchema, prefix: string, depth: number): unknown[][] {
  const parts = [schema, ...(schema.allOf ?? [])].filter((part): part is JsonSchema => typeof part === "object");
  return parts.flatMap(({ properties = {}, required = [] }) =>
    Object.entries(properties).flatMap(([name, field]) => {
      if (typeof field === "boolean") return [];
      const inner = innerOf(field);
      const path = `${prefix}${name}${inner === undefined || inner === field ? "" : "[]"}`;
      const needed = required.includes(name)
        ? html`<code>${prefix}${name}</code>`
        : html`<code>${prefix}${name}</code>?`;
      const row = [needed, typeOf(field), inline(wordsOf(field))];
      return inner === undefined || depth === DEEPEST ? [row] : [row, ...rowsOf(inner, `${path}.`, depth + 1)];
    }),
  );
}

/** The object of a field; its own fields are spelled out below it. */
function innerOf(field: JsonSchema): JsonSchema | undefined {
  const candidates = [field, field.items, ...(field.anyOf ?? [])];
  return candidates.find((each): each is JsonSchema => isSchema(each) && each.properties !== undefined);
}

const isSchema = (part: unknown): part is JsonSchema =>
  typeof part === "object" && part !== null && !Array.isArray(part);

/** A field's type in words; names are links. */
export function typeOf(schema: Part): unknown {
  if (typeof schema === "boolean") return "anything";
  const { $ref, enum: values, anyOf, oneOf, items, type } = schema;
  if ($ref !== undefined) return html`<a href="#schema.${nameIn($ref)}">${nameIn($ref)}</a>`;
  if ("const" in schema) return html`<code>${JSON.stringify(schema.const)}</code>`;
  if (values !== undefined) return joined(values.map((value) => html`<code>${JSON.stringify(value)}</code>`));
  const options = anyOf ?? oneOf;
  // Beside fields, options say which of them must be there.
  if (options !== undefined && schema.properties === undefined) return joined(options.map(typeOf));
  if (type === "array") return html`list of ${isSchema(items) ? typeOf(items) : "anything"}`;
  return typeof type === "string" ? (schema.format ?? type) : "anything";
}

const joined = (parts: readonly unknown[]): Html =>
  html`${parts.map((part, index) => (index === 0 ? html`${part}` : html` or ${part}`))}`;

function wordsOf({ description, minimum, maximum, default: otherwise }: JsonSchema): string {
  const top = maximum === Number.MAX_SAFE_INTEGER ? undefined : maximum;
  const range = top === undefined ? "" : `${minimum ?? ""} to ${top}`;
  const absent = otherwise === undefined ? "" : `\`${JSON.stringify(otherwise)}\` when absent`;
  return [description, range, absent].filter((each) => each !== undefined && each !== "").join("; ");
}

/** Every schema that has a name. */
export const namedSchemas = (schemas: Schemas): Html[] =>
  Object.entries(schemas).map(
    ([name, schema]) => html`<article id="schema.${name}"><h3>${name}${anchor(`schema.${name}`)}</h3>
${schema.properties === undefined ? "" : (schema.description ?? "")}${fieldsOf(schema)}
${schema.pattern === undefined ? "" : html`<p><code>${schema.pattern}</code></p>`}</article>`,
  );
