/** The buttons of a message. They show when it is pointed at, or has the focus. */
import type { Entry } from "./chat.ts";
import { Icon } from "./icons.tsx";
import type { MessageActs } from "./message.tsx";
import { ReactionMenu } from "./reactions.tsx";

export interface ToolbarProps {
  entry: Entry;
  mine: boolean;
  /** Its message is in the order of the Tab key, and so are its buttons. */
  current: boolean;
  reacting: boolean;
  acts: MessageActs;
  onReacting(open: boolean): void;
}

export function Toolbar({ entry, mine, current, reacting, acts, onReacting }: ToolbarProps) {
  if (reacting)
    return (
      <div class="toolbar open">
        <ReactionMenu
          onClose={() => onReacting(false)}
          onChoose={(reaction) => {
            acts.react(entry, reaction);
            onReacting(false);
          }}
        />
      </div>
    );
  const button = (name: string, icon: Parameters<typeof Icon>[0]["of"], act: () => void) => (
    <button type="button" aria-label={name} title={name} tabIndex={current ? 0 : -1} onClick={act}>
      <Icon of={icon} />
    </button>
  );
  return (
    <div class="toolbar">
      {button("React", "react", () => onReacting(true))}
      {button("Reply", "reply", () => acts.reply(entry))}
      {mine && button("Edit", "edit", () => acts.edit(entry))}
      {mine && button("Delete", "remove", () => acts.remove(entry))}
    </div>
  );
}
