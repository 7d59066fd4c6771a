import { PutUser } from "@signalbox/protocol/http";
import { User } from "../../responses/users.ts";
import { operation } from "../operation.ts";
import { user } from "../parameters.ts";
import { noUserId } from "../reasons.ts";
import { ADA } from "../samples.ts";
import { dataOf, done } from "../success.ts";

const tag = "Users";
const services = { forbidden: "The caller is not a `service`." };

export const put = operation({
  id: "putUser",
  tag,
  summary: "Set a user's name or Matrix id",
  text: "For a `service`. The `name` in a token sets the name of its own user.",
  guard: "auth",
  path: [user],
  body: {
    schema: PutUser,
    examples: { "A name": { name: "Ada" }, "A Matrix id": { matrix_user_id: "@ada:your-sphere.example.com" } },
  },
  answer: dataOf(User, { user_id: ADA, name: "Ada", matrix_user_id: "@ada:your-sphere.example.com" }),
  errors: { ...services, conflict: "Another user has that Matrix id." },
});

export const revoke = operation({
  id: "revokeTokens",
  tag,
  summary: "Revoke all tokens of a user",
  text: "For a `service`. Ends every token issued until now, and within a second every open session.",
  guard: "auth",
  path: [user],
  answer: done("Tokens revoked"),
  errors: { ...services, ...noUserId },
});
