/**
 * Our valibot schemas as JSON Schema. The message of a check in code, which an `invalid` answer prints, becomes the
 * description; a keyword stands beside it where JSON Schema has one.
 */
import { type ConversionConfig, type JsonSchema, toJsonSchema, toJsonSchemaDefs } from "@valibot/to-json-schema";
import { resolver } from "hono-openapi";
import type { GenericSchema } from "valibot";
import { ANSWERS, IDS, INPUTS, LIMIT, WRITTEN } from "./names.ts";

type Action = Parameters<NonNullable<ConversionConfig["overrideAction"]>>[0];
type Schema = Parameters<NonNullable<ConversionConfig["overrideSchema"]>>[0];

/** Keywords for checks, by the message of the check. */
const CHECKS: Readonly<Record<string, JsonSchema>> = {
  "not only white space": { pattern: "\\S" },
  "name or metadata": { anyOf: [{ required: ["name"] }, { required: ["metadata"] }] },
  "name or matrix_user_id": { anyOf: [{ required: ["name"] }, { required: ["matrix_user_id"] }] },
};
/** True of all text, and stated once, at the top of the document. */
const EVERYWHERE = "text without U+0000 and lone surrogates";
const BYTES = /^at most (\d+) bytes of UTF-8$/;
/** Actions without a keyword: changes after the check, where the document describes the input, and truths of all JSON. */
const SILENT = ["transform", "raw_transform", "finite"];

const REFERENCE = /"#\/components\/schemas\/([^"]+)"/g;
const INPUTS_AND_IDS: Record<string, GenericSchema> = { ...IDS, ...INPUTS };
const ANSWERS_AND_IDS: Record<string, GenericSchema> = { ...IDS, ...ANSWERS };

/** For requests: other fields are allowed. */
const taken = conversion(INPUTS_AND_IDS, (schema) => schema);
/** For responses: there are no other fields. */
const given = conversion(ANSWERS_AND_IDS, (schema) => ({ additionalProperties: false, ...schema }));

/** As hono-openapi takes schemas. */
export const takenSchema = (schema: GenericSchema) => resolver(schema, { options: taken });
export const givenSchema = (schema: GenericSchema) => resolver(schema, { options: given });

/** A schema alone, with references to those of the document that have names. */
export const takenJson = (schema: GenericSchema): JsonSchema => alone(toJsonSchema(schema, taken));
export const givenJson = (schema: GenericSchema): JsonSchema => alone(toJsonSchema(schema, given));

/** The schemas with names that a document refers to, and those that they refer to. */
export function schemasIn(document: unknown): Record<string, JsonSchema> {
  const all = { ...toJsonSchemaDefs(ANSWERS_AND_IDS, given), ...toJsonSchemaDefs(INPUTS_AND_IDS, taken) };
  const found = new Map<string, JsonSchema>();
  const waiting: unknown[] = [document];
  for (const each of waiting)
    for (const [, name = ""] of JSON.stringify(each).matchAll(REFERENCE)) {
      const schema = all[name];
      if (found.has(name) || schema === undefined) continue;
      found.set(name, schema);
      waiting.push(schema);
    }
  return Object.fromEntries(found);
}

const alone = ({ $schema: _, $defs: __, ...schema }: JsonSchema): JsonSchema => schema;

function conversion(
  definitions: Record<string, GenericSchema>,
  object: (schema: JsonSchema) => JsonSchema,
): ConversionConfig {
  return {
    target: "draft-2020-12",
    // Parts without a counterpart go to the two functions below, which throw for an unknown part.
    errorMode: "ignore",
    definitions,
    overrideRef: ({ referenceId }) => `#/components/schemas/${referenceId}`,
    overrideSchema: ({ valibotSchema, jsonSchema, errors }: Schema) => {
      if (valibotSchema === LIMIT) return { ...jsonSchema, default: Number(LIMIT.default) };
      if (valibotSchema.type === "custom") return { type: "object" };
      if (errors?.length) throw new Error(errors.join(" "));
      return valibotSchema.type === "object" ? object(jsonSchema) : jsonSchema;
    },
    overrideAction: ({ valibotAction, jsonSchema, errors }: Action) => {
      const message = "message" in valibotAction ? valibotAction.message : undefined;
      const described = typeof message === "string" ? describe(jsonSchema, message) : jsonSchema;
      const written = WRITTEN.get(valibotAction);
      if (written !== undefined) return { ...only(described, "description", "format"), ...written };
      if (valibotAction.type === "check") return { ...described, ...counterpart(String(message)) };
      if (errors?.length && !SILENT.includes(valibotAction.type)) throw new Error(errors.join(" "));
      return described;
    },
  };
}

function describe(schema: JsonSchema, words: string): JsonSchema {
  if (words === EVERYWHERE || schema.description?.includes(words)) return schema;
  return { ...schema, description: schema.description === undefined ? words : `${schema.description}; ${words}` };
}

function counterpart(words: string): JsonSchema {
  const bytes = BYTES.exec(words)?.[1];
  // A character takes a byte or more.
  return bytes === undefined ? (CHECKS[words] ?? {}) : { maxLength: Number(bytes) };
}

const only = (schema: JsonSchema, ...keys: (keyof JsonSchema)[]): JsonSchema =>
  Object.fromEntries(Object.entries(schema).filter(([key]) => keys.includes(key as keyof JsonSchema)));
