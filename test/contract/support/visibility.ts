/** What one person is shown of another, gathered from every door. */

import type { Stream, StreamEvent } from "../../support/event-stream.ts";
import { dataOf } from "../../support/http.ts";
import { memberOf, presenceOf, receiptsOf, snapshotOf, statusesOf, typistsOf } from "../../support/queries.ts";
import type { Client, Frame } from "../../support/socket-client.ts";
import type { Person } from "../../support/world.ts";

/** Everything that REST tells `asker`, who may look into the room, of somebody in it. */
export async function told(asker: Person, who: Person, chatId: string): Promise<object> {
  const isTheirs = ({ user_id }: { user_id: string }) => user_id === who.id;
  const [statuses, queried, presence, snapshot, typists, receipts, member] = await Promise.all([
    statusesOf(asker, who),
    asker.asks("POST", "/v1/presence/query", { ids: [who.id] }),
    presenceOf(asker, who),
    snapshotOf(asker, chatId),
    typistsOf(asker, chatId),
    receiptsOf(asker, chatId),
    memberOf(asker, chatId, who),
  ]);
  return {
    statuses,
    queried: dataOf(queried),
    presence,
    snapshot: {
      presence: snapshot.presence.filter(isTheirs),
      typing: snapshot.typing.filter(isTheirs),
      receipts: snapshot.receipts.filter(isTheirs),
    },
    typists: typists.filter(isTheirs),
    receipts: receipts.filter(isTheirs),
    member,
  };
}

/** What a socket was told of somebody, but what they said and that they joined, `after` its first so many frames. */
export const framesOf = (client: Client, { id }: Person, after = 0): Frame[] =>
  client.frames
    .slice(after)
    .filter(({ userId, senderId, type }) => [userId, senderId].includes(id) && /PRESENCE|TYPING|READ_MSG/.test(type));

/** The same of a stream. */
export const eventsOf = (stream: Stream, { id }: Person, after = 0): StreamEvent[] =>
  stream.events.slice(after).filter(({ type, data }) => data.user_id === id && /presence|typing|receipt/.test(type));
