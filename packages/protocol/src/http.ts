/** Bodies and queries of the REST API, without actions (`up.ts`). CONTRACT sections 5 to 8. */
import * as v from "valibot";
import { matrixRoomId, matrixUserId, messageId, roomId, userId } from "./ids.ts";
import { CHOICE_BY_SIGNAL_STATUS, Choice } from "./presence.ts";
import { label, object } from "./text.ts";

/** Members in one request, at most. */
export const MEMBERS_AT_ONCE = 1000;

const name = label(200);
export const Role = v.picklist(["owner", "member"]);

export const CreateRoom = v.object({
  name,
  members: v.optional(
    v.pipe(v.array(userId), v.maxLength(MEMBERS_AT_ONCE, `at most ${MEMBERS_AT_ONCE} members at once`)),
    [],
  ),
  metadata: v.optional(object, {}),
  /** The Matrix room to bridge the new room to. */
  matrix_room_id: v.optional(matrixRoomId),
});

export const PatchRoom = v.pipe(
  v.object({ name: v.optional(name), metadata: v.optional(object) }),
  v.check((body) => body.name !== undefined || body.metadata !== undefined, "name or metadata"),
);

export const PutMember = v.object({ role: v.optional(Role) });
export const PutUser = v.pipe(
  v.object({ name: v.optional(name), matrix_user_id: v.optional(matrixUserId) }),
  v.check((body) => body.name !== undefined || body.matrix_user_id !== undefined, "name or matrix_user_id"),
);

/** The user to sign in as, on a development node that requires no proof. */
export const SignIn = v.object({ userId, name: v.optional(name) });

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
/** The cursor of an earlier page; opaque to clients. */
const cursor = v.optional(v.pipe(v.string(), v.maxLength(200)));
export const RoomsQuery = v.object({ limit, cursor });

export type CreateRoom = v.InferOutput<typeof CreateRoom>;
export type PatchRoom = v.InferOutput<typeof PatchRoom>;
export type ProjectionsQuery = v.InferOutput<typeof ProjectionsQuery>;
export type Role = v.InferOutput<typeof Role>;

const eventId = messageId;

export const PutTyping = v.object({ room_id: roomId, typing: v.boolean() });
export const PostTyping = v.object({ typing: v.boolean() });
/** The body of `POST …/read` and `POST …/marker`. */
export const PostEvent = v.object({ event_id: eventId });

/** Users in one look-up of presence, at most. */
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
    v.transform((status): Choice => CHOICE_BY_SIGNAL_STATUS[status]),
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
/** The types that statistics always count. */
export const MESSAGE_TYPES = ["m.text", "m.image", "m.file", "m.audio", "m.video"] as const;
/** The type of an encrypted message: its text is unknown here. */
export const ENCRYPTED = "m.room.encrypted";

/** The filters on message projections; a message must match all that are given. */
export const ProjectionsQuery = v.object({
  conversation_id: v.optional(roomId),
  message_type: v.optional(v.picklist([...MESSAGE_TYPES, ENCRYPTED, "m.notice", "m.emote", "m.location", "m.sticker"])),
  has_attachment: v.optional(
    v.pipe(
      v.picklist(["true", "false"]),
      v.transform((text) => text === "true"),
    ),
  ),
  sender_user_id: v.optional(userId),
  thread_root_event_id: v.optional(eventId),
  /** At this time or later. */
  sent_after: v.optional(time),
  /** Before this time. */
  sent_before: v.optional(time),
  q: v.optional(label(200)),
  cursor,
  limit,
});
export const StatsQuery = v.object({ conversation_id: roomId });

export const PutMute = v.object({ until: v.nullable(time) });
export const PutSnooze = v.object({ until: time });

/** A section of a room's state: the given fields are checked, all others are kept. */
const section = <const E extends v.ObjectEntries>(entries: E) => v.pipe(object, v.looseObject(entries));
const short = label(200);
export const Engagement = section({ mode: short, overrides: v.optional(v.record(userId, short), {}) });
export const Plan = section({
  title: short,
  steps: v.pipe(
    v.array(v.looseObject({ id: short, title: short, status: short })),
    v.maxLength(1000, "at most 1000 steps"),
  ),
});
export const Sidekick = section({});
export const Call = section({
  call_id: short,
  started_at: utc,
  participants: v.pipe(v.array(userId), v.maxLength(1000, "at most 1000 participants")),
});
export const sidekickId = label(128);
