/** What an event of Matrix is here: one of the rules of core's `bridged.ts`. The wire is that of the Matrix client-server specification. */

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
  nameAt,
  objectAt,
  REDACTED_CONTENT,
  relationOf,
  sayingOf,
  stickerOf,
} from "./content.ts";
import { isEventId, isUserId, type Json, type MatrixEvent } from "./events.ts";
import { clampTimestamp, subjectIdOf } from "./ids.ts";

/** What Matrix's ids are here. */
export interface Known {
  readonly rooms: ReadonlyMap<string, string>;
  readonly users: ReadonlyMap<string, string>;
}

/** An event on its way to its command. */
interface Incoming extends MatrixEvent {
  readonly origin: EventOrigin;
  /** Our id of a user whom the event names. */
  readonly userOf: (matrixUserId: string) => string;
  readonly believe: (ts: number) => Date;
}

type Rule = (event: Incoming) => Command<void>;

/**
 * The command that an event is. `known` holds the event's room and whomever `namedBy` names; `now` in milliseconds since the
 * epoch.
 */
export function commandOf(event: MatrixEvent, known: Known, now: number): Command<void> {
  const believe = (ts: number) => clampTimestamp(ts, now);
  const userOf = (id: string) => found(known.users, id);
  const origin: EventOrigin = {
    roomId: found(known.rooms, event.roomId),
    eventId: event.eventId,
    senderId: userOf(event.sender),
    sentAt: believe(event.sentAt),
  };
  const rules = event.stateKey === null ? OF_MESSAGES : OF_STATE;
  return (rules.get(event.type) ?? passed)({ ...event, origin, userOf, believe });
}

/** The Matrix users whom an event names, each with the name that it gives them. */
export function namedBy(event: MatrixEvent): { readonly id: string; readonly name: string | null }[] {
  const { sender, type, stateKey, content, redacted } = event;
  const others = [...mentionsOf(content), ...mentionsOf(objectAt(content, "m.new_content"))];
  if (redacted !== null) others.push(redacted.by);
  const named = [sender, ...others].map((id) => ({ id, name: null }));
  if (type !== "m.room.member" || !isUserId(stateKey)) return named;
  const name = content.membership === "join" ? nameAt(content, "displayname") : null;
  return [...named, { id: stateKey, name }];
}

const passed: Rule = ({ origin }) => ingestOther(origin);

const OF_MESSAGES: ReadonlyMap<string, Rule> = new Map<string, Rule>([
  ["m.room.message", message],
  ["m.room.encrypted", encrypted],
  ["m.sticker", (event) => arrived(event, stickerOf(event.content))],
  ["m.reaction", reaction],
  ["m.room.redaction", redaction],
]);

const OF_STATE: ReadonlyMap<string, Rule> = new Map<string, Rule>([
  ["m.room.create", ({ origin, stateKey }) => ingestOther(origin, stateKey === "")],
  ["m.room.member", member],
  ["m.room.name", name],
]);

function message(event: Incoming): Command<void> {
  const { origin, content, redacted } = event;
  const { edits, quotes } = relationOf(content);
  if (edits !== null) return edit(event, edits);
  const saying = sayingOf(content, quotes);
  if (saying !== null) return arrived(event, saying);
  return redacted === null ? ingestOther(origin) : arrived(event, REDACTED_CONTENT);
}

function edit(event: Incoming, target: string): Command<void> {
  const { origin, content, redacted } = event;
  const revised = objectAt(content, "m.new_content");
  const saying = sayingOf(revised, false);
  if (redacted !== null || saying === null) return ingestOther(origin);
  return ingestEdit(origin, target, { ...saying, mentions: mentioned(event, revised) });
}

/** Its relations are in clear. */
function encrypted(event: Incoming): Command<void> {
  const { origin, content, redacted } = event;
  const { edits } = relationOf(content);
  if (edits === null) return arrived(event, ENCRYPTED_CONTENT);
  return redacted === null ? ingestEdit(origin, edits, null) : ingestOther(origin);
}

function arrived(event: Incoming, saying: MessageContent): Command<void> {
  const { origin, eventId, content, redacted, userOf, believe } = event;
  const messageId = subjectIdOf(eventId, origin.sentAt);
  // Redacting strips an event: whatever a server left there does not count.
  if (redacted !== null) {
    const by = { by: userOf(redacted.by), at: believe(redacted.at) };
    const nothing = { mentions: null, replyTo: null, threadRoot: null, clientMessageId: null };
    return ingestMessage(origin, { ...REDACTED_CONTENT, ...nothing, messageId, redacted: by });
  }
  const { replyTo, threadRoot } = relationOf(content);
  const clientMessageId = clientIdOf(content);
  const mentions = saying === ENCRYPTED_CONTENT ? null : mentioned(event, content);
  return ingestMessage(origin, {
    ...saying,
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
  // Two Matrix users may be one of ours.
  return users.length === 0 ? null : [...new Set(users)];
}

function reaction({ origin, eventId, content, redacted }: Incoming): Command<void> {
  const { annotates } = relationOf(content);
  const key = keyOf(content);
  if (redacted !== null || annotates === null || key === null) return ingestOther(origin);
  return ingestReaction(origin, annotates, subjectIdOf(eventId, origin.sentAt), key);
}

/** Rooms of version 11 name the victim in the content, older ones beside it; most servers say both. */
function redaction({ origin, content, redacts }: Incoming): Command<void> {
  const victim = [content.redacts, redacts].find(isEventId);
  return victim === undefined ? ingestOther(origin) : ingestRedaction(origin, victim);
}

/** An invitation or a knock changes nothing; nor does a profile, whose name is made known with whoever has it. */
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
  const called = nameAt(content, "name");
  return stateKey !== "" || called === null ? ingestOther(origin) : ingestRoomName(origin, called);
}

function found(ids: ReadonlyMap<string, string>, matrixId: string): string {
  const id = ids.get(matrixId);
  if (id === undefined) throw new Error("an id of Matrix was not made known first");
  return id;
}
