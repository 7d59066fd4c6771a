/** A room is made in a dialog. */
import { useRef } from "preact/hooks";
import type { Person } from "./chat.ts";
import { Icon } from "./icons.tsx";
import type { Live } from "./live.ts";
import { personOf } from "./person.ts";

export function NewRoom({ live, suggested }: { live: Live; suggested: Person | undefined }) {
  const dialog = useRef<HTMLDialogElement>(null);
  const submit = (form: HTMLFormElement) => {
    const fields = new FormData(form);
    const people = String(fields.get("people")).split(",");
    live.createRoom(
      String(fields.get("name")).trim(),
      people.flatMap((name) => personOf(name)?.userId ?? []),
    );
    form.reset();
    dialog.current?.close();
  };
  return (
    <>
      <button
        type="button"
        class="quiet"
        aria-label="New room"
        title="New room"
        onClick={() => dialog.current?.showModal()}
      >
        <Icon of="plus" />
      </button>
      <dialog ref={dialog} aria-label="New room">
        <form
          onSubmit={(event) => {
            event.preventDefault();
            submit(event.currentTarget);
          }}
        >
          <h2>New room</h2>
          <label>
            Name
            <input name="name" required pattern=".*\S.*" maxLength={100} autoComplete="off" />
          </label>
          <label>
            People, with commas between them
            <input name="people" defaultValue={suggested?.name ?? ""} autoComplete="off" />
          </label>
          <div class="buttons">
            <button type="button" onClick={() => dialog.current?.close()}>
              Cancel
            </button>
            <button type="submit" class="primary">
              Make it
            </button>
          </div>
        </form>
      </dialog>
    </>
  );
}
