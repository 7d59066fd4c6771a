/** A dialog with the keys of the page. */
import { useRef } from "preact/hooks";
import { Icon } from "./icons.tsx";

const KEYS = [
  ["↑ ↓", "previous and next message; ↑ in an empty text field goes to the last one"],
  ["Home End", "the oldest loaded message, the newest message"],
  ["Enter, r", "reply"],
  ["e", "edit your own message"],
  ["Delete", "delete your own message"],
  ["+", "react"],
  ["Escape", "back to the text field from a menu, an edit or a message"],
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
          {KEYS.map(([key, effect]) => (
            <div key={key}>
              <dt>
                <kbd>{key}</kbd>
              </dt>
              <dd>{effect}</dd>
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
