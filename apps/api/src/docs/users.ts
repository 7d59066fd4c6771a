import { PutUser } from "@signalbox/protocol/http";
import { User } from "./answers.ts";
import { operation } from "./operation.ts";
import { user } from "./parameters.ts";
import { ADA } from "./samples.ts";
import { dataOf, done } from "./success.ts";

const tag = "Users";
const services = { forbidden: "Nobody but a `service`." };

export const put = operation({
  id: "putUser",
  tag,
  summary: "Name a user, or say who they are in Matrix",
  text: "For a `service`. The `name` of a token does the first for its own user.",
  door: "auth",
  path: [user],
  body: {
    schema: PutUser,
    examples: { "A name": { name: "Ada" }, "A user of Matrix": { matrix_user_id: "@ada:your-sphere.example.com" } },
  },
  answer: dataOf(User, { user_id: ADA, name: "Ada", matrix_user_id: "@ada:your-sphere.example.com" }),
  errors: { ...services, conflict: "That user of Matrix is somebody else here." },
});

export const revoke = operation({
  id: "revokeTokens",
  tag,
  summary: "End all tokens of a user",
  text: "For a `service`: every token issued until now, and within a second every session that is open.",
  door: "auth",
  path: [user],
  answer: done("Tokens revoked"),
  errors: { ...services, invalid: "No user id." },
});
