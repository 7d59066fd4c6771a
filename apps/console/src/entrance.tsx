/** A pane in which nobody sits yet. */
import { GatewayChoice } from "./gateway-choice.tsx";
import { Circle } from "./people.tsx";
import { personOf } from "./person.ts";
import type { Places } from "./places.ts";
import type { Seat } from "./seat.ts";

export function Entrance({ seat, places }: { seat: Seat; places: Places }) {
  const person = personOf(seat.name);
  const field = `name-${seat.id}`;
  return (
    <form
      class="entrance"
      aria-label="Sign in"
      onSubmit={(event) => {
        event.preventDefault();
        seat.enter();
      }}
    >
      <Circle userId={person?.userId ?? ""} name={person?.name ?? "?"} />
      <label for={field}>Name</label>
      <input
        id={field}
        data-testid="name"
        value={seat.name}
        maxLength={64}
        autoComplete="off"
        onInput={({ currentTarget }) => seat.setName(currentTarget.value)}
      />
      <div class="row">
        <span>Gateway</span>
        <GatewayChoice seat={seat} places={places} />
      </div>
      <button type="submit" class="primary" disabled={person === undefined || seat.entering}>
        {seat.entering ? "Signing in …" : "Sign in"}
      </button>
      <p class="aside">Anybody may come in: this server gives out tokens to try it with.</p>
      {seat.problem !== undefined && (
        <p class="problem" role="alert">
          {seat.problem}
        </p>
      )}
    </form>
  );
}
