/** Schemas with a name in the documents, and the JSON Schema of their transformations. */
import { Attachment, DurableEvent, Original, Signal } from "@signalbox/protocol/down";
import { Call, Engagement, limit, Plan } from "@signalbox/protocol/http";
import { matrixRoomId, matrixUserId, messageId, reactionId, roomId, userId } from "@signalbox/protocol/ids";
import { SseEvent } from "@signalbox/protocol/sse";
import { ACTION_TYPES, Action, Control } from "@signalbox/protocol/up";
import type { JsonSchema } from "@valibot/to-json-schema";
import type { GenericSchema } from "valibot";
import { Health } from "../responses/health.ts";
import { HistoryMessage, Message, Reaction } from "../responses/messages.ts";
import { OwnPresence, Typing } from "../responses/presence.ts";
import { Projection, Statistics } from "../responses/projections.ts";
import { Member, Room, RoomSummary } from "../responses/rooms.ts";
import { Receipt, SignalSnapshot, Typist, WordPresence } from "../responses/signals.ts";
import { Mute, NoEngagement, RoomState, Sidekick, Snooze, StateMember } from "../responses/state.ts";
import { Ticket } from "../responses/tickets.ts";
import { User } from "../responses/users.ts";

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

/** Requests. */
export const INPUTS: Named = {
  Action,
  ...Object.fromEntries(Action.options.map((option) => [`Action.${option.entries.type.literal}`, option])),
};

/** Events and signals that an action causes: its answer is one of these. */
export const DONE = [...DurableEvent.options, ...Signal.options].filter(({ entries }) =>
  ACTION_TYPES.has(entries.type.literal),
);

/** Responses. */
export const ANSWERS: Named = {
  ...{ Room, RoomSummary, Member, LastMessage: Message, HistoryMessage, Reaction, File: Attachment, Original },
  ...{ WordPresence, Typist, Receipt, SignalSnapshot, OwnPresence, Typing },
  ...{ RoomState, StateMember, Sidekick, NoEngagement, Mute, Snooze },
  ...{ Projection, Statistics, User, Ticket, Health },
  Engagement,
  Plan,
  Call,
  SignalEvent: SseEvent,
  ...Object.fromEntries(SseEvent.options.map((option) => [`SignalEvent.${option.entries.event.literal}`, option])),
  ...Object.fromEntries(DONE.map((option) => [`Event.${option.entries.type.literal}`, option])),
};

const HEX = "[0-9A-Fa-f]";
const UUID = `${HEX}{8}-${HEX}{4}-${HEX}{4}-${HEX}{4}-${HEX}{12}`;

/** A cursor in input: `<seq>-<mark>`, or a bare seq. */
export const CURSOR_PATTERN = "^\\d{1,16}(-[0-7][0-9a-f]{7})?$";

/** Functions and flagged expressions, which JSON Schema cannot hold, with a schema that accepts at least as much. */
export const WRITTEN: ReadonlyMap<unknown, JsonSchema> = new Map<unknown, JsonSchema>([
  [
    roomId.pipe[1],
    { type: "string", pattern: `^(room-)?${UUID}$`, description: "a room id: a UUID, also behind room-" },
  ],
  [
    messageId.pipe[1],
    {
      type: "string",
      // The second form is the Matrix event id of a message of ours, with any server name.
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
      additionalProperties: {
        anyOf: [
          { type: "string", pattern: CURSOR_PATTERN },
          { type: "integer", minimum: 0 },
        ],
      },
      description: "room ids with the cursor of each, or a bare seq",
    },
  ],
  // A number, once it is out of the URL.
  [limit.wrapped.pipe[2], { type: "integer" }],
]);
