/** What `/core/api/v1` prints of messages. CONTRACT section 7. */

import { preview } from "@signalbox/core/model/preview";
import type { Projection, Statistics } from "@signalbox/core/ports/store";
import { ENCRYPTED, MESSAGE_TYPES } from "@signalbox/protocol/http";
import { eventIdOf } from "@signalbox/protocol/ids";

export const projectionBody = (message: Projection, serverName: string) => ({
  id: `msg-${message.messageId}`,
  matrix_event_id: eventIdOf(message, serverName),
  conversation_id: message.roomId,
  sender_user_id: message.senderId,
  message_type: message.type,
  // A deleted one has no type any more, encrypted or not, and no text.
  preview: message.type === ENCRYPTED ? null : preview(message.content),
  sent_at: message.sentAt.toISOString(),
  has_attachment: message.file !== null,
  is_encrypted: message.type === ENCRYPTED,
  file_metadata: message.file,
  thread_metadata:
    message.threadRoot === null ? null : { is_thread_reply: true, thread_root_event_id: message.threadRoot },
});

export const statisticsBody = (roomId: string, { byType, ...counts }: Statistics) => ({
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
