/** Schemas that the documents give a name to, and what their transformations take. */

import { DurableEvent, Original, Signal } from "@signalbox/protocol/down";
import { Call, Engagement, limit, Plan } from "@signalbox/protocol/http";
import { matrixRoomId, matrixUserId, messageId, reactionId, roomId, userId } from "@signalbox/protocol/ids";
import { SseEvent } from "@signalbox/protocol/sse";
import { ACTION_TYPES, Action, Control } from "@signalbox/protocol/up";
import type { JsonSchema } from "@valibot/to-json-schema";
import type { GenericSchema } from "valibot";
import * as answers from "./answers.ts";

type Named = Readonly<Record<string, GenericSchema>>;

export const IDS = {
  RoomId: roomId,
  MessageId: messageId,
  ReactionId: reactionId,
  UserId: userId,
  MatrixRoomId: matrixRoomId,
  MatrixUserId: matrixUserId,
} satisfies Named;

export const LIMIT = limit;

/** What is sent to us. */
export const INPUTS: Named = {
  Action,
  ...Object.fromEntries(Action.options.map((option) => [`Action.${option.entries.type.literal}`, option])),
};

/** Events that are somebody's doing: an action is answered with the one that it caused. */
export const DONE = [...DurableEvent.options, ...Signal.options].filter(({ entries }) =>
  ACTION_TYPES.has(entries.type.literal),
);

/** What we answer. */
export const ANSWERS: Named = {
  ...answers,
  Original,
  Engagement,
  Plan,
  Call,
  SignalEvent: SseEvent,
  ...Object.fromEntries(SseEvent.options.map((option) => [`SignalEvent.${option.entries.event.literal}`, option])),
  ...Object.fromEntries(DONE.map((option) => [`Event.${option.entries.type.literal}`, option])),
};

const HEX = "[0-9A-Fa-f]";
const UUID = `${HEX}{8}-${HEX}{4}-${HEX}{4}-${HEX}{4}-${HEX}{12}`;

/** Functions and expressions with flags that JSON Schema cannot hold, and what they let through: never less than they do. */
export const WRITTEN: ReadonlyMap<unknown, JsonSchema> = new Map<unknown, JsonSchema>([
  [
    roomId.pipe[1],
    { type: "string", pattern: `^(room-)?${UUID}$`, description: "a room id: a UUID, also behind room-" },
  ],
  [
    messageId.pipe[1],
    {
      type: "string",
      // The second form is the id that a message of ours has in Matrix: whatever stands behind its colon is let be.
      pattern: `^((msg-|evt-)?${UUID}|\\$[A-Za-z0-9_-]{22}:[\\s\\S]*|\\$\\S{1,254})$`,
      description: "a message id: a UUID, also behind msg- or evt-, or a Matrix event id ($…)",
    },
  ],
  [reactionId.pipe[1], { type: "string", pattern: `^${UUID}$`, description: "a reaction id: a UUID" }],
  [matrixRoomId.pipe[1], { type: "string", pattern: "^!\\S{1,254}$" }],
  [matrixUserId.pipe[1], { type: "string", pattern: "^@[^\\s:]+:[A-Za-z0-9.:[\\]-]+$", minLength: 4, maxLength: 255 }],
  [
    Control.options[1].entries.rooms.pipe[1],
    {
      type: "object",
      propertyNames: { $ref: "#/components/schemas/RoomId" },
      additionalProperties: { type: "integer", minimum: 0 },
      description: "room ids with the last seq seen of each",
    },
  ],
  // A number, once it is out of the URL.
  [limit.wrapped.pipe[2], { type: "integer" }],
]);
