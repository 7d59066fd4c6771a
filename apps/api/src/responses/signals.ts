/** Presence, typing and receipts of a conversation, as `/chat/api/v1` prints them. CONTRACT section 5. */
import type { RoomStateMember } from "@signalbox/core/ports/store";
import type { Typist as TypistRow } from "@signalbox/core/ports/typing-store";
import type { SeenPresence } from "@signalbox/core/presence/presence";
import { eventIdOf, userId } from "@signalbox/protocol/ids";
import { signalStatusOf } from "@signalbox/protocol/presence";
import * as v from "valibot";
import type { Snapshot } from "../snapshot.ts";
import { cursorOf } from "./rooms.ts";
import { cursor, matrixEvent, time, uuid } from "./values.ts";

export const WordPresence = v.object({
  user_id: userId,
  status: v.picklist(["online", "offline", "unavailable"]),
  last_active_at: v.nullable(time),
});
export const Typist = v.object({ user_id: userId, started_at: time });
export const Receipt = v.object({ user_id: userId, last_read_event_id: matrixEvent, read_at: time });
export const SignalSnapshot = v.object({
  conversation_id: uuid,
  presence: v.array(WordPresence),
  typing: v.array(v.object({ ...Typist.entries, expires_at: time })),
  receipts: v.array(Receipt),
  cursor,
});

/** `now`: milliseconds since the epoch. */
export const snapshotBody = (
  { state, seen, typists }: Snapshot,
  serverName: string,
  now: number,
): v.InferOutput<typeof SignalSnapshot> => ({
  conversation_id: state.room.roomId,
  presence: state.members.map((member) => presenceBody(seen.get(member.userId) ?? unseen(member.userId))),
  typing: typists.map((typist) => ({
    ...typistBody(typist),
    expires_at: new Date(now + typist.remainingMs).toISOString(),
  })),
  receipts: receiptsBody(state.members, serverName),
  cursor: cursorOf(state.room),
});

export const presenceBody = ({ userId, status, activeAt }: SeenPresence): v.InferOutput<typeof WordPresence> => ({
  user_id: userId,
  status: signalStatusOf(status),
  last_active_at: activeAt?.toISOString() ?? null,
});

const unseen = (userId: string): SeenPresence => ({ userId, status: "offline", activeAt: null });

export const typistBody = ({ userId, startedAt }: TypistRow): v.InferOutput<typeof Typist> => ({
  user_id: userId,
  started_at: new Date(startedAt).toISOString(),
});

/** The receipt of each member; members without one are left out. */
export const receiptsBody = (
  members: readonly RoomStateMember[],
  serverName: string,
): v.InferOutput<typeof Receipt>[] =>
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
