/** The frames from clients: the actions of CONTRACT section 3, and the other frames of a socket (section 4). */
import * as v from "valibot";
import { type Cursor, parseCursor } from "./cursor.ts";
import { messageId, reactionId, roomId, userId } from "./ids.ts";
import { Choice } from "./presence.ts";
import { bytes, isObject, text } from "./text.ts";

/** The longest message, in bytes of UTF-8. */
export const MESSAGE_BYTES = 32_768;
/** The largest body or frame, in bytes. */
export const FRAME_BYTES = 262_144;

const message = v.pipe(
  bytes(MESSAGE_BYTES),
  v.check((value) => value.trim() !== "", "not only white space"),
);
const clientMessageId = v.optional(v.pipe(text, v.minLength(1), v.maxLength(64, "at most 64 characters")));
const mentions = v.optional(v.pipe(v.array(userId), v.maxLength(100, "at most 100 mentions")));

const type = <const T extends string>(name: T) => v.literal(name);

/** An action, as the body of `POST /api/chat` or as a frame. */
export const Action = v.variant("type", [
  v.object({ type: type("SEND_MSG"), chatId: roomId, message, clientMessageId, mentions }),
  v.object({ type: type("EDIT_MSG"), chatId: roomId, messageId, message }),
  v.object({ type: type("DELETE_MSG"), chatId: roomId, messageId }),
  v.object({ type: type("REPLY"), chatId: roomId, messageId, message, clientMessageId, mentions }),
  v.object({ type: type("REACT"), chatId: roomId, messageId, reaction: bytes(64) }),
  v.object({ type: type("DELETE_REACT"), reactionId }),
  v.object({ type: type("READ_MSG"), chatId: roomId, messageId }),
  v.object({ type: type("TYPING"), chatId: roomId }),
  v.object({ type: type("STOP_TYPING"), chatId: roomId }),
]);

const cursor = v.pipe(
  v.unknown(),
  v.rawTransform<unknown, Cursor>(({ dataset, addIssue, NEVER }) => {
    const parsed = parseCursor(dataset.value);
    if (parsed !== undefined) return parsed;
    addIssue({ message: "a cursor" });
    return NEVER;
  }),
);
/** The cursor of each room. All errors have one message: a path would repeat what was sent. */
const cursors = v.rawTransform<Record<string, unknown>, Record<string, Cursor>>(({ dataset, addIssue, NEVER }) => {
  const parsed = v.safeParse(v.record(roomId, cursor), dataset.value);
  if (parsed.success) return parsed.output;
  addIssue({ message: "room ids with the cursor of each" });
  return NEVER;
});

/** The frames that a socket accepts besides actions. */
export const Control = v.variant("type", [
  v.object({ type: type("AUTH"), token: v.pipe(v.string(), v.maxLength(16_384)) }),
  v.object({ type: type("RESUME"), rooms: v.pipe(v.custom<Record<string, unknown>>(isObject, "an object"), cursors) }),
  v.object({ type: type("PRESENCE"), status: Choice }),
  v.object({ type: type("MARKER"), chatId: roomId, messageId }),
  v.object({ type: type("ACTIVE") }),
  v.object({ type: type("PING") }),
]);

/** An optional id in any frame, which its answer repeats. */
export const Ref = v.optional(v.union([v.pipe(text, v.maxLength(128)), v.pipe(v.number(), v.finite())]));

export type Action = v.InferOutput<typeof Action>;
export type Control = v.InferOutput<typeof Control>;
export type Ref = v.InferOutput<typeof Ref>;
export type ActionOf<T extends Action["type"]> = Extract<Action, { type: T }>;

export const ACTION_TYPES: ReadonlySet<string> = new Set(Action.options.map((option) => option.entries.type.literal));
export const CONTROL_TYPES: ReadonlySet<string> = new Set(Control.options.map((option) => option.entries.type.literal));
