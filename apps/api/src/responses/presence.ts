/** The caller's own presence and typing, as `/v1` prints them. CONTRACT section 6. */
import type { SeenPresence } from "@signalbox/core/presence/presence";
import { userId } from "@signalbox/protocol/ids";
import { Status } from "@signalbox/protocol/presence";
import * as v from "valibot";
import { time, uuid } from "./values.ts";

export const OwnPresence = v.object({ user_id: userId, status: Status, last_active_at: v.nullable(time) });
export const Typing = v.object({ room_id: uuid, typing: v.boolean(), expires_at: v.nullable(time) });

export const ownPresenceBody = ({ userId, status, activeAt }: SeenPresence): v.InferOutput<typeof OwnPresence> => ({
  user_id: userId,
  status,
  last_active_at: activeAt?.toISOString() ?? null,
});
