/** What `/v1` prints of a room's state. CONTRACT section 6. */

import type { RoomSectionRow } from "@signalbox/core/model/rows";
import type { RoomState } from "@signalbox/core/ports/store";
import type { Snapshot } from "../snapshot.ts";
import { roomBody } from "./rooms.ts";

export const stateBody = (snapshot: Snapshot) => {
  const { state } = snapshot;
  return {
    room: roomBody(state.room),
    members: membersBody(snapshot),
    engagement: engagementBody(state),
    plan: partBody(state, "plan"),
    active_sidekicks: sidekicksBody(state),
    active_call: partBody(state, "call"),
    unread_count: state.unread,
    mention_count: state.mentions,
    last_read_event_id: eventIdOrNull(state.lastReadId),
    muted_until: state.mutedUntil?.toISOString() ?? null,
    snoozed_event_ids: state.snoozed.map(eventId),
    cursor: state.room.lastSeq,
  };
};

/** Members with what they are in this room. */
export const membersBody = ({ state, seen, typists }: Snapshot) => {
  const typing = new Set(typists.map(({ userId }) => userId));
  return state.members.map((member) => {
    const presence = seen.get(member.userId);
    return {
      user_id: member.userId,
      name: member.name,
      role: member.role,
      joined_at: member.joinedAt,
      status: presence?.status ?? "offline",
      last_active_at: presence?.activeAt?.toISOString() ?? null,
      last_read_event_id: eventIdOrNull(member.read?.messageId ?? null),
      read_at: member.read?.readAt ?? null,
      typing: typing.has(member.userId),
    };
  });
};

/** Never null: a room in which nobody set a mode has none, and no overrides. */
export const engagementBody = (state: RoomState) => partBody(state, "engagement") ?? { mode: null, overrides: {} };

export const partBody = ({ sections: parts }: RoomState, name: "engagement" | "plan" | "call") =>
  parts.find(({ section: part }) => part === name)?.body ?? null;

const SIDEKICK = "sidekick ";
export const sidekicksBody = ({ sections: parts }: RoomState) =>
  parts.filter(isLiveSidekick).map(({ section: part, body }) => ({ ...body, id: part.slice(SIDEKICK.length) }));

const isLiveSidekick = ({ section: part, body }: RoomSectionRow): boolean => body !== null && part.startsWith(SIDEKICK);

/** A message's id as this surface prints it. */
export const eventId = (messageId: string): string => `evt-${messageId}`;

const eventIdOrNull = (messageId: string | null): string | null => (messageId === null ? null : eventId(messageId));
