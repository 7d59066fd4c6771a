import { SignIn } from "@signalbox/protocol/http";
import * as v from "valibot";
import { operation } from "./operation.ts";

export const signIn = operation({
  id: "signIn",
  tag: "Users",
  summary: "Get a token for any user",
  text: "For trying: only a standalone node that made its own secret answers. The token is valid for an hour.",
  guard: "open",
  body: { schema: SignIn, examples: { "A user with a name": { userId: "ada", name: "Ada" } } },
  answer: {
    schema: v.object({ token: v.string() }),
    example: { token: "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhZGEifQ.c2ln" },
  },
  errors: { forbidden: "The page's origin is not allowed, or its host name is neither localhost nor an address." },
});
