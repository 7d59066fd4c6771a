/** The prose of a file: its comments, its document text and the strings for people. Code and other strings are left out. */
import { type ParseResult, parseSync, Visitor } from "vite";

export interface Piece {
  readonly kind: "comment" | "document" | "string";
  /** The line of the file on which `text` begins, from 1. */
  readonly line: number;
  /** One line for each line of the file. */
  readonly text: string;
}

export interface Extract {
  readonly pieces: readonly Piece[];
  /** Each word of the code outside comments and quoted strings once, with the line of its first use. */
  readonly names: ReadonlyMap<string, number>;
}

interface Comment {
  readonly type: "Line" | "Block";
  readonly value: string;
  readonly start: number;
  readonly end: number;
}

interface Found {
  readonly text: string;
  readonly start: number;
}

/** Strings first, so that a comment sign inside one begins no comment; the group `line` or `block` holds a comment's text. */
const TOKENS: Record<string, RegExp> = {
  lua: /"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|--\[\[(?<block>[\s\S]*?)\]\]|\[\[[\s\S]*?\]\]|--(?<line>.*)/g,
  sql: /'(?:''|[^'])*'|"[^"]*"|\/\*(?<block>[\s\S]*?)\*\/|--(?<line>.*)/g,
  css: /"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|url\([^)]*\)|\/\*(?<block>[\s\S]*?)\*\//g,
  html: /<!--(?<block>[\s\S]*?)-->/g,
};
const FENCED = /^[ \t]*(```|~~~)[\s\S]*?^[ \t]*\1.*$/gm;
/** The sources of the OpenAPI and AsyncAPI documents: every string of several words there is prose. */
const DOCS = /^apps\/api\/src\/docs\/(?!page\/)/;
/** Calls with a text for people: a log line, an error, a description or a message of valibot. */
const SPEAKS = /(?:\blog(?:ger)?(?:\.(?:trace|debug|info|warn|error|fatal))?|\w*(?:Problem|Error)|\bv\.\w+)$/;
const IS_TEST = /^test\/|\.(?:test|fake)\.tsx?$/;

/** True for files that `extract` can read. */
export const isReadable = (path: string): boolean => /\.(?:tsx?|lua|sql|css|html|md)$/.test(path);

/** @param path relative to the repository, with slashes. Throws when TypeScript cannot be parsed. */
export function extract(path: string, source: string): Extract {
  const kind = /\w+$/.exec(path)?.[0] ?? "";
  if (kind === "md") return { pieces: [{ kind: "document", line: 1, text: withoutFences(source) }], names: new Map() };
  const lineOf = linesOf(source);
  const parsed = /^tsx?$/.test(kind) ? parse(path, source) : undefined;
  const comments = parsed?.comments ?? tokensOf(source, TOKENS[kind]);
  const strings = parsed && speaks(path, source) ? stringsOf(path, source, parsed.program) : [];
  return {
    pieces: [
      ...commentsOf(comments, source, lineOf),
      ...strings.map(({ text, start }): Piece => ({ kind: "string", line: lineOf(start), text })),
    ],
    names: namesOf(source, comments, lineOf),
  };
}

const withoutFences = (text: string): string => text.replace(FENCED, (block) => block.replace(/[^\n]/g, ""));
const blank = (text: string): string => text.replace(/[^\n]/g, " ");

/** Reading `program` off the result takes most of the time, so only files with strings for people do. */
function parse(path: string, source: string): ParseResult {
  const parsed = parseSync(path, source);
  const [error] = parsed.errors;
  if (error !== undefined) throw new Error(`${path} cannot be parsed: ${error.message}`);
  return parsed;
}

const speaks = (path: string, source: string): boolean =>
  !IS_TEST.test(path) && (DOCS.test(path) || /\blog|(?:Problem|Error)\(|\bv\.\w+\("/.test(source));

function stringsOf(path: string, source: string, program: ParseResult["program"]): Found[] {
  const strings: Found[] = [];
  const calls: { start: number; end: number }[] = [];
  const addCall = (node: { start: number; end: number; callee: { start: number; end: number } }) => {
    if (SPEAKS.test(source.slice(node.callee.start, node.callee.end))) calls.push(node);
  };
  new Visitor({
    CallExpression: addCall,
    NewExpression: addCall,
    Literal: ({ value, start }) => {
      if (typeof value === "string") strings.push({ text: value, start });
    },
    // An expression becomes one character, so that a code span around it stays whole.
    TemplateLiteral: ({ quasis, start }) => {
      strings.push({ text: quasis.map(({ value }) => value.cooked ?? "").join("…"), start });
    },
  }).visit(program);
  const isPublic = ({ text, start }: Found) =>
    /\S \S/.test(text) && (DOCS.test(path) || calls.some((call) => call.start < start && start < call.end));
  return strings.filter(isPublic);
}

function namesOf(source: string, comments: readonly Comment[], lineOf: (offset: number) => number) {
  let code = "";
  let end = 0;
  for (const comment of comments) {
    code += source.slice(end, comment.start) + blank(source.slice(comment.start, comment.end));
    end = comment.end;
  }
  code = (code + source.slice(end)).replace(/"(?:\\.|[^"\\\n])*"/g, blank);
  const names = new Map<string, number>();
  for (const { 0: name, index } of code.matchAll(/[a-z_]\w*/gi)) if (!names.has(name)) names.set(name, lineOf(index));
  return names;
}

function tokensOf(source: string, tokens = /(?!)/g): Comment[] {
  return [...source.matchAll(tokens)].flatMap(({ 0: token, index: start, groups }) => {
    const value = groups?.block ?? groups?.line;
    if (value === undefined) return [];
    return [{ type: groups?.line === undefined ? "Block" : "Line", value, start, end: start + token.length }];
  });
}

/** Line comments below each other are one comment. */
function commentsOf(comments: readonly Comment[], source: string, lineOf: (offset: number) => number): Piece[] {
  const pieces: { kind: "comment"; line: number; text: string }[] = [];
  let before: Comment | undefined;
  for (const comment of comments) {
    const text = comment.value.replace(/^[ \t]*\*+ ?/gm, "");
    const last = pieces.at(-1);
    if (last && before && follows(before, comment, source)) last.text += `\n${text}`;
    else pieces.push({ kind: "comment", line: lineOf(comment.start), text });
    before = comment;
  }
  return pieces;
}

function follows(before: Comment, next: Comment, source: string): boolean {
  const ownLine = source.slice(source.lastIndexOf("\n", before.start - 1) + 1, before.start).trim() === "";
  const between = source.slice(before.end, next.start);
  return before.type === "Line" && next.type === "Line" && ownLine && /^\r?\n[ \t]*$/.test(between);
}

/** The line of an offset, from 1. */
function linesOf(source: string): (offset: number) => number {
  const ends = [...source.matchAll(/\n/g)].map(({ index }) => index);
  return (offset) => {
    let [low, high] = [0, ends.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((ends[middle] ?? 0) < offset) low = middle + 1;
      else high = middle;
    }
    return low + 1;
  };
}
