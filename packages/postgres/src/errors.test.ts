import postgres from "postgres";
import { expect, test } from "vitest";
import { problemOf } from "./errors.ts";

const refused = (code: string): unknown =>
  Object.assign(Object.create(postgres.PostgresError.prototype) as Error, { code });

test("a server that has become read-only is `unavailable`, as one that ends or starts", () => {
  for (const code of ["25006", "57P01", "57P03", "08006", "53300"])
    expect(problemOf(refused(code))).toMatchObject({ code: "unavailable" });
  expect(problemOf(refused("25001"))).toMatchObject({ code: "internal" });
});
