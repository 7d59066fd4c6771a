/** Users on the page: an avatar with their initials, a dot for their presence. */
import type { Status } from "@signalbox/client";
import { hue, initials } from "./user-name.ts";

const HUES = 6;

export function Avatar({ userId, name }: { userId: string; name: string }) {
  return (
    <span class={`avatar hue-${hue(userId, HUES)}`} aria-hidden="true">
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

/** A dot, different for each status in form as well as in colour. */
export function Presence({ userId, status }: { userId: string; status: Status }) {
  return (
    <span class="presence" data-testid={`presence-${userId}`} data-status={status} title={STATUS_WORDS[status]}>
      <span class="visually-hidden">{STATUS_WORDS[status]}</span>
    </span>
  );
}
