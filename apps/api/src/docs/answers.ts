/** What REST answers, as schemas: the counterpart of `bodies/`. Each has its name in the document. */
import { Original } from "@signalbox/protocol/down";
import { Call, Engagement, Plan } from "@signalbox/protocol/http";
import { userId } from "@signalbox/protocol/ids";
import { Status } from "@signalbox/protocol/presence";
import * as v from "valibot";

const HEX = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}";
const uuid = v.pipe(v.string(), v.regex(new RegExp(`^${HEX}$`)));
const eventId = v.pipe(v.string(), v.regex(new RegExp(`^evt-${HEX}$`)));
const matrixEventId = v.pipe(v.string(), v.regex(/^\$/));
const time = v.pipe(v.string(), v.isoTimestamp());
const whole = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const free = v.record(v.string(), v.unknown());
const role = v.picklist(["owner", "member"]);
const word = v.picklist(["online", "offline", "unavailable"]);

/** Rooms and history. */

const room = {
  id: uuid,
  name: v.string(),
  metadata: free,
  created_by: userId,
  created_at: time,
  matrix_room_id: v.nullable(v.string()),
  member_count: whole,
  seq: whole,
};
export const Room = v.object(room);

export const File = v.object({
  filename: v.nullable(v.string()),
  mime_type: v.nullable(v.string()),
  size: v.nullable(v.number()),
  mxc_uri: v.nullable(v.string()),
});

const message = {
  messageId: uuid,
  chatId: uuid,
  senderId: userId,
  content: v.string(),
  timeStamp: time,
  edited: v.boolean(),
  editedAt: v.nullable(time),
  seq: whole,
  deleted: v.boolean(),
  eventId: v.optional(v.string()),
  messageType: v.optional(v.string()),
  file: v.optional(File),
  threadRootEventId: v.optional(v.string()),
};
export const LastMessage = v.object(message);

export const Reaction = v.object({ reactionId: uuid, senderId: userId, reaction: v.string(), timeStamp: time });

export const HistoryMessage = v.object({
  ...message,
  replyTo: v.nullable(Original),
  reactions: v.array(Reaction),
});

export const RoomSummary = v.object({
  ...room,
  last_message: v.nullable(LastMessage),
  unread_count: whole,
  cursor: whole,
  role,
});

export const Member = v.object({ user_id: userId, role, joined_at: time });

/** Signals. */

export const WordPresence = v.object({ user_id: userId, status: word, last_active_at: v.nullable(time) });
export const Typist = v.object({ user_id: userId, started_at: time });
export const Receipt = v.object({ user_id: userId, last_read_event_id: matrixEventId, read_at: time });
export const SignalSnapshot = v.object({
  conversation_id: uuid,
  presence: v.array(WordPresence),
  typing: v.array(v.object({ user_id: userId, started_at: time, expires_at: time })),
  receipts: v.array(Receipt),
  cursor: whole,
});

/** Presence and state. */

export const OwnPresence = v.object({ user_id: userId, status: Status, last_active_at: v.nullable(time) });
export const Typing = v.object({ room_id: uuid, typing: v.boolean(), expires_at: v.nullable(time) });

export const StateMember = v.object({
  user_id: userId,
  name: v.nullable(v.string()),
  role,
  joined_at: time,
  status: Status,
  last_active_at: v.nullable(time),
  last_read_event_id: v.nullable(eventId),
  read_at: v.nullable(time),
  typing: v.boolean(),
});
/** Whatever it was given, and its id. */
export const Sidekick = v.looseObject({ id: v.string() });
/** Before anybody set a mode there is none. */
export const NoEngagement = v.object({ mode: v.null(), overrides: free });

export const RoomState = v.object({
  room: Room,
  members: v.array(StateMember),
  engagement: v.union([Engagement, NoEngagement]),
  plan: v.nullable(Plan),
  active_sidekicks: v.array(Sidekick),
  active_call: v.nullable(Call),
  unread_count: whole,
  mention_count: whole,
  last_read_event_id: v.nullable(eventId),
  muted_until: v.nullable(time),
  snoozed_event_ids: v.array(eventId),
  cursor: whole,
});
export const Mute = v.object({ muted_until: v.nullable(time) });
export const Snooze = v.object({ event_id: eventId, until: time });

/** Projections. */

export const Projection = v.object({
  id: v.pipe(v.string(), v.regex(new RegExp(`^msg-${HEX}$`))),
  matrix_event_id: matrixEventId,
  conversation_id: uuid,
  sender_user_id: userId,
  message_type: v.string(),
  preview: v.nullable(v.string()),
  sent_at: time,
  has_attachment: v.boolean(),
  is_encrypted: v.boolean(),
  file_metadata: v.nullable(File),
  thread_metadata: v.nullable(v.object({ is_thread_reply: v.literal(true), thread_root_event_id: v.string() })),
});

export const Statistics = v.object({
  conversation_id: uuid,
  total_messages: whole,
  by_type: v.record(v.string(), whole),
  attachments_count: whole,
  encrypted_count: whole,
  threads_count: whole,
  period: v.object({ first_message_at: v.nullable(time), last_message_at: v.nullable(time) }),
});

/** Users, tickets, operations. */

export const User = v.object({
  user_id: userId,
  name: v.nullable(v.string()),
  matrix_user_id: v.nullable(v.string()),
});
export const Ticket = v.object({ ticket: v.string(), expires_at: time });
export const Health = v.object({
  status: v.picklist(["ok", "degraded", "starting", "draining", "failing"]),
  checks: v.record(v.string(), v.picklist(["ok", "failing"])),
});
