import { buildPage } from "./page-build.ts";

try {
  await buildPage((line) => process.stdout.write(`${line}\n`));
} catch (error) {
  // The node serves without its page, and shows at the page's address how to build it.
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
}
