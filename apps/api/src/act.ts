import type { Writer } from "@signalbox/core/commands/writer";
import type { Actor } from "@signalbox/core/model/actor";
import type { Bytes } from "@signalbox/core/model/bytes";
import type { Presence } from "@signalbox/core/presence/presence";
import type { Metrics } from "@signalbox/node/metrics";
import { Problem } from "@signalbox/protocol/errors";
import type { Action } from "@signalbox/protocol/up";

/** Does what a user asks, whichever path they ask it on, and resolves as `Writer.act`. */
export type Act = (actor: Actor, action: Action) => Promise<Bytes>;

export interface ActDeps {
  readonly writer: Pick<Writer, "act">;
  readonly presence: Pick<Presence, "touch">;
  readonly metrics: Pick<Metrics, "actions">;
}

export function createAct({ writer, presence, metrics: { actions } }: ActDeps): Act {
  return async (actor, action) => {
    const { type } = action;
    // A page says that nobody types any more when its person has gone for a while.
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
