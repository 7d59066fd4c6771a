/**
 * The API, called with requests generated from its own document: no request is answered with 5xx, or with an answer that the
 * document does not describe. The seed is fixed; `FUZZ_SEED` sets another.
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
  ["a user in rooms of their own", "owner"],
  ["a trusted back end", "service"],
] as const)("keeps to its document for all requests of %s", async (_, caller) => {
  const { held, report } = await fuzz({ stage, token: stage[caller], seed: SEED, examples: EXAMPLES });
  const errors = stage.log().filter((line) => line.includes('"level":"error"'));
  expect(held, [report, ...errors].join("\n")).toBe(true);
});
