/** The page: a header, and two panes for two users. */
import { useEffect, useMemo, useState } from "preact/hooks";
import type { Endpoints } from "./endpoints.ts";
import { type NodeHealth, nodesOf, watchHealth } from "./health.ts";
import { Logo } from "./icons.tsx";
import { Keys } from "./keys.tsx";
import { Pane } from "./pane.tsx";
import { type PaneId, type PaneUser, usePaneUser } from "./pane-user.ts";
import { userNamed } from "./user-name.ts";

type View = PaneId | "both";

export function Page({ endpoints }: { endpoints: Endpoints }) {
  const a = usePaneUser("a", "Alice", endpoints);
  const b = usePaneUser("b", "Bob", endpoints);
  const health = useHealth(endpoints);
  const narrow = useNarrow();
  const [chosen, setChosen] = useState<View>("both");
  const view = narrow && chosen === "both" ? "a" : chosen;
  const signedOut = [a, b].filter(({ store, signingIn }) => store === undefined && !signingIn);
  const signInBoth = () => {
    for (const user of signedOut) user.signIn();
  };

  return (
    <>
      <header class="top">
        <Logo />
        <h1>Signalbox</h1>
        <ViewSwitch users={[a, b]} view={view} narrow={narrow} choose={setChosen} />
        <span class="gap" />
        {signedOut.length === 2 && !narrow && (
          <button type="button" class="primary" onClick={signInBoth}>
            Sign in both
          </button>
        )}
        <Keys />
      </header>
      <main class="panes" data-view={view}>
        {[a, b].map((user) => (
          <Pane
            key={user.id}
            user={user}
            other={userNamed((user === a ? b : a).name)}
            endpoints={endpoints}
            health={health}
            hidden={view !== "both" && view !== user.id}
          />
        ))}
      </main>
    </>
  );
}

interface ViewSwitchProps {
  users: readonly PaneUser[];
  view: View;
  /** There is room for one pane only. */
  narrow: boolean;
  choose(view: View): void;
}

function ViewSwitch({ users, view, narrow, choose }: ViewSwitchProps) {
  const choices: { id: View; name: string }[] = users.map(({ id, name }) => ({ id, name: name.trim() || id }));
  if (!narrow) choices.splice(1, 0, { id: "both", name: "Both" });
  return (
    <nav class="switch" aria-label="Panes">
      {choices.map(({ id, name }) => (
        <button key={id} type="button" aria-pressed={view === id} onClick={() => choose(id)}>
          {name}
        </button>
      ))}
    </nav>
  );
}

function useHealth(endpoints: Endpoints): readonly NodeHealth[] {
  const nodes = useMemo(() => nodesOf(endpoints), [endpoints]);
  const [health, setHealth] = useState<readonly NodeHealth[]>(
    nodes.map((node) => ({ ...node, status: undefined, ms: undefined })),
  );
  useEffect(() => watchHealth(nodes, setHealth), [nodes]);
  return health;
}

function useNarrow(): boolean {
  const query = useMemo(() => matchMedia("(max-width: 899px)"), []);
  const [narrow, setNarrow] = useState(query.matches);
  useEffect(() => {
    const update = () => setNarrow(query.matches);
    query.addEventListener("change", update);
    return () => query.removeEventListener("change", update);
  }, [query]);
  return narrow;
}
