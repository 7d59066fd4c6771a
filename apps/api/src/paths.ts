/** Ids that stand in a path, and what they name. */
import type { Store } from "@signalbox/core/ports/store";
import { invalidField, Problem } from "@signalbox/protocol/errors";
import { sidekickId } from "@signalbox/protocol/http";
import { isMatrixEventId, isUserId, parseMessageId, parseRoomId } from "@signalbox/protocol/ids";
import { parse } from "@signalbox/protocol/parse";

/** The answer for a room that does not exist, and to strangers for one that does: the same words as the writer's. */
export const noSuchRoom = (): Problem => new Problem("not_found", "no such room");

/** The same for a message. */
export const noSuchMessage = (): Problem => new Problem("not_found", "no such message");

/** A room id of a path. Throws `not_found` for anything else: such a room cannot exist. */
export function roomIn(param: string): string {
  const roomId = parseRoomId(param);
  if (roomId === undefined) throw noSuchRoom();
  return roomId;
}

/** A message id of a path. Throws `not_found` for anything else. */
export function messageIn(param: string): string {
  const messageId = parseMessageId(param);
  if (messageId === undefined) throw noSuchMessage();
  return messageId;
}

/**
 * Our id of a message of the room that `messageId` may name by Matrix's ("$…"). Throws `not_found` when Matrix's became no
 * message there.
 */
export async function ownIdOf(store: Pick<Store, "messageIds">, roomId: string, messageId: string): Promise<string> {
  if (!isMatrixEventId(messageId)) return messageId;
  const own = (await store.messageIds(roomId, [messageId])).get(messageId);
  if (own === undefined) throw noSuchMessage();
  return own;
}

/** A user id of a path. Throws `invalid` for anything else. */
export function userIn(param: string): string {
  if (!isUserId(param)) throw invalidField("userId", "a user id");
  return param;
}

/** A sidekick's id of a path. Throws `invalid` for anything else. */
export function sidekickIn(param: string): string {
  try {
    return parse(sidekickId, param);
  } catch {
    // A path's field has a name, which the schema does not know.
    throw invalidField("sidekickId", "1 to 128 characters, not only white space");
  }
}
