/** The text field for a new message, a reply, or an edit. */
import type { RefObject } from "preact";
import { useLayoutEffect, useState } from "preact/hooks";
import type { Entry } from "./chat.ts";
import { Icon } from "./icons.tsx";
import type { SessionStore } from "./session-store.ts";

export type Intent = { to: "send" } | { to: "reply"; entry: Entry } | { to: "edit"; entry: Entry };

export interface ComposerProps {
  store: SessionStore;
  chatId: string;
  field: RefObject<HTMLTextAreaElement | null>;
  names: ReadonlyMap<string, string>;
  intent: Intent;
  /** Called when the reply or edit was sent, or given up. */
  done(): void;
}

/** The longest message, in bytes of UTF-8. */
const MAX_BYTES = 32_768;

export function Composer({ store, chatId, field, names, intent, done }: ComposerProps) {
  const [text, setText] = useState("");
  const edited = intent.to === "edit" ? intent.entry : undefined;
  // In a layout effect, since the next key may come at once.
  useLayoutEffect(() => {
    if (edited === undefined) return undefined;
    setText(edited.text);
    // The text from before the edit comes back.
    return () => setText(text);
  }, [edited]);
  const sendable = text.trim() !== "" && new TextEncoder().encode(text).length <= MAX_BYTES;

  const submit = () => {
    if (!sendable) return;
    if (intent.to === "edit") {
      if (text !== intent.entry.text) store.edit(chatId, intent.entry.messageId, text);
    } else {
      store.send(chatId, text, intent.to === "reply" ? intent.entry : undefined);
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
          if (intent.to !== "edit") store.typing(chatId, currentTarget.value);
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
