/** Prints the conformance table: each test, and how each implementation did in it. A reporter of Vitest. */
import type { Reporter, TestCase, TestModule } from "vitest/node";

/** Suites name the implementation in quotes: Vitest puts them around a name that stands in a title. */
const IMPLEMENTATION = /'([^']+)' ?/;

/** A row of a suite's table: a mark for each implementation. */
type Marks = Map<string, string>;

interface Table {
  readonly implementations: Set<string>;
  readonly rows: Map<string, Marks>;
}

export default class ConformanceTable implements Reporter {
  /** The reasons for which tests were skipped, each with its number in the tables. */
  private readonly reasons: string[] = [];

  onTestRunEnd(modules: readonly TestModule[]): void {
    const files = [...modules].sort((a, b) => (a.relativeModuleId < b.relativeModuleId ? -1 : 1));
    const tables = files.map((file) => `## ${file.relativeModuleId}\n\n${this.print(this.tableOf(file))}\n`);
    const notes = this.reasons.map((reason, index) => `${index + 1}. ${reason}\n`);
    process.stdout.write(`${tables.join("\n")}\n## Reasons of skips\n\n${notes.join("")}`);
    for (const error of files.flatMap((file) => file.errors())) process.stdout.write(`\n${error.message}\n`);
  }

  private tableOf(file: TestModule): Table {
    const table: Table = { implementations: new Set(), rows: new Map() };
    for (const test of file.children.allTests()) {
      const name = IMPLEMENTATION.exec(test.fullName)?.[1] ?? "all";
      const title = test.fullName.replace(IMPLEMENTATION, "").replaceAll("|", "\\|");
      table.implementations.add(name);
      const marks: Marks = table.rows.get(title) ?? new Map();
      table.rows.set(title, marks.set(name, this.mark(test)));
    }
    return table;
  }

  /** The result of a test, and the number of the reason for which it was skipped. */
  private mark(test: TestCase): string {
    const result = test.result();
    if (result.state !== "skipped") return result.state;
    const reason = result.note ?? "no reason given";
    if (!this.reasons.includes(reason)) this.reasons.push(reason);
    return `skipped (${this.reasons.indexOf(reason) + 1})`;
  }

  private print({ implementations, rows }: Table): string {
    const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
    const names = [...implementations];
    const head = [line(["test", ...names]), line(["---", ...names.map(() => "---")])];
    return [
      ...head,
      ...[...rows].map(([title, marks]) => line([title, ...names.map((name) => marks.get(name) ?? "–")])),
    ].join("\n");
  }
}
