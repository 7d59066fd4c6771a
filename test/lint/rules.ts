/** The rules of the repository's English, and the table of names that were given up. */
import type { Extract, Piece } from "./extract.ts";

export type Rule = "persons" | "openings" | "columns" | "names";

export interface Finding {
  readonly rule: Rule;
  readonly path: string;
  readonly line: number;
  /** The line of prose, or the identifier. */
  readonly text: string;
  readonly advice: string;
}

/** One file, or several added up. */
export interface Tally {
  readonly files: number;
  readonly words: number;
  readonly comments: number;
  readonly findings: readonly Finding[];
}

/** Words that name no user, session, node or thing, and the most of them in a thousand words of prose and in a file. */
const PERSONS =
  /\b(?:who|whom|whose|whoever|whomever|whatever|whichever|somebody|someone|anybody|anyone|nobody|everybody|everyone)\b/gi;
export const PERSONS_PER_THOUSAND = 0.6;
export const PERSONS_PER_FILE = 2;

/** The openings of comments that are neither a noun phrase nor an imperative, and their highest share in percent. */
const OPENING = /^\s*(?:what|who|whom|whose|whoever|whatever|whichever|whether|where|wherever)\b/i;
export const OPENINGS_PERCENT = 3;

export const COLUMNS = 120;
const TABLE = /^\s*\|/;
const LINK_ONLY = /^\s*(?:[-*] +)?(?:\[[^\]]*\]\([^)]*\)|(?:\[[^\]]*\]: *)?<?https?:\S+)[.,;]?\s*$/;

interface GivenUp {
  /** Each form in small letters. An identifier is compared by its parts: `createdAt` is `created` and `at`. */
  readonly now: readonly string[];
  readonly becomes: string;
  /** The folder to which this is limited, for a word with an ordinary meaning elsewhere. */
  readonly under?: string;
  /** Free in comments and documents, for a word with an ordinary meaning in English. */
  readonly identifiersOnly?: true;
}

const CORE = { under: "packages/core/", identifiersOnly: true } as const;

/** Names that were given up for those of the field. None may stand in comments, documents or identifiers again. */
export const GIVEN_UP: readonly GivenUp[] = [
  { now: ["seat", "seats", "seated"], becomes: "Subscriber" },
  { now: ["sightings"], becomes: "PresenceView" },
  { now: ["roster"], becomes: "PresenceRegistrar" },
  { now: ["entrance"], becomes: "Joining", ...CORE },
  { now: ["notices"], becomes: "UnreadNotifier", ...CORE },
  { now: ["attendance"], becomes: "LocalPresence", ...CORE },
  { now: ["touches"], becomes: "ActivityReporter", ...CORE },
  { now: ["agenda"], becomes: "Schedule", ...CORE },
  { now: ["roll"], becomes: "PresenceTable", ...CORE },
  { now: ["draft"], becomes: "Transaction", ...CORE },
];

/** Blanks code spans and addresses: they are names, not prose. Lines stay in place. */
const withoutNames = (text: string): string =>
  text.replace(/(`+)[^`]+\1|https?:\/\/[^\s)>]+/g, (name) => name.replace(/[^\n]/g, " "));

