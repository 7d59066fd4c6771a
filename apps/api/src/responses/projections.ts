/** Projections of messages and their statistics, as `/core/api/v1` prints them. CONTRACT section 7. */
import { preview } from "@signalbox/core/model/preview";
import type { Projection as ProjectionRow, Statistics as StatisticsRow } from "@signalbox/core/ports/store";
import { Attachment } from "@signalbox/protocol/down";
import { ENCRYPTED, MESSAGE_TYPES } from "@signalbox/protocol/http";
import { eventIdOf, userId } from "@signalbox/protocol/ids";
import * as v from "valibot";
import { HEX_UUID, matrixEvent, time, uuid, whole } from "./values.ts";

export const Projection = v.object({
  id: v.pipe(v.string(), v.regex(new RegExp(`^msg-${HEX_UUID}$`))),
  matrix_event_id: matrixEvent,
  conversation_id: uuid,
  sender_user_id: userId,
  message_type: v.string(),
  preview: v.nullable(v.string()),
  sent_at: time,
  has_attachment: v.boolean(),
  is_encrypted: v.boolean(),
  file_metadata: v.nullable(Attachment),
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

export const projectionBody = (message: ProjectionRow, serverName: string): v.InferOutput<typeof Projection> => ({
  id: `msg-${message.messageId}`,
  matrix_event_id: eventIdOf(message, serverName),
  conversation_id: message.roomId,
  sender_user_id: message.senderId,
  message_type: message.type,
  // A deleted message has lost its type and its text, encrypted or not.
  preview: message.type === ENCRYPTED ? null : preview(message.content),
  sent_at: message.sentAt.toISOString(),
  has_attachment: message.file !== null,
  is_encrypted: message.type === ENCRYPTED,
  file_metadata: message.file,
  thread_metadata:
    message.threadRoot === null ? null : { is_thread_reply: true, thread_root_event_id: message.threadRoot },
});

export const statisticsBody = (
  roomId: string,
  { byType, ...counts }: StatisticsRow,
): v.InferOutput<typeof Statistics> => ({
  conversation_id: roomId,
  total_messages: counts.total,
  by_type: { ...NONE, ...Object.fromEntries(byType) },
  attachments_count: counts.attachments,
  encrypted_count: byType.get(ENCRYPTED) ?? 0,
  threads_count: counts.threads,
  period: {
    first_message_at: counts.firstAt?.toISOString() ?? null,
    last_message_at: counts.lastAt?.toISOString() ?? null,
  },
});

const NONE = Object.fromEntries(MESSAGE_TYPES.map((type) => [type, 0]));
