/** Compares the tables of docs/PROTOCOL.md with the code. */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { CLOSE } from "./close.ts";
import { DurableEvent, SessionFrame, Signal } from "./down.ts";
import { PROBLEMS } from "./errors.ts";
import { Action, Control } from "./up.ts";

const text = readFileSync(new URL("../../../docs/PROTOCOL.md", import.meta.url), "utf8");

const cells = (line: string): string[] =>
  line
    .split("|")
    .slice(1, -1)
    .map((cell) => cell.replaceAll("`", "").trim());

/** The rows of the `nth` table with this head, cell by cell, without backticks. */
function table(nth: number, ...head: string[]): string[][] {
  const tables = text.split("\n\n").filter((block) => block.startsWith("|"));
  const matching = tables.filter((block) => cells(block.split("\n")[0] ?? "").join(" | ") === head.join(" | "));
  return (matching[nth]?.trim().split("\n").slice(2) ?? []).map(cells);
}

type Schema = { readonly options: readonly { readonly entries: Record<string, { readonly type: string }> }[] };

/** A schema as a table of frames: type → its sorted fields, optional ones with a question mark. */
function described(schemas: readonly Schema[], ...elsewhere: string[]): Record<string, string[]> {
  const options = schemas.flatMap((schema) => schema.options);
  return Object.fromEntries(
    options.map(({ entries: { type, ...fields } }) => {
      const names = Object.entries(fields).filter(([name]) => !elsewhere.includes(name));
      const marked = names.map(([name, field]) => (field.type === "optional" ? `${name}?` : name));
      return [(type as unknown as { literal: string }).literal, marked.sort()];
    }),
  );
}

const written = (rows: string[][]): Record<string, string[]> =>
  Object.fromEntries(rows.map(([type = "", fields = ""]) => [type, fields.split(", ").filter(Boolean).sort()]));

const schemas = (...of: unknown[]) => of as Schema[];

test("the table of close codes is the code's", () => {
  const rows = table(0, "code", "next", "why").map(([code, next]) => [Number(code), next]);
  expect(rows).toEqual(Object.values(CLOSE).map(({ code, next }) => [code, next]));
});

test("the table of errors is the code's", () => {
  expect(table(0, "code", "what it means for an action").map(([code]) => code)).toEqual(Object.keys(PROBLEMS));
});

test("the table of frames to the server names every frame and its fields", () => {
  expect(written(table(0, "type", "fields", ""))).toEqual(described(schemas(Action, Control)));
});

test("the table of durable events names every event and its fields", () => {
  expect(written(table(0, "type", "fields besides chatId, seq and mark", ""))).toEqual(
    described(schemas(DurableEvent), "recipientId", "chatId", "seq", "mark"),
  );
});

test("the table of signals names every signal and its fields", () => {
  expect(written(table(0, "type", "fields besides chatId", ""))).toEqual(
    described(schemas(Signal), "recipientId", "chatId"),
  );
});

test("the table of frames about the connection names every frame and its fields", () => {
  // In the table `ref` is not optional: an ACK always answers one.
  const frames = { ...described(schemas(SessionFrame)), ACK: ["data", "ref"] };
  expect(written(table(1, "type", "fields", ""))).toEqual(frames);
});
