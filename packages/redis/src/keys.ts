/** Every key and channel name in Redis. The keys of one script share a hash tag: of a room, a user, or a bucket of users. */
import type { Channel } from "@signalbox/core/ports/pub-sub";
import { slotOf } from "./slots.ts";

const roomTag = (room: string): string => `{${room}}`;
const userTag = (userId: string): string => `{u:${userId}}`;
const nodeTag = (nodeId: string): string => `{n:${nodeId}}`;
const bucketTag = (bucket: number): string => `{p:${bucket}}`;

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

/** The typists of a room by the end of their entry, and the starts: see `lua/start_typing.lua`. */
export const typingKeys = (room: string): readonly [string, string] => [
  `typing:${roomTag(room)}`,
  `typing-since:${roomTag(room)}`,
];

/** A user's bucket of rate tokens: see `lua/take_tokens.lua`. */
export const tokensKey = (userId: string): string => `tokens:${userTag(userId)}`;

/** The buckets that presence is spread over: few enough to read each of them for what is due, enough for many servers. */
export const BUCKETS = 16;

/** The bucket that keeps a user's presence. */
export const bucketOf = (userId: string): number => slotOf(userId) % BUCKETS;

/** The presence of a bucket's users, and the moments at which it changes by itself: see `lua/presence.lua`. */
export const presenceKeys = (bucket: number): readonly [string, string] => [
  `presence:${bucketTag(bucket)}`,
  `due:${bucketTag(bucket)}`,
];

/** The users of a bucket with a session on a node. */
export const nodeKey = (bucket: number, node: string): string => `node:${bucketTag(bucket)}:${node}`;

/** The mark that a node was ended, so that no user enters there any more: see `lua/end_node_presence.lua`. */
export const endedKey = (bucket: number, node: string): string => `evicted:${bucketTag(bucket)}:${node}`;

/**
 * The leases of all nodes, and the claims on expired ones: see `lua/claim_lease.lua`. One slot, so that they are lost
 * together.
 */
export const LEASE_KEYS: readonly [string, string] = ["leases:{leases}", "claims:{leases}"];

/** The content of a ticket. `hash` is the ticket's, so that a reader of the keys cannot spend it. */
export const ticketKey = (hash: string): string => `ticket:${hash}`;
