/** Bodies and queries of the REST surface that `up.ts` does not hold. CONTRACT sections 5 and 6. */
import * as v from "valibot";
import { messageId, roomId, userId } from "./ids.ts";
import { Choice, WORDS } from "./presence.ts";
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

const eventId = messageId;

export const PutTyping = v.object({ room_id: roomId, typing: v.boolean() });
export const PostTyping = v.object({ typing: v.boolean() });
/** Of `POST …/read` and `POST …/marker`. */
export const PostEvent = v.object({ event_id: eventId });

/** People that one look-up of presence may name. */
export const PRESENCE_AT_ONCE = 1000;
const ids = v.pipe(
  v.array(userId),
  v.minLength(1, "at least one user id"),
  v.maxLength(PRESENCE_AT_ONCE, `at most ${PRESENCE_AT_ONCE} user ids`),
);
export const PresenceIds = v.object({ ids });
export const PutPresence = v.object({ status: Choice });
export const PutSignalPresence = v.object({
  status: v.pipe(
    v.picklist(["online", "offline", "unavailable"]),
    v.transform((word): Choice => WORDS[word]),
  ),
});

const UTC = "a time: ISO 8601 in UTC, ending in Z";
const utc = v.pipe(
  v.string(),
  v.isoTimestamp(UTC),
  v.endsWith("Z", UTC),
  v.check((text) => Number.isFinite(Date.parse(text)), UTC),
);
const time = v.pipe(
  utc,
  v.transform((text) => new Date(text)),
);
export const PutMute = v.object({ until: v.nullable(time) });
export const PutSnooze = v.object({ until: time });

/** A room state part: what it must hold is checked, what else it holds is kept. */
const part = <const E extends v.ObjectEntries>(entries: E) => v.pipe(object, v.looseObject(entries));
const short = label(200);
export const Engagement = part({ mode: short, overrides: v.optional(v.record(userId, short), {}) });
export const Plan = part({
  title: short,
  steps: v.pipe(
    v.array(v.looseObject({ id: short, title: short, status: short })),
    v.maxLength(1000, "at most 1000 steps"),
  ),
});
export const Sidekick = part({});
export const Call = part({
  call_id: short,
  started_at: utc,
  participants: v.pipe(v.array(userId), v.maxLength(1000, "at most 1000 participants")),
});
export const sidekickId = label(128);
