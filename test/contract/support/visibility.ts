/** The traces of one user in the answers, frames and stream events of another. */

import type { Stream, StreamEvent } from "../../support/event-stream.ts";
import { dataOf } from "../../support/http.ts";
import { memberOf, presenceOf, receiptsOf, snapshotOf, statusesOf, typistsOf } from "../../support/queries.ts";
import type { Client, Frame } from "../../support/socket-client.ts";
import type { Person } from "../../support/world.ts";

/** All that REST tells `asker`, a member of the room or a service, about a member. */
export async function restViewOf(asker: Person, member: Person, chatId: string): Promise<object> {
  const isTheirs = ({ user_id }: { user_id: string }) => user_id === member.id;
  const [statuses, queried, presence, snapshot, typists, receipts, state] = await Promise.all([
    statusesOf(asker, member),
    asker.asks("POST", "/v1/presence/query", { ids: [member.id] }),
    presenceOf(asker, member),
    snapshotOf(asker, chatId),
    typistsOf(asker, chatId),
    receiptsOf(asker, chatId),
    memberOf(asker, chatId, member),
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
    member: state,
  };
}

/** The presence, typing and receipts of a user on a socket, `after` this many frames. */
export const framesOf = (client: Client, { id }: Person, after = 0): Frame[] =>
  client.frames
    .slice(after)
    .filter(({ userId, senderId, type }) => [userId, senderId].includes(id) && /PRESENCE|TYPING|READ_MSG/.test(type));

/** The presence, typing and receipts of a user on a stream, `after` this many events. */
export const eventsOf = (stream: Stream, { id }: Person, after = 0): StreamEvent[] =>
  stream.events.slice(after).filter(({ type, data }) => data.user_id === id && /presence|typing|receipt/.test(type));

/** The statuses of a user in the PRESENCE frames of a socket, in order. */
export const toldOf = (client: Client, { id }: Person): string[] =>
  client
    .of("PRESENCE")
    .filter(({ userId }) => userId === id)
    .map(({ status }) => status);
