/** Every key and channel name in Redis. What a script touches together shares a hash tag: that of a room, a user, or a bucket of users. */
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

/** Who types in a room, by when the note runs out, and since when: see `lua/start_typing.lua`. */
export const typingKeys = (room: string): readonly [string, string] => [
  `typing:${roomTag(room)}`,
  `typing-since:${roomTag(room)}`,
];

/** A user's bucket of actions: see `lua/take_tokens.lua`. */
export const tokensKey = (userId: string): string => `tokens:${userTag(userId)}`;

/** Presence is spread over so many buckets: few enough to ask each of them what is due, enough for many servers. */
export const BUCKETS = 16;

/** The bucket that keeps a user's presence. */
export const bucketOf = (userId: string): number => slotOf(userId) % BUCKETS;

/** The presence of a bucket's users, and when to look at each of them again: see `lua/presence.lua`. */
export const presenceKeys = (bucket: number): readonly [string, string] => [
  `presence:${bucketTag(bucket)}`,
  `due:${bucketTag(bucket)}`,
];

/** A bucket's users who have a session on a node. */
export const nodeKey = (bucket: number, node: string): string => `node:${bucketTag(bucket)}:${node}`;

/** That nobody may enter on a node any more: see `lua/evict_presence.lua`. */
export const evictedKey = (bucket: number, node: string): string => `evicted:${bucketTag(bucket)}:${node}`;

/** The leases of all nodes, and the claims on those that ran out: see `lua/claim_lease.lua`. One slot, so that one server's end looks the same for all. */
export const LEASE_KEYS: readonly [string, string] = ["leases:{leases}", "claims:{leases}"];

/** What is kept under a ticket. `hash`: of the ticket, so that nobody who reads a key can spend it. */
export const ticketKey = (hash: string): string => `ticket:${hash}`;