/** Measures one file against all rules. */
export function measure(path: string, extracted: Extract): Tally {
  const { pieces } = extracted;
  const prose = pieces.map((piece) => ({ ...piece, text: withoutNames(piece.text) }));
  const comments = prose.filter(({ kind }) => kind === "comment");
  const documents = pieces.filter(({ kind }) => kind === "document");
  const findings = [
    ...prose.flatMap((piece, index) => persons(path, piece, pieces[index] ?? piece)),
    ...pieces.filter(({ kind, text }) => kind === "comment" && OPENING.test(text)).map((piece) => opening(path, piece)),
    ...documents.flatMap((piece) => columns(path, piece)),
    ...givenUp(path, extracted),
  ];
  const words = prose.reduce((sum, { text }) => sum + (text.match(/[a-z][a-z'’-]*/gi)?.length ?? 0), 0);
  return { files: 1, words, comments: comments.length, findings: findings.sort((a, b) => a.line - b.line) };
}

/** `asWritten` is `piece` with its code spans, for the finding. */
function persons(path: string, piece: Piece, asWritten: Piece): Finding[] {
  return [...piece.text.matchAll(PERSONS)].map(({ 0: word, index }) => {
    const advice = `"${word.toLowerCase()}": name the user, session, node or thing`;
    return { rule: "persons", path, ...lineAt(asWritten, piece.text.slice(0, index)), advice };
  });
}

function opening(path: string, piece: Piece): Finding {
  const skipped = /^\s*/.exec(piece.text)?.[0] ?? "";
  const advice = "open with a noun phrase or an imperative";
  return { rule: "openings", path, ...lineAt(piece, skipped), advice };
}

function columns(path: string, piece: Piece): Finding[] {
  return piece.text.split("\n").flatMap((text, index): Finding[] => {
    const { length } = [...text];
    if (length <= COLUMNS || TABLE.test(text) || LINK_ONLY.test(text)) return [];
    return [{ rule: "columns", path, line: piece.line + index, text, advice: `${length} columns, of ${COLUMNS}` }];
  });
}

type Place = Pick<Finding, "line" | "text">;

function givenUp(path: string, { pieces, names }: Extract): Finding[] {
  const table = GIVEN_UP.filter(({ under = "" }) => path.startsWith(under));
  const inProse = table.filter(({ identifiersOnly }) => !identifiersOnly);
  const uses = (rows: readonly GivenUp[], name: string, place: () => Place): Finding[] =>
    rows
      .filter(({ now }) => partsOf(name).some((part) => now.includes(part)))
      .map(({ becomes }) => ({ rule: "names", path, ...place(), advice: `"${name}" was given up: say ${becomes}` }));
  return [
    ...pieces.flatMap((piece) =>
      [...piece.text.matchAll(/[a-z]+/gi)].flatMap(({ 0: name, index }) =>
        uses(inProse, name, () => lineAt(piece, piece.text.slice(0, index))),
      ),
    ),
    ...[...names].flatMap(([name, line]) => uses(table, name, () => ({ line, text: name }))),
  ];
}

const partsOf = (name: string): string[] => name.split(/(?<=[a-z0-9])(?=[A-Z])|_/).map((part) => part.toLowerCase());

/** The line of a piece that follows `before`. */
function lineAt(piece: Piece, before: string): Place {
  const index = before.split("\n").length - 1;
  return { line: piece.line + index, text: (piece.text.split("\n")[index] ?? "").trim() };
}

export function sum(tallies: readonly Tally[]): Tally {
  return {
    files: tallies.reduce((total, { files }) => total + files, 0),
    words: tallies.reduce((total, { words }) => total + words, 0),
    comments: tallies.reduce((total, { comments }) => total + comments, 0),
    findings: tallies.flatMap(({ findings }) => findings),
  };
}

export const ofRule = ({ findings }: Tally, rule: Rule): readonly Finding[] =>
  findings.filter((finding) => finding.rule === rule);

export const perThousand = (tally: Tally): number =>
  (1000 * ofRule(tally, "persons").length) / Math.max(1, tally.words);

export const percent = (tally: Tally): number => (100 * ofRule(tally, "openings").length) / Math.max(1, tally.comments);

export interface Passed {
  readonly limit: string;
  readonly findings: readonly Finding[];
}

/** The limits that `files` pass, with the findings behind each. */
export function passedLimits(files: readonly Tally[]): Passed[] {
  const all = sum(files);
  const limits: Passed[] = [];
  const addLimit = (isPassed: boolean, limit: string, findings: readonly Finding[]) => {
    if (isPassed) limits.push({ limit, findings });
  };
  const [rate, share] = [perThousand(all), percent(all)];
  const crowded = files.map((file) => ofRule(file, "persons")).filter(({ length }) => length > PERSONS_PER_FILE);
  const persons = 'words like "who" and "somebody"';
  const opened = 'of comments open with "What", "Whether" and the like';
  const [long, names] = [ofRule(all, "columns"), ofRule(all, "names")];
  addLimit(
    rate > PERSONS_PER_THOUSAND,
    `${rate.toFixed(2)} ${persons} per 1,000, of at most ${PERSONS_PER_THOUSAND}`,
    ofRule(all, "persons"),
  );
  addLimit(crowded.length > 0, `${crowded.length} files with over ${PERSONS_PER_FILE} ${persons}`, crowded.flat());
  addLimit(
    share > OPENINGS_PERCENT,
    `${share.toFixed(1)} % ${opened}, of at most ${OPENINGS_PERCENT}`,
    ofRule(all, "openings"),
  );
  addLimit(long.length > 0, `${long.length} Markdown lines over ${COLUMNS} columns`, long);
  addLimit(names.length > 0, `${names.length} uses of names that were given up`, names);
  return limits;
}
