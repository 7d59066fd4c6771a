/** The reactions to a message, and the menu to choose one from. */
import { useLayoutEffect, useRef } from "preact/hooks";
import type { Entry } from "./chat.ts";
import type { Session } from "./session.ts";

const CHOICES = ["👍", "❤️", "😂", "🎉", "😮", "🙏"] as const;

export interface ReactionsProps {
  entry: Entry;
  session: Session;
  /** Adds the user's own reaction, or removes it. */
  onToggle(reaction: string): void;
}

export function Reactions({ entry, session, onToggle }: ReactionsProps) {
  if (entry.reactions.length === 0) return null;
  const people = new Map<string, string[]>();
  for (const { reaction, senderId } of entry.reactions)
    people.set(reaction, [...(people.get(reaction) ?? []), senderId]);
  return (
    <ul class="reactions" aria-label="Reactions">
      {[...people].map(([reaction, userIds]) => (
        <li key={reaction}>
          <button
            type="button"
            class="reaction"
            data-testid="reaction"
            aria-pressed={userIds.includes(session.me.userId)}
            title={userIds.map((userId) => session.names.get(userId) ?? userId).join(", ")}
            onClick={() => onToggle(reaction)}
          >
            {reaction} <span class="count">{userIds.length}</span>
          </button>
        </li>
      ))}
    </ul>
  );
}

export interface ReactionMenuProps {
  onChoose(reaction: string): void;
  onClose(): void;
}

export function ReactionMenu({ onChoose, onClose }: ReactionMenuProps) {
  const menu = useRef<HTMLDivElement>(null);
  // In a layout effect, since the next key belongs to the menu.
  useLayoutEffect(() => menu.current?.querySelector("button")?.focus(), []);
  const onKeyDown = (event: KeyboardEvent) => {
    const items = [...(menu.current?.querySelectorAll("button") ?? [])];
    const at = items.indexOf(document.activeElement as HTMLButtonElement);
    const by = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (event.key === "Escape" || event.key === "Tab") onClose();
    else if (by !== undefined) items.at((at + by) % items.length)?.focus();
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
  return (
    <div ref={menu} class="menu" role="menu" aria-label="Reactions" tabIndex={-1} onKeyDown={onKeyDown}>
      {CHOICES.map((reaction) => (
        <button key={reaction} type="button" role="menuitem" tabIndex={-1} onClick={() => onChoose(reaction)}>
          {reaction}
        </button>
      ))}
    </div>
  );
}
