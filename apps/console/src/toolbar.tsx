/** The buttons of a message. They appear when the pointer is over it, or when it has the focus. */
import type { Entry } from "./chat.ts";
import { Icon } from "./icons.tsx";
import { ReactionMenu } from "./reactions.tsx";

export interface ToolbarActions {
  reply(entry: Entry): void;
  edit(entry: Entry): void;
  remove(entry: Entry): void;
  react(entry: Entry, reaction: string): void;
}

export interface ToolbarProps {
  entry: Entry;
  mine: boolean;
  /** The message is in the order of the Tab key, and so are its buttons. */
  current: boolean;
  reacting: boolean;
  actions: ToolbarActions;
  onReacting(open: boolean): void;
}

export function Toolbar({ entry, mine, current, reacting, actions, onReacting }: ToolbarProps) {
  if (reacting)
    return (
      <div class="toolbar open">
        <ReactionMenu
          onClose={() => onReacting(false)}
          onChoose={(reaction) => {
            actions.react(entry, reaction);
            onReacting(false);
          }}
        />
      </div>
    );
  const button = (name: string, icon: Parameters<typeof Icon>[0]["of"], action: () => void) => (
    <button type="button" aria-label={name} title={name} tabIndex={current ? 0 : -1} onClick={action}>
      <Icon of={icon} />
    </button>
  );
  return (
    <div class="toolbar">
      {button("React", "react", () => onReacting(true))}
      {button("Reply", "reply", () => actions.reply(entry))}
      {mine && button("Edit", "edit", () => actions.edit(entry))}
      {mine && button("Delete", "remove", () => actions.remove(entry))}
    </div>
  );
}
