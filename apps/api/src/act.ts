import type { Writer } from "@signalbox/core/commands/writer";
import type { Actor } from "@signalbox/core/model/actor";
import type { Bytes } from "@signalbox/core/model/bytes";
import type { Presence } from "@signalbox/core/presence/presence";
import type { Metrics } from "@signalbox/node/metrics";
import { Problem } from "@signalbox/protocol/errors";
import type { Action } from "@signalbox/protocol/up";

/** Performs an action for any of the routes; resolves as `Writer.act`. */
export type Act = (actor: Actor, action: Action) => Promise<Bytes>;

export interface ActDeps {
  readonly writer: Pick<Writer, "act">;
  readonly presence: Pick<Presence, "touch">;
  readonly metrics: Pick<Metrics, "actions">;
}

export function createAct({ writer, presence, metrics: { actions } }: ActDeps): Act {
  return async (actor, action) => {
    const { type } = action;
    // A page sends STOP_TYPING by itself when its user has been away for a while: that is no activity.
    if (type !== "STOP_TYPING") presence.touch(actor.userId);
    try {
      const event = await writer.act(actor, action);
      actions.inc({ type, outcome: "ok" });
      return event;
    } catch (error) {
      actions.inc({ type, outcome: error instanceof Problem ? error.code : "internal" });
      throw error;
    }
  };
}
