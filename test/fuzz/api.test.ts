/**
 * The API, called by what its own document says of it: whatever is sent, there is no 5xx, and no answer that the document does not
 * know. The seed is fixed; another one is for whoever looks for more.
 */
import { afterAll, beforeAll, expect, test } from "vitest";
import { fuzz } from "./schemathesis.ts";
import { openStage, type Stage } from "./stage.ts";

const SEED = Number(process.env.FUZZ_SEED ?? 1);
const EXAMPLES = Number(process.env.FUZZ_EXAMPLES ?? 20);

let stage: Stage;
beforeAll(async () => {
  stage = await openStage();
});
afterAll(() => stage?.stop());

test.each([
  ["somebody who owns their rooms", "owner"],
  ["a trusted back end", "service"],
] as const)("keeps to its document, whatever %s sends", async (_, who) => {
  const { held, report } = await fuzz({ stage, token: stage[who], seed: SEED, examples: EXAMPLES });
  const errors = stage.log().filter((line) => line.includes('"level":"error"'));
  expect(held, [report, ...errors].join("\n")).toBe(true);
});
