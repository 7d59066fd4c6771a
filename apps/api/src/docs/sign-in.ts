import { SignIn } from "@signalbox/protocol/http";
import * as v from "valibot";
import { operation } from "./operation.ts";

export const signIn = operation({
  id: "signIn",
  tag: "Users",
  summary: "Be whoever you say",
  text: "For trying: a standalone node answers it only while its secret is the one that it made itself. The token holds for an hour.",
  door: "open",
  body: { schema: SignIn, examples: { "Somebody with a name": { userId: "ada", name: "Ada" } } },
  answer: {
    schema: v.object({ token: v.string() }),
    example: { token: "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhZGEifQ.c2ln" },
  },
  errors: { forbidden: "A page of an origin that is not allowed." },
});
