/** What the keys do, in a dialog. */
import { useRef } from "preact/hooks";
import { Icon } from "./icons.tsx";

const KEYS = [
  ["↑ ↓", "from message to message; ↑ in an empty text field goes to the last one"],
  ["Home End", "the oldest message that is loaded, the newest"],
  ["Enter, r", "reply"],
  ["e", "edit one's own message"],
  ["Delete", "delete one's own message"],
  ["+", "react"],
  ["Escape", "back: from a menu, an edit, a message to the text field"],
  ["Enter, Shift+Enter", "in the text field: send, new line"],
] as const;

export function Keys() {
  const dialog = useRef<HTMLDialogElement>(null);
  return (
    <>
      <button type="button" class="quiet" aria-label="Keys" title="Keys" onClick={() => dialog.current?.showModal()}>
        <Icon of="keys" />
      </button>
      <dialog ref={dialog} aria-labelledby="keys-title">
        <h2 id="keys-title">Keys</h2>
        <dl class="keys">
          {KEYS.map(([key, what]) => (
            <div key={key}>
              <dt>
                <kbd>{key}</kbd>
              </dt>
              <dd>{what}</dd>
            </div>
          ))}
        </dl>
        <form method="dialog" class="buttons">
          <button type="submit" class="primary">
            Close
          </button>
        </form>
      </dialog>
    </>
  );
}
