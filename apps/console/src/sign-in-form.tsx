/** A pane without a signed-in user. */

import type { Endpoints } from "./endpoints.ts";
import { GatewayChoice } from "./gateway-choice.tsx";
import type { PaneUser } from "./pane-user.ts";
import { Avatar } from "./people.tsx";
import { userNamed } from "./user-name.ts";

export function SignInForm({ user, endpoints }: { user: PaneUser; endpoints: Endpoints }) {
  const person = userNamed(user.name);
  const field = `name-${user.id}`;
  return (
    <form
      class="sign-in"
      aria-label="Sign in"
      onSubmit={(event) => {
        event.preventDefault();
        user.signIn();
      }}
    >
      <Avatar userId={person?.userId ?? ""} name={person?.name ?? "?"} />
      <label for={field}>Name</label>
      <input
        id={field}
        data-testid="name"
        value={user.name}
        maxLength={64}
        autoComplete="off"
        onInput={({ currentTarget }) => user.setName(currentTarget.value)}
      />
      <div class="row">
        <span>Gateway</span>
        <GatewayChoice user={user} endpoints={endpoints} />
      </div>
      <button type="submit" class="primary" disabled={person === undefined || user.signingIn}>
        {user.signingIn ? "Signing in …" : "Sign in"}
      </button>
      <p class="aside">Any name will do: this server gives out tokens for trials.</p>
      {user.problem !== undefined && (
        <p class="problem" role="alert">
          {user.problem}
        </p>
      )}
    </form>
  );
}
