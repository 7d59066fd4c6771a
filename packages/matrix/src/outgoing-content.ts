/** The Matrix events of native actions. */
import type { MatrixWriting } from "@signalbox/core/commands/homeserver-first";
import type { Action } from "@signalbox/protocol/up";
import { CLIENT_ID, clean } from "./content.ts";
import type { Json } from "./events.ts";

/** The longest fallback text of an edit, for clients without edits, in bytes: an event of 65,536 bytes holds the text twice. */
const FALLBACK_BYTES = 16_384;

/** The event to send for an action. `mentions` are the Matrix users that it mentions. */
export function contentOf(
  action: Action,
  writing: Extract<MatrixWriting, { readonly kind: "message" | "edit" | "reaction" }>,
  mentions: readonly string[],
): { readonly type: string; readonly content: Json } {
  if (writing.kind === "reaction")
    return { type: "m.reaction", content: relatedAs("m.annotation", writing.eventId, { key: reactionOf(action) }) };
  const message = {
    msgtype: "m.text",
    body: textOf(action),
    // Always present: without it, clients search the text for names.
    "m.mentions": mentions.length === 0 ? {} : { user_ids: mentions },
  };
  if (writing.kind === "edit") {
    // The outer mentions are the users to notify of the edit. There are none: the message notified them before.
    const fallback = { msgtype: "m.text", body: `* ${clean(message.body, FALLBACK_BYTES)}`, "m.mentions": {} };
    const content = { ...fallback, "m.new_content": message, ...relatedAs("m.replace", writing.eventId) };
    return { type: "m.room.message", content };
  }
  const { replyTo } = writing;
  const content = {
    ...message,
    ...("clientMessageId" in action ? { [CLIENT_ID]: action.clientMessageId } : {}),
    ...(replyTo === null ? {} : { "m.relates_to": { "m.in_reply_to": { event_id: replyTo } } }),
  };
  return { type: "m.room.message", content };
}

const relatedAs = (type: string, eventId: string, more: Json = {}): Json => ({
  "m.relates_to": { rel_type: type, event_id: eventId, ...more },
});

const textOf = (action: Action): string => ("message" in action ? action.message : "");
const reactionOf = (action: Action): string => ("reaction" in action ? action.reaction : "");
