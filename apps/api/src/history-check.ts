/**
 * `npm run history:check -- [--save FILE] [--compare FILE]`: reads the database of DATABASE_URL after a restore, a failover or a
 * move, and prints how far it fits together. It needs no other setting, and may run beside the nodes. CONTRACT section 9.
 */
import { type FileHandle, open, rename, rm } from "node:fs/promises";
import { parseArgs } from "node:util";
import { type Launch, launch } from "@signalbox/node/lifecycle";

const USAGE = `npm run history:check -- [--save FILE] [--compare FILE]
  --save     writes a line for each room: its id, and the seq and the mark of its last event
  --compare  says what rooms lost since FILE was saved
`;
/** Exit codes. */
const FITS = 0;
const DAMAGED = 1;
const UNREAD = 2;
/** The time between two lines of progress, in milliseconds; without a terminal the longer one. */
const LINE_MS = 200;
const LOG_LINE_MS = 10_000;

interface Head {
  readonly roomId: string;
  readonly lastSeq: number;
  readonly lastMark: number;
}

interface Server {
  readonly system: string | null;
  readonly timeline: number | null;
  readonly inRecovery: boolean | null;
  readonly readOnly: boolean | null;
  readonly startedAt: number | null;
}

interface Check {
  readonly rooms: number;
  readonly events: number;
  readonly withoutEvents: number;
  readonly damage: readonly {
    readonly sentence: string;
    readonly rooms: number;
    readonly examples: readonly string[];
  }[];
  readonly saved: Readonly<
    Record<"same" | "grown" | "lost" | "untold" | "missing" | "added", number> & { missingExamples: readonly string[] }
  > | null;
}

/** The reads, those of `@signalbox/postgres/history-check`, which this workspace may not import: the script hands them in. */
export interface Reads {
  checkHistory(
    url: string,
    options: {
      readonly saved?: AsyncIterable<string> | undefined;
      onServer(server: Server): void;
      onBatch(heads: readonly Head[], rooms: number, events: number): Promise<void>;
      onLost(saved: Head, now: Head): void;
    },
  ): Promise<Check>;
  lineOf(head: Head): string;
}

/** Runs the command in this process, and ends it. */
export async function run(reads: Reads): Promise<void> {
  let done = false;
  // A wrong setting and a signal end the process before the check has an answer.
  process.once("exit", () => {
    if (!done) process.exitCode = UNREAD;
  });
  // A node of this kind needs no setting, and starts nothing by itself.
  await launch("standalone", async ({ config }) => {
    const code = await command(reads, config.databaseUrl).catch((error: unknown) => {
      say(`it cannot be read: ${error instanceof Error ? error.message : String(error)}`);
      return UNREAD;
    });
    done = true;
    return code;
  });
}

const say = (line: string): unknown => process.stderr.write(`${line}\n`);

async function command(reads: Reads, url: Launch["config"]["databaseUrl"]): Promise<number> {
  const asked = askedFor();
  if (asked === undefined || url === undefined) {
    say(`${asked === undefined ? "These are not its options." : "DATABASE_URL is not set."}\n${USAGE.trimEnd()}`);
    return UNREAD;
  }
  const saved = asked.compare === undefined ? undefined : await open(asked.compare);
  const saving = asked.save === undefined ? undefined : await createFile(asked.save);
  const progress = createProgress();
  try {
    const check = await reads.checkHistory(url, {
      saved: saved && linesOf(saved),
      onServer: (server) => say(serverLine(server)),
      onBatch: async (heads, rooms, events) => {
        await saving?.add(heads.map(reads.lineOf).join(""));
        progress.move(`${count(rooms)} rooms, ${count(events)} events`);
      },
      onLost: (before, now) => {
        progress.clear();
        say(`lost: ${now.roomId} had ${cursorOf(before)}, has ${cursorOf(now)}`);
      },
    });
    progress.clear();
    await saving?.complete();
    for (const line of report(check)) say(line);
    return check.damage.length > 0 || (check.saved?.lost ?? 0) + (check.saved?.missing ?? 0) > 0 ? DAMAGED : FITS;
  } finally {
    progress.clear();
    await saved?.close();
    await saving?.end();
  }
}

/** The lines of a file, opened with the first one: lines that come before a reader waits for them would be lost. */
async function* linesOf(file: FileHandle): AsyncGenerator<string> {
  yield* file.readLines();
}

function askedFor() {
  try {
    return parseArgs({ options: { save: { type: "string" }, compare: { type: "string" } } }).values;
  } catch {
    return undefined;
  }
}

/** A file that is written beside its place and renamed once complete: a check that fails leaves the one of before. */
async function createFile(path: string) {
  const beside = `${path}.new`;
  let file: FileHandle | undefined = await open(beside, "w");
  const end = async (): Promise<void> => {
    if (file === undefined) return;
    await file.close();
    file = undefined;
    await rm(beside, { force: true });
  };
  return {
    async add(text: string): Promise<void> {
      try {
        await file?.appendFile(text);
      } catch (cause) {
        // Without the code of the system, which reads like a lost connection.
        throw new Error("the file of --save cannot be written", { cause });
      }
    },
    async complete(): Promise<void> {
      await file?.sync();
      await file?.close();
      file = undefined;
      await rename(beside, path);
    },
    end,
  };
}

function createProgress() {
  const { isTTY } = process.stderr;
  let shownAt = Date.now();
  return {
    move(line: string): void {
      if (Date.now() - shownAt < (isTTY ? LINE_MS : LOG_LINE_MS)) return;
      shownAt = Date.now();
      process.stderr.write(isTTY ? `\r\x1b[K${line}` : `${line}\n`);
    },
    clear: (): unknown => isTTY && process.stderr.write("\r\x1b[K"),
  };
}

function serverLine({ system, timeline, inRecovery, readOnly, startedAt }: Server): string {
  const start = startedAt === null ? "not told" : new Date(startedAt / 1000).toISOString();
  const takes = inRecovery ? "in recovery, read-only" : readOnly ? "read-only" : "takes writes";
  return `server: system ${system ?? "not told"}, timeline ${timeline ?? "not told"}, started ${start}, ${takes}`;
}

function report({ rooms, events, withoutEvents, damage, saved }: Check): string[] {
  const lines = [`${count(rooms)} rooms, ${count(events)} events; ${count(withoutEvents)} rooms keep no event`];
  for (const { sentence, rooms: damaged, examples } of damage)
    lines.push(`damage: ${sentence}: ${count(damaged)} rooms`, ...examples.map((roomId) => `  ${roomId}`));
  if (damage.length === 0) lines.push("no damage found");
  if (saved === null) return lines;
  const { same, grown, lost, untold, missing, missingExamples, added } = saved;
  return [
    ...lines,
    `of the saved rooms ${count(same)} are the same, ${count(grown)} have more events, ${count(lost)} lost events, ` +
      `${count(missing)} are missing, and ${count(untold)} cannot be told, their events are pruned`,
    ...missingExamples.map((roomId) => `  missing: ${roomId}`),
    `${count(added)} rooms are not in the file`,
  ];
}

/** The last event, by its seq and mark. */
const cursorOf = ({ lastSeq, lastMark }: Head): string => `seq ${lastSeq} mark ${lastMark}`;

const count = (number: number): string => number.toLocaleString("en");
