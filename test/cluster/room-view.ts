/** A room as its history and the stream after it show it. */
import { parseJson } from "@signalbox/protocol/parse";
import { sseOf } from "@signalbox/protocol/sse";
import type { Fields } from "../support/arrivals.ts";
import { wholeHistory } from "../support/cluster/load.ts";
import type { Stage, Truth } from "../support/cluster/stage.ts";
import type { Stream } from "../support/event-stream.ts";
import type { HistoryEntry } from "../support/http.ts";
import { matrixId, snapshotOf } from "../support/queries.ts";
import type { Person } from "../support/world.ts";

interface Known {
  readonly content: string;
  readonly deleted: boolean;
  /** The reactions' ids. */
  readonly reactions: ReadonlySet<string>;
}

/** Messages by their event ids. */
export type RoomView = Map<string, Known>;

/** The events of a stream without an id. */
const LIVE: ReadonlySet<string> = new Set(["typing", "presence", "receipt", "notification", "reset"]);

/** A durable event as a stream prints it. */
export interface Print {
  readonly cursor: string;
  readonly event: string;
  readonly data: Fields;
}

/** The durable events of a stream, in order. */
export const printsOf = (stream: Stream): readonly Print[] =>
  stream.events.flatMap(({ lastEventId, type, data }) =>
    LIVE.has(type) ? [] : [{ cursor: lastEventId, event: type, data }],
  );

/** The print of an event of the store, with the texts of now, for messages that fit a preview. */
export function printed({ cursor, body }: Truth): Print {
  const event = parseJson(`{${body}`) as Parameters<typeof sseOf>[0];
  return { cursor, ...sseOf(event, { serverName: "localhost", preview: (content) => content }) };
}

/** A print without the text that an edit, a delete or the removal of a reaction takes back. */
export function textless(print: Print): Print {
  const { preview: _, reaction: __, ...data } = print.data;
  return { ...print, data };
}

/** Follows a room as a page does: a snapshot, the history, and a stream from the snapshot's cursor. */
export async function follows(
  stage: Stage,
  reader: Person,
  chatId: string,
  door: number,
): Promise<{ view: RoomView; cursor: string; stream: Stream }> {
  const { cursor } = await snapshotOf(reader, chatId);
  const view = viewOf(await wholeHistory(reader, chatId));
  return { view, cursor, stream: await stage.streams(reader, chatId, door, cursor) };
}

export const viewOf = (history: readonly HistoryEntry[]): RoomView =>
  new Map(
    history.map(({ messageId, content, deleted, reactions }) => [
      matrixId(messageId),
      { content, deleted, reactions: new Set(reactions.map(({ reactionId }) => String(reactionId))) },
    ]),
  );

/** Applies an event that may be in the history already, which may be newer than the stream's first cursor. */
export function takeIn(view: RoomView, { event, data }: Print): void {
  const eventId = String(data.event_id);
  const known = view.get(eventId) ?? { content: "", deleted: false, reactions: new Set<string>() };
  switch (event) {
    case "message":
    case "message_edited":
      view.set(eventId, { ...known, content: String(data.preview) });
      break;
    case "message_deleted":
      view.set(eventId, { ...known, content: "", deleted: true });
      break;
    case "reaction_added":
      view.set(eventId, { ...known, reactions: new Set([...known.reactions, String(data.id)]) });
      break;
    case "reaction_removed":
      view.set(eventId, { ...known, reactions: new Set([...known.reactions].filter((id) => id !== data.id)) });
      break;
    default:
  }
}
