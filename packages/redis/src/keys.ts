/** Every key and channel name in Redis. What belongs to one room, or one user, shares a hash tag, so that a script may touch it together. */
import type { Channel } from "@signalbox/core/ports";

const roomTag = (room: string): string => `{${room}}`;
const userTag = (userId: string): string => `{u:${userId}}`;
const nodeTag = (nodeId: string): string => `{n:${nodeId}}`;

/** The pub/sub channel that carries `channel`. */
export function channelName({ kind, id }: Channel): string {
  switch (kind) {
    case "room":
      return `room:${roomTag(id)}`;
    case "user":
      return `user:${userTag(id)}`;
    case "node":
      return `node:${nodeTag(id)}`;
  }
}

/** Who types in a room, by when the note runs out, and since when: see `lua/start_typing.lua`. */
export const typingKeys = (room: string): readonly [string, string] => [
  `typing:${roomTag(room)}`,
  `typing-since:${roomTag(room)}`,
];

/** A user's bucket of actions: see `lua/take_tokens.lua`. */
export const tokensKey = (userId: string): string => `tokens:${userTag(userId)}`;
