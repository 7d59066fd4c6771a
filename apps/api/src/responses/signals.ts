/** What `/chat/api/v1` prints of a conversation's signals. CONTRACT section 5. */

import type { RoomStateMember } from "@signalbox/core/ports/store";
import type { Typist } from "@signalbox/core/ports/typing-store";
import type { SeenPresence } from "@signalbox/core/presence/presence";
import { eventIdOf } from "@signalbox/protocol/ids";
import { signalStatusOf } from "@signalbox/protocol/presence";
import type { Snapshot } from "../snapshot.ts";

/** `now`: milliseconds since the epoch. */
export const snapshotBody = ({ state, seen, typists }: Snapshot, serverName: string, now: number) => ({
  conversation_id: state.room.roomId,
  presence: state.members.map(({ userId }) => presenceBody(seen.get(userId) ?? unseen(userId))),
  typing: typists.map((typist) => ({
    ...typistBody(typist),
    expires_at: new Date(now + typist.remainingMs).toISOString(),
  })),
  receipts: receiptsBody(state.members, serverName),
  cursor: state.room.lastSeq,
});

export const presenceBody = ({ userId, status, activeAt }: SeenPresence) => ({
  user_id: userId,
  status: signalStatusOf(status),
  last_active_at: activeAt?.toISOString() ?? null,
});

const unseen = (userId: string): SeenPresence => ({ userId, status: "offline", activeAt: null });

export const typistBody = ({ userId, startedAt }: Typist) => ({
  user_id: userId,
  started_at: new Date(startedAt).toISOString(),
});

/** How far each member has read; those who never read are left out. */
export const receiptsBody = (members: readonly RoomStateMember[], serverName: string) =>
  members.flatMap(({ userId, read }) =>
    read === null
      ? []
      : [
          {
            user_id: userId,
            last_read_event_id: eventIdOf(read, serverName),
            read_at: read.readAt,
          },
        ],
  );
