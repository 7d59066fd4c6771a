/** A user, as `/v1/users` prints one. CONTRACT section 8. */
import type { UserRow } from "@signalbox/core/model/rows";
import { userId } from "@signalbox/protocol/ids";
import * as v from "valibot";

export const User = v.object({
  user_id: userId,
  name: v.nullable(v.string()),
  matrix_user_id: v.nullable(v.string()),
});

export const userBody = (user: UserRow): v.InferOutput<typeof User> => ({
  user_id: user.userId,
  name: user.name,
  matrix_user_id: user.matrixUserId,
});
