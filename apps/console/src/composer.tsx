/** Where a message is written: a new one, an answer, or another text for one's own. */
import type { RefObject } from "preact";
import { useLayoutEffect, useState } from "preact/hooks";
import type { Entry } from "./chat.ts";
import { Icon } from "./icons.tsx";
import type { Live } from "./live.ts";

export type Intent = { to: "send" } | { to: "reply"; entry: Entry } | { to: "edit"; entry: Entry };

export interface ComposerProps {
  live: Live;
  chatId: string;
  field: RefObject<HTMLTextAreaElement | null>;
  names: ReadonlyMap<string, string>;
  intent: Intent;
  /** It was done, or given up. */
  done(): void;
}

/** What a message may hold, in bytes of UTF-8. */
const TEXT_MAX = 32_768;

export function Composer({ live, chatId, field, names, intent, done }: ComposerProps) {
  const [text, setText] = useState("");
  const edited = intent.to === "edit" ? intent.entry : undefined;
  // Before the next key is pressed, which may come at once.
  useLayoutEffect(() => {
    if (edited === undefined) return undefined;
    setText(edited.text);
    // What was being written before comes back.
    return () => setText(text);
  }, [edited]);
  const sendable = text.trim() !== "" && new TextEncoder().encode(text).length <= TEXT_MAX;

  const submit = () => {
    if (!sendable) return;
    if (intent.to === "edit") {
      if (text !== intent.entry.text) live.edit(chatId, intent.entry.messageId, text);
    } else {
      live.send(chatId, text, intent.to === "reply" ? intent.entry : undefined);
      setText("");
    }
    done();
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      submit();
    } else if (event.key === "Escape" && intent.to !== "send") done();
    else if (event.key === "ArrowUp" && text === "" && event.currentTarget instanceof HTMLElement) {
      const messages = event.currentTarget.closest("section")?.querySelectorAll<HTMLElement>("[data-testid=message]");
      [...(messages ?? [])].at(-1)?.focus();
      event.preventDefault();
    }
  };

  return (
    <form
      class="composer"
      aria-label="Write"
      onSubmit={(event) => {
        event.preventDefault();
        submit();
      }}
    >
      {intent.to !== "send" && <IntentLine intent={intent} names={names} done={done} />}
      <textarea
        ref={field}
        data-testid="composer"
        aria-label="Message"
        placeholder="Write a message"
        rows={1}
        value={text}
        onInput={({ currentTarget }) => {
          setText(currentTarget.value);
          if (intent.to !== "edit") live.typing(chatId, currentTarget.value);
        }}
        onKeyDown={onKeyDown}
      />
      <button type="submit" class="primary send" data-testid="send" aria-label="Send" disabled={!sendable}>
        <Icon of={intent.to === "edit" ? "tick" : "send"} />
      </button>
    </form>
  );
}

interface IntentLineProps {
  intent: Exclude<Intent, { to: "send" }>;
  names: ComposerProps["names"];
  done(): void;
}

function IntentLine({ intent, names, done }: IntentLineProps) {
  const { entry, to } = intent;
  return (
    <p class="intent">
      <Icon of={to} />
      <span class="what">
        {to === "edit" ? "Edit" : `Reply to ${names.get(entry.senderId) ?? entry.senderId}`}
        <span class="quoted">{entry.text}</span>
      </span>
      <button type="button" class="quiet" aria-label="Cancel" onClick={done}>
        <Icon of="close" />
      </button>
    </p>
  );
}
