/** Maps events of Matrix, as its client-server specification defines them, to the commands of core's `matrix/rules.ts`. */

import type { Command } from "@signalbox/core/commands/command";
import type { EventOrigin } from "@signalbox/core/matrix/origin";
import {
  ingestEdit,
  ingestMembership,
  ingestMessage,
  ingestOther,
  ingestReaction,
  ingestRedaction,
  ingestRoomName,
} from "@signalbox/core/matrix/rules";
import {
  clientIdOf,
  ENCRYPTED_CONTENT,
  keyOf,
  type MessageContent,
  mentionsOf,
  messageContentOf,
  nameAt,
  objectAt,
  REDACTED_CONTENT,
  relationOf,
  stickerOf,
} from "./content.ts";
import { isEventId, isUserId, type Json, type MatrixEvent } from "./events.ts";
import { clampTimestamp, subjectIdOf } from "./ids.ts";

/** The local ids of Matrix rooms and users. */
export interface LocalIds {
  readonly rooms: ReadonlyMap<string, string>;
  readonly users: ReadonlyMap<string, string>;
}

/** An event on its way to its command. */
interface Incoming extends MatrixEvent {
  readonly origin: EventOrigin;
  /** The local id of a user that the event names. */
  readonly userOf: (matrixUserId: string) => string;
  /** A time in the event as a `Date`, never in the future. */
  readonly timeOf: (ts: number) => Date;
}

type Rule = (event: Incoming) => Command<void>;

/**
 * The command for an event. `ids` holds the event's room and the users of `usersIn`; `now` is in milliseconds since the
 * epoch.
 */
export function commandOf(event: MatrixEvent, ids: LocalIds, now: number): Command<void> {
  const timeOf = (ts: number) => clampTimestamp(ts, now);
  const userOf = (id: string) => localId(ids.users, id);
  const origin: EventOrigin = {
    roomId: localId(ids.rooms, event.roomId),
    eventId: event.eventId,
    senderId: userOf(event.sender),
    sentAt: timeOf(event.sentAt),
  };
  const rules = event.stateKey === null ? MESSAGE_RULES : STATE_RULES;
  return (rules.get(event.type) ?? other)({ ...event, origin, userOf, timeOf });
}

/** The Matrix users in an event, each with the display name that it gives them. */
export function usersIn(event: MatrixEvent): { readonly id: string; readonly name: string | null }[] {
  const { sender, type, stateKey, content, redacted } = event;
  const others = [...mentionsOf(content), ...mentionsOf(objectAt(content, "m.new_content"))];
  if (redacted !== null) others.push(redacted.by);
  const users = [sender, ...others].map((id) => ({ id, name: null }));
  if (type !== "m.room.member" || !isUserId(stateKey)) return users;
  const name = content.membership === "join" ? nameAt(content, "displayname") : null;
  return [...users, { id: stateKey, name }];
}

const other: Rule = ({ origin }) => ingestOther(origin);

const MESSAGE_RULES: ReadonlyMap<string, Rule> = new Map<string, Rule>([
  ["m.room.message", message],
  ["m.room.encrypted", encrypted],
  ["m.sticker", (event) => newMessage(event, stickerOf(event.content))],
  ["m.reaction", reaction],
  ["m.room.redaction", redaction],
]);

const STATE_RULES: ReadonlyMap<string, Rule> = new Map<string, Rule>([
  ["m.room.create", ({ origin, stateKey }) => ingestOther(origin, stateKey === "")],
  ["m.room.member", member],
  ["m.room.name", name],
]);

function message(event: Incoming): Command<void> {
  const { origin, content, redacted } = event;
  const { edits, quotes } = relationOf(content);
  if (edits !== null) return edit(event, edits);
  const messageContent = messageContentOf(content, quotes);
  if (messageContent !== null) return newMessage(event, messageContent);
  return redacted === null ? ingestOther(origin) : newMessage(event, REDACTED_CONTENT);
}

function edit(event: Incoming, target: string): Command<void> {
  const { origin, content, redacted } = event;
  const newContent = objectAt(content, "m.new_content");
  const revision = messageContentOf(newContent, false);
  if (redacted !== null || revision === null) return ingestOther(origin);
  return ingestEdit(origin, target, { ...revision, mentions: mentioned(event, newContent) });
}

/** An encrypted message or edit: its relations are not encrypted. */
function encrypted(event: Incoming): Command<void> {
  const { origin, content, redacted } = event;
  const { edits } = relationOf(content);
  if (edits === null) return newMessage(event, ENCRYPTED_CONTENT);
  return redacted === null ? ingestEdit(origin, edits, null) : ingestOther(origin);
}

function newMessage(event: Incoming, messageContent: MessageContent): Command<void> {
  const { origin, eventId, content, redacted, userOf, timeOf } = event;
  const messageId = subjectIdOf(eventId, origin.sentAt);
  // A redaction strips an event: what a server left of the content does not count.
  if (redacted !== null) {
    const empty = { mentions: null, replyTo: null, threadRoot: null, clientMessageId: null };
    return ingestMessage(origin, {
      ...REDACTED_CONTENT,
      ...empty,
      messageId,
      redacted: { by: userOf(redacted.by), at: timeOf(redacted.at) },
    });
  }
  const { replyTo, threadRoot } = relationOf(content);
  const clientMessageId = clientIdOf(content);
  const mentions = messageContent === ENCRYPTED_CONTENT ? null : mentioned(event, content);
  return ingestMessage(origin, {
    ...messageContent,
    messageId,
    mentions,
    replyTo,
    threadRoot,
    clientMessageId,
    redacted: null,
  });
}

function mentioned({ userOf }: Incoming, content: Json): string[] | null {
  const users = mentionsOf(content).map(userOf);
  // Two Matrix users may be mapped to one user.
  return users.length === 0 ? null : [...new Set(users)];
}

function reaction({ origin, eventId, content, redacted }: Incoming): Command<void> {
  const { annotates } = relationOf(content);
  const key = keyOf(content);
  if (redacted !== null || annotates === null || key === null) return ingestOther(origin);
  return ingestReaction(origin, annotates, subjectIdOf(eventId, origin.sentAt), key);
}

/** A redaction. Rooms of version 11 name its target in the content, older ones beside it; most servers send both. */
function redaction({ origin, content, redacts }: Incoming): Command<void> {
  const target = [content.redacts, redacts].find(isEventId);
  return target === undefined ? ingestOther(origin) : ingestRedaction(origin, target);
}

/** A membership. An invitation or a knock changes nothing; the name in a profile is set with the user (`usersIn`). */
function member({ origin, stateKey, content, userOf }: Incoming): Command<void> {
  if (!isUserId(stateKey)) return ingestOther(origin);
  switch (content.membership) {
    case "join":
      return ingestMembership(origin, userOf(stateKey), true);
    case "leave":
    case "ban":
      return ingestMembership(origin, userOf(stateKey), false);
    default:
      return ingestOther(origin);
  }
}

function name({ origin, stateKey, content }: Incoming): Command<void> {
  const newName = nameAt(content, "name");
  return stateKey !== "" || newName === null ? ingestOther(origin) : ingestRoomName(origin, newName);
}

function localId(ids: ReadonlyMap<string, string>, matrixId: string): string {
  const id = ids.get(matrixId);
  if (id === undefined) throw new Error("a Matrix id was not resolved before");
  return id;
}
