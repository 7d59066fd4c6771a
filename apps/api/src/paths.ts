/** Ids that stand in a path. */
import { Problem } from "@signalbox/protocol/errors";
import { isUserId, parseRoomId } from "@signalbox/protocol/ids";
import { wrongField } from "./problem.ts";

/** The answer for a room that does not exist, and to strangers for one that does: the same words as the writer's. */
export const noSuchRoom = (): Problem => new Problem("not_found", "no such room");

/** A room id of a path. Throws `not_found` for anything else: such a room cannot exist. */
export function roomIn(param: string): string {
  const roomId = parseRoomId(param);
  if (roomId === undefined) throw noSuchRoom();
  return roomId;
}

/** A user id of a path. Throws `invalid` for anything else. */
export function userIn(param: string): string {
  if (!isUserId(param)) throw wrongField("userId", "a user id");
  return param;
}
