/** Values of the examples in the documentation. */
import type { Message } from "../responses/messages.ts";
import type { Room } from "../responses/rooms.ts";

export const ROOM = "a1b2c3d4-e5f6-7890-abcd-ef1234567890";
export const ADA = "c3d4e5f6-a7b8-9012-cdef-123456789012";
export const BEN = "d4e5f6a7-b8c9-0123-defa-234567890123";
export const MESSAGE = "018f3a1c-5b00-7c3e-9d4f-aa6655440099";
/** `MESSAGE` as Matrix knows it. */
export const EVENT = "$AY86HFsAfD6dT6pmVUQAmQ:your-sphere.example.com";
export const NOON = "2026-02-24T12:00:00.000Z";
export const LATER = "2026-02-24T14:35:00.000Z";

export const sampleRoom: Room = {
  id: ROOM,
  name: "Deployment",
  metadata: { colour: "green" },
  created_by: ADA,
  created_at: NOON,
  matrix_room_id: null,
  member_count: 2,
  seq: 7,
};

export const sampleMessage: Message = {
  messageId: MESSAGE,
  chatId: ROOM,
  senderId: ADA,
  content: "The deployment is ready for review.",
  timeStamp: LATER,
  edited: false,
  editedAt: null,
  seq: 7,
  deleted: false,
};
