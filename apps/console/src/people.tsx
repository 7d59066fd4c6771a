/** How people appear: a circle with their initials, a dot for their presence. */
import type { Status } from "@signalbox/client";
import { hue, initials } from "./person.ts";

const HUES = 6;

export function Circle({ userId, name }: { userId: string; name: string }) {
  return (
    <span class={`circle hue-${hue(userId, HUES)}`} aria-hidden="true">
      {initials(name)}
    </span>
  );
}

export const STATUS_WORDS: Record<Status, string> = {
  online: "online",
  idle: "idle",
  busy: "busy",
  appear_offline: "appears offline",
  offline: "offline",
};

/** Tells the states apart by its form as well as by its colour. */
export function Presence({ userId, status }: { userId: string; status: Status }) {
  return (
    <span class="presence" data-testid={`presence-${userId}`} data-status={status} title={STATUS_WORDS[status]}>
      <span class="unseen">{STATUS_WORDS[status]}</span>
    </span>
  );
}
