/** Bodies and queries of the REST surface that `up.ts` does not hold. CONTRACT section 6. */
import * as v from "valibot";
import { messageId, userId } from "./ids.ts";
import { label, object } from "./text.ts";

/** Members that one request may name. */
export const MEMBERS_AT_ONCE = 1000;

const name = label(200);
const role = v.picklist(["owner", "member"]);

export const CreateRoom = v.object({
  name,
  members: v.optional(
    v.pipe(v.array(userId), v.maxLength(MEMBERS_AT_ONCE, `at most ${MEMBERS_AT_ONCE} members at once`)),
    [],
  ),
  metadata: v.optional(object, {}),
});

export const PatchRoom = v.pipe(
  v.object({ name: v.optional(name), metadata: v.optional(object) }),
  v.check((body) => body.name !== undefined || body.metadata !== undefined, "name or metadata"),
);

export const PutMember = v.object({ role: v.optional(role) });
export const PutUser = v.object({ name });

/** A page's size in a query: 1 to 100, 50 when absent. */
export const limit = v.optional(
  v.pipe(
    v.string(),
    v.regex(/^\d{1,3}$/, "a whole number from 1 to 100"),
    v.transform(Number),
    v.minValue(1),
    v.maxValue(100),
  ),
  "50",
);

export const HistoryQuery = v.object({ limit, before: v.optional(messageId) });
export const RoomsQuery = v.object({ limit, cursor: v.optional(v.pipe(v.string(), v.maxLength(200))) });

export type CreateRoom = v.InferOutput<typeof CreateRoom>;
export type PatchRoom = v.InferOutput<typeof PatchRoom>;
export type Role = v.InferOutput<typeof role>;
