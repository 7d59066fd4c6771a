/** Compares the recipes of CONTRIBUTING.md with the code: each sample is in the files that its recipe names, and in no others. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { codeIn, filesOf, ROOT, read } from "./markdown.ts";

const PRODUCTION = /^(packages|apps)\/[^/]+\/(src|lua|migrations)\/|^infra\/src\//;
const TESTING = /\.(test|fake)\.tsx?$|\/testing\//;
const production = ["packages", "apps", "infra"]
  .flatMap((folder) => filesOf([".ts", ".tsx", ".lua", ".sql"], folder))
  .filter((path) => PRODUCTION.test(path) && !TESTING.test(path));

interface Recipe {
  readonly title: string;
  /** Any of these marks a file as part of the sample. */
  readonly samples: readonly string[];
  /** The folder of the search; undefined for all. */
  readonly folder: string | undefined;
  /** In the order of the steps. */
  readonly files: readonly string[];
}

function recipesOf(markdown: string): Recipe[] {
  const [, recipes = ""] = markdown.split("\n## Recipes\n");
  return recipes.split("\n### ").slice(1).map(recipeOf);
}

/** Reads one recipe: each step begins with its files, up to the colon. */
function recipeOf(text: string): Recipe {
  const line = text.replaceAll(/\s*\n\s*(?!\d+\. |\n)/g, " ");
  const [, sample = ""] = /Sample: (.*)/.exec(line) ?? [];
  const [, samples = "", folder] = /^((?:`[^`]+`(?:, )?)+)(?: in `([^`]+)`)?/.exec(sample) ?? [];
  const steps = [...line.matchAll(/^\d+\. ((?:`[^`]+`(?:, )?)+):/gm)].map(([, files = ""]) => files);
  return {
    title: text.split("\n")[0] ?? "",
    samples: codeIn(samples),
    folder,
    files: steps.flatMap(codeIn),
  };
}

const recipes = recipesOf(read("CONTRIBUTING.md"));

/** Matches a sample as a whole word where it begins or ends like one: `mute` is not in `muted_until`. */
const asWord = (sample: string): RegExp => {
  const plain = sample.replaceAll(/[^\w]/g, "\\$&");
  return new RegExp(plain.replace(/^(?=\w)/, "(?<!\\w)").replace(/(?<=\w)$/, "(?!\\w)"));
};

/** True when the file has one of the samples. */
const has = (path: string, samples: readonly string[]): boolean =>
  samples.some((sample) => asWord(sample).test(read(path)));

test("there are recipes, each with a sample and its files", () => {
  expect(recipes.map(({ title }) => title)).toEqual([
    "A durable event kind",
    "A REST endpoint",
    "An engine",
    "A metric",
    "A setting",
  ]);
  for (const { title, samples, files } of recipes) {
    expect(samples, title).not.toEqual([]);
    expect(files.length, title).toBeGreaterThan(1);
  }
});

describe.each(recipes)("the recipe for: $title", ({ samples, folder = "", files }) => {
  const within = files.filter((path) => path.startsWith(folder));

  test("names files that exist", () => {
    expect(files.filter((path) => !existsSync(join(ROOT, path)))).toEqual([]);
  });

  test("has its sample in every file that it names", () => {
    expect(within.filter((path) => !has(path, samples))).toEqual([]);
  });

  test("names every production file that has its sample", () => {
    const found = production.filter((path) => path.startsWith(folder) && has(path, samples));
    expect(found.filter((path) => !files.includes(path))).toEqual([]);
  });
});
