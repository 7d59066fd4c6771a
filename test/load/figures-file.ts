/** docs/FIGURES.md: two tables, each with its newest row at the end. */
import { type Column, FIGURES, type Figures, printed, RATIOS, type Ratios } from "./figures.ts";

const LONGEST_LABEL = 32;
const PER_VERSION = "## Per version";
const TO_THE_FLOOR = "## Ratios to the bare floor";

/** The version or commit that names a row. Throws an Error with one sentence when it does not fit into a cell. */
export function labelOf(text: string): string {
  const label = text.trim();
  if (label.length > 0 && label.length <= LONGEST_LABEL && !/[|\r\n]/.test(label)) return label;
  throw new Error(`--record takes a label of 1 to ${LONGEST_LABEL} characters without "|"`);
}

/** The first cells of a row. */
export interface RowHead {
  readonly label: string;
  /** YYYY-MM-DD. */
  readonly date: string;
}

/** The page with a new row of figures, and one of ratios if there are any. Throws when a table is missing. */
export function withRow(page: string, head: RowHead, figures: Figures, ratios?: Ratios): string {
  const more = appendRow(page, PER_VERSION, rowOf(head, FIGURES, figures));
  return ratios === undefined ? more : appendRow(more, TO_THE_FLOOR, rowOf(head, RATIOS, ratios));
}

/** The newest row of ratios; undefined while there is none. Throws when the table is missing or has other columns. */
export function newestRatios(page: string): { readonly label: string; readonly ratios: Partial<Ratios> } | undefined {
  const [titles = [], , ...rows] = tableOf(page, TO_THE_FLOOR).lines.map(cellsOf);
  const expected = ["version", "date", ...RATIOS.map(({ title }) => title)];
  if (titles.join("|") !== expected.join("|")) throw new Error(`the table of "${TO_THE_FLOOR}" has other columns`);
  const newest = rows.at(-1);
  if (newest === undefined) return undefined;
  const [label = "", , ...numbers] = newest;
  const known = RATIOS.map(({ key }, index) => [key, Number(numbers[index])] as const);
  return { label, ratios: Object.fromEntries(known.filter(([, number]) => !Number.isNaN(number))) };
}

function rowOf<Key extends string>(
  { label, date }: RowHead,
  columns: readonly Column<Key>[],
  numbers: Readonly<Record<Key, number>>,
): string {
  return `| ${[label, date, ...columns.map(({ key, digits }) => printed(numbers[key], digits))].join(" | ")} |`;
}

const cellsOf = (line: string): readonly string[] =>
  line
    .slice(1, -1)
    .split("|")
    .map((cell) => cell.trim());

/** The lines of the first table below a heading, and the index of the line behind it. */
function tableOf(page: string, heading: string): { readonly lines: readonly string[]; readonly end: number } {
  const all = page.split("\n");
  const section = all.indexOf(heading);
  const begin = section < 0 ? -1 : all.findIndex((line, index) => index > section && line.startsWith("|"));
  if (begin < 0) throw new Error(`docs/FIGURES.md has no table below "${heading}"`);
  const length = all.slice(begin).findIndex((line) => !line.startsWith("|"));
  const end = length < 0 ? all.length : begin + length;
  return { lines: all.slice(begin, end), end };
}

function appendRow(page: string, heading: string, row: string): string {
  return page.split("\n").toSpliced(tableOf(page, heading).end, 0, row).join("\n");
}
