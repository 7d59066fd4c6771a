/** How a native action is said in Matrix. */
import type { MatrixWriting } from "@signalbox/core/commands/homeserver-first";
import type { Action } from "@signalbox/protocol/up";
import { CLIENT_ID, clean } from "./content.ts";
import type { Json } from "./events.ts";

/** What clients that know no edits are shown of one, in bytes: the text is in there twice, and an event holds 65,536. */
const FALLBACK_BYTES = 16_384;

/** The event to send for an action. `mentions`: the Matrix users whom it names. */
export function contentOf(
  action: Action,
  writing: Extract<MatrixWriting, { readonly kind: "message" | "edit" | "reaction" }>,
  mentions: readonly string[],
): { readonly type: string; readonly content: Json } {
  if (writing.kind === "reaction")
    return { type: "m.reaction", content: relatedAs("m.annotation", writing.eventId, { key: reactionOf(action) }) };
  const said = {
    msgtype: "m.text",
    body: textOf(action),
    // Always there: without it, clients look for names in the text.
    "m.mentions": mentions.length === 0 ? {} : { user_ids: mentions },
  };
  if (writing.kind === "edit") {
    // Outside stands whom to notify: nobody, since all that are mentioned were.
    const fallback = { msgtype: "m.text", body: `* ${clean(said.body, FALLBACK_BYTES)}`, "m.mentions": {} };
    const content = { ...fallback, "m.new_content": said, ...relatedAs("m.replace", writing.eventId) };
    return { type: "m.room.message", content };
  }
  const { replyTo } = writing;
  const content = {
    ...said,
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
