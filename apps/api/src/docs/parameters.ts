/** Parameters of paths. */
import { sidekickId } from "@signalbox/protocol/http";
import { messageId, roomId, userId } from "@signalbox/protocol/ids";
import type { JsonSchema } from "@valibot/to-json-schema";
import { takenJson } from "./json-schema.ts";
import { ADA, EVENT, MESSAGE, ROOM } from "./samples.ts";

export const parameter = (name: string, schema: JsonSchema, example: string, description: string) =>
  ({ name, in: "path", required: true, schema: schema as object, example, description }) as const;

export const room = parameter("roomId", takenJson(roomId), ROOM, "The room.");
/** The same under the SDK's name. */
export const chat = parameter("chatId", takenJson(roomId), ROOM, "The room.");
export const user = parameter("userId", takenJson(userId), ADA, "The user.");
export const message = parameter("id", takenJson(messageId), `msg-${MESSAGE}`, "The message.");
export const event = parameter("eventId", takenJson(messageId), EVENT, "The message.");
export const sidekick = parameter("sidekickId", takenJson(sidekickId), "planner", "The sidekick.");
