/** A dialog to create a room. */
import { useRef } from "preact/hooks";
import type { User } from "./chat.ts";
import { Icon } from "./icons.tsx";
import type { SessionStore } from "./session-store.ts";
import { userNamed } from "./user-name.ts";

export function NewRoom({ store, suggested }: { store: SessionStore; suggested: User | undefined }) {
  const dialog = useRef<HTMLDialogElement>(null);
  const submit = (form: HTMLFormElement) => {
    const fields = new FormData(form);
    const people = String(fields.get("people")).split(",");
    store.createRoom(
      String(fields.get("name")).trim(),
      people.flatMap((name) => userNamed(name)?.userId ?? []),
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
            Members, separated by commas
            <input name="people" defaultValue={suggested?.name ?? ""} autoComplete="off" />
          </label>
          <div class="buttons">
            <button type="button" onClick={() => dialog.current?.close()}>
              Cancel
            </button>
            <button type="submit" class="primary">
              Create
            </button>
          </div>
        </form>
      </dialog>
    </>
  );
}
