/** The state of a room, whole and in sections, as `/v1` prints it. CONTRACT section 6. */
import type { RoomStateSection } from "@signalbox/core/commands/room-state";
import type { RoomSectionRow } from "@signalbox/core/model/rows";
import type { RoomState as StateRow } from "@signalbox/core/ports/store";
import { Call, Engagement, Plan } from "@signalbox/protocol/http";
import { Status } from "@signalbox/protocol/presence";
import * as v from "valibot";
import type { Snapshot } from "../snapshot.ts";
import { cursorOf, Member, Room, roomBody } from "./rooms.ts";
import { cursor, evtId, free, time, whole } from "./values.ts";

/** A member with presence, receipt and typing. */
export const StateMember = v.object({
  user_id: Member.entries.user_id,
  name: v.nullable(v.string()),
  role: Member.entries.role,
  joined_at: time,
  status: Status,
  last_active_at: v.nullable(time),
  last_read_event_id: v.nullable(evtId),
  read_at: v.nullable(time),
  typing: v.boolean(),
});
/** A sidekick's own fields, and its id. */
export const Sidekick = v.looseObject({ id: v.string() });
/** The engagement of a room before a mode is set. */
export const NoEngagement = v.object({ mode: v.null(), overrides: free });

export const RoomState = v.object({
  room: Room,
  members: v.array(StateMember),
  engagement: v.union([Engagement, NoEngagement]),
  plan: v.nullable(Plan),
  active_sidekicks: v.array(Sidekick),
  active_call: v.nullable(Call),
  unread_count: whole,
  mention_count: whole,
  last_read_event_id: v.nullable(evtId),
  muted_until: v.nullable(time),
  snoozed_event_ids: v.array(evtId),
  cursor,
});
export const Mute = v.object({ muted_until: v.nullable(time) });
export const Snooze = v.object({ event_id: evtId, until: time });

export const stateBody = (snapshot: Snapshot) => {
  const { state } = snapshot;
  return {
    room: roomBody(state.room),
    members: membersBody(snapshot),
    engagement: engagementBody(state),
    plan: sectionBody(state, "plan"),
    active_sidekicks: sidekicksBody(state),
    active_call: sectionBody(state, "call"),
    unread_count: state.unread,
    mention_count: state.mentions,
    last_read_event_id: evtIdOrNull(state.lastReadId),
    muted_until: state.mutedUntil?.toISOString() ?? null,
    snoozed_event_ids: state.snoozed.map(evtIdOf),
    cursor: cursorOf(state.room),
  };
};

export const membersBody = ({ state, seen, typists }: Snapshot): v.InferOutput<typeof StateMember>[] => {
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
      last_read_event_id: evtIdOrNull(member.read?.messageId ?? null),
      read_at: member.read?.readAt ?? null,
      typing: typing.has(member.userId),
    };
  });
};

/** Never null: see `NoEngagement`. */
export const engagementBody = (state: StateRow) => sectionBody(state, "engagement") ?? { mode: null, overrides: {} };

export const sectionBody = ({ sections }: StateRow, name: "engagement" | "plan" | "call") =>
  sections.find(({ section }) => section === name)?.body ?? null;

const SIDEKICK = "sidekick ";
/** The name of a sidekick's section. */
export const sidekickSection = (sidekickId: string): RoomStateSection => `${SIDEKICK}${sidekickId}`;

export const sidekicksBody = ({ sections }: StateRow) =>
  sections.filter(isActiveSidekick).map(({ section, body }) => ({ ...body, id: section.slice(SIDEKICK.length) }));

const isActiveSidekick = ({ section, body }: RoomSectionRow): boolean => body !== null && section.startsWith(SIDEKICK);

/** A message's id as this surface prints it. */
export const evtIdOf = (messageId: string): string => `evt-${messageId}`;

const evtIdOrNull = (messageId: string | null): string | null => (messageId === null ? null : evtIdOf(messageId));
